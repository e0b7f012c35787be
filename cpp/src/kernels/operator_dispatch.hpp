#pragma once
// From a tape's operator to its arithmetic: over a block of rows on the CPU, at one row on a GPU.

#include "closedform/core/node.hpp"
#include "kernels/host_device.hpp"
#include "kernels/operators.hpp"

namespace closedform::kernels {

/// Calls visit with the functor of a function of one operand. far() says whether an argument of
/// sin, cos or tan is too large for the reduction in sincos; it is asked for these alone.
template <class Far, class Visit>
CLOSEDFORM_HOST_DEVICE void with_unary(Op op, const Far& far, const Visit& visit) {
    switch (op) {
        case Op::sin:
            return far() ? visit(SinFar{}) : visit(Sin{});
        case Op::cos:
            return far() ? visit(CosFar{}) : visit(Cos{});
        case Op::tan:
            return far() ? visit(TanFar{}) : visit(Tan{});
        case Op::exp:
            return visit(Exp{});
        case Op::log:
            return visit(Log{});
        case Op::sqrt:
            return visit(Sqrt{});
        case Op::square:
            return visit(Square{});
        case Op::cube:
            return visit(Cube{});
        case Op::abs:
            return visit(Abs{});
        case Op::tanh:
            return visit(Tanh{});
        default:
            return visit(Inv{});
    }
}

/// The same for + - * / pow.
template <class Visit>
CLOSEDFORM_HOST_DEVICE void with_binary(Op op, const Visit& visit) {
    switch (op) {
        case Op::add:
            return visit(Add{});
        case Op::sub:
            return visit(Sub{});
        case Op::mul:
            return visit(Mul{});
        case Op::div:
            return visit(Div{});
        default:
            return visit(Pow{});
    }
}

/// (scale (f - y))^2
template <class T>
CLOSEDFORM_HOST_DEVICE T square_error(T f, T y, T scale) {
    const T residual = scale * (f - y);
    return residual * residual;
}

}  // namespace closedform::kernels
