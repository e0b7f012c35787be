#pragma once
// From a tape's operator to its arithmetic: over a block of rows on the CPU, at one row on a GPU.

#include "closedform/core/node.hpp"
#include "kernels/binary_operators.hpp"
#include "kernels/host_device.hpp"
#include "kernels/unary_operators.hpp"

namespace closedform::kernels {

/// arity(op) of an operator: not the public one, which the linker might keep one copy of for all
/// instruction sets.
CLOSEDFORM_HOST_DEVICE bool is_binary(Op op) {
    return (binary_operators >> static_cast<unsigned>(op) & 1U) != 0;
}

template <class F, class Far, class Visit>
CLOSEDFORM_HOST_DEVICE void visit_near_or_far(const Far& far, const Visit& visit) {
    if constexpr (requires { typename F::OfFarAngle; }) {
        if (far()) {
            visit(typename F::OfFarAngle{});
            return;
        }
    }
    visit(F{});
}

/// Calls visit with the operator's functor, which says in `arity` how many operands it has; does
/// nothing for constants and variables. far() says whether an argument of sin, cos or tan is too
/// large for the reduction in sincos; it is asked for these alone.
template <class Far, class Visit>
CLOSEDFORM_HOST_DEVICE void with_operator(Op op, const Far& far, const Visit& visit) {
    switch (op) {
        case Op::constant:
        case Op::variable:
            return;
#define CLOSEDFORM_CASE(name, functor, operands, ...) \
    case Op::name:                                    \
        static_assert(functor::arity == (operands));  \
        return visit_near_or_far<functor>(far, visit);
            CLOSEDFORM_OPERATORS(CLOSEDFORM_CASE)
#undef CLOSEDFORM_CASE
    }
}

/// (scale (f - y))^2
template <class T>
CLOSEDFORM_HOST_DEVICE T square_error(T f, T y, T scale) {
    const T residual = scale * (f - y);
    return residual * residual;
}

}  // namespace closedform::kernels
