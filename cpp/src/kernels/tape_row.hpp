#pragma once
// A tape at one row: its value, and its input gradient in reverse mode. For GPUs, where a thread
// has a row; the CPU takes a block of rows through one operator before the next
// (kernels/simd/tape.hpp).

#include <cstddef>

#include "kernels/operator_dispatch.hpp"

namespace closedform::kernels {

template <class T>
CLOSEDFORM_HOST_DEVICE bool far_angle(T a) {
    // float's own sine has no limit.
    return sizeof(T) == sizeof(double) && magnitude(a) > T(CLOSEDFORM_SINCOS_LIMIT);
}

/// b is not read where there is one operand.
template <class T>
CLOSEDFORM_HOST_DEVICE T apply(Op op, T a, T b) {
    T out = a;
    with_operator(
        op, [a] { return far_angle(a); },
        [&](auto f) {
            if constexpr (decltype(f)::arity == 2) {
                out = f.value(a, b);
            } else {
                out = f.value(a);
            }
        });
    return out;
}

/// Where the left operand of the operator at `root` ends; the only operand of a unary one.
CLOSEDFORM_HOST_DEVICE unsigned first_operand(const Node* tape, unsigned root) {
    return is_binary(tape[root].op) ? root - 1 - tape[root - 1].size : root - 1;
}

/// x[j] is input j. `stack`: as many numbers as values are live at once, half the nodes at most.
template <class T, class Row, class Space>
CLOSEDFORM_HOST_DEVICE T tape_value(const Node* tape, unsigned nodes, const Row& x,
                                    const Space& stack) {
    unsigned depth = 0;
    for (unsigned i = 0; i < nodes; ++i) {
        const Node node = tape[i];
        if (node.op == Op::constant) {
            stack[depth++] = static_cast<T>(node.value);
        } else if (node.op == Op::variable) {
            stack[depth++] = x[static_cast<std::size_t>(node.variable)];
        } else {
            const unsigned last = depth - 1;
            depth -= is_binary(node.op) ? 1U : 0U;
            stack[depth - 1] = apply<T>(node.op, stack[depth - 1], stack[last]);
        }
    }
    return stack[0];
}

/// Numbers of `space` that tape_gradient takes.
CLOSEDFORM_HOST_DEVICE std::size_t tape_gradient_space(std::size_t nodes) { return 2 * nodes; }

/// The value; adds the derivative by input j to gradient[j]. Says in `reads` whether there is an
/// input at all.
template <class T, class Row, class Space>
CLOSEDFORM_HOST_DEVICE T tape_gradient(const Node* tape, unsigned nodes, const Row& x,
                                       const Space& space, const Space& gradient, bool& reads) {
    const Space value = space;
    const Space adjoint = space + nodes;
    for (unsigned i = 0; i < nodes; ++i) {
        const Node node = tape[i];
        if (node.op == Op::constant) {
            value[i] = static_cast<T>(node.value);
        } else if (node.op == Op::variable) {
            value[i] = x[static_cast<std::size_t>(node.variable)];
        } else {
            value[i] = apply<T>(node.op, value[first_operand(tape, i)], value[i - 1]);
        }
    }
    adjoint[nodes - 1] = T(1);
    reads = false;
    for (unsigned i = nodes; i-- > 0;) {
        const Node node = tape[i];
        const T g = adjoint[i];
        if (node.op == Op::variable) {
            const auto j = static_cast<std::size_t>(node.variable);
            gradient[j] = gradient[j] + g;
            reads = true;
        } else if (node.op != Op::constant) {
            const unsigned left = first_operand(tape, i);
            const T a = value[left];
            const T b = value[i - 1];
            const T v = value[i];
            with_operator(
                node.op, [a] { return far_angle(a); },
                [&](auto f) {
                    if constexpr (decltype(f)::arity == 2) {
                        adjoint[left] = g * f.left(a, b, v);
                        adjoint[i - 1] = g * f.right(a, b, v);
                    } else {
                        adjoint[i - 1] = g * f.slope(a, v);
                    }
                });
        }
    }
    return value[nodes - 1];
}

}  // namespace closedform::kernels
