#pragma once
// A tape at one row with the derivatives by its constants, in reverse mode. For GPUs, where a
// thread has a row and what it keeps of it is what limits how many rows are under way: leaves are
// read again where they are needed, only values of operators are kept, and adjoints that wait take
// no room of their own.

#include <cstddef>
#include <cstdint>

#include "kernels/operator_dispatch.hpp"
#include "kernels/tape_row.hpp"

namespace closedform::kernels {

/// A node of a tape with what its derivatives need to know beforehand.
struct SlopeNode {
    double value;        ///< of a constant
    std::int32_t place;  ///< an input's column, a constant's number, where an operator's value is
    std::uint16_t size;  ///< nodes in the subtree ending here
    Op op;
    bool varies;  ///< whether a constant that derivatives are wanted by is in the subtree
};

/// x[j] is input j, values[k] what the operator of place k has given.
template <class T, class Row, class Space>
CLOSEDFORM_HOST_DEVICE T slope_value(const SlopeNode& node, const Row& x, const Space& values) {
    if (node.op == Op::constant) {
        return static_cast<T>(node.value);
    }
    const auto place = static_cast<std::size_t>(node.place);
    return node.op == Op::variable ? static_cast<T>(x[place]) : static_cast<T>(values[place]);
}

/// Where the left operand of the operator at `root` ends; the only operand of a unary one.
CLOSEDFORM_HOST_DEVICE unsigned first_operand(const SlopeNode* tape, unsigned root) {
    return is_binary(tape[root].op) ? root - 1 - tape[root - 1].size : root - 1;
}

/// The value, with values[k] of all operators.
template <class T, class Row, class Space>
CLOSEDFORM_HOST_DEVICE T slopes_forward(const SlopeNode* tape, unsigned nodes, const Row& x,
                                        const Space& values) {
    for (unsigned i = 0; i < nodes; ++i) {
        const SlopeNode node = tape[i];
        if (node.op != Op::constant && node.op != Op::variable) {
            const T a = slope_value<T>(tape[first_operand(tape, i)], x, values);
            const T b = slope_value<T>(tape[i - 1], x, values);
            values[static_cast<std::size_t>(node.place)] = apply<T>(node.op, a, b);
        }
    }
    return slope_value<T>(tape[nodes - 1], x, values);
}

/// After slopes_forward: slopes[k], the derivative by the constant of number k. These are numbered
/// in the tape's order and reached from the last one down. Adjoints that wait have a constant each
/// that is still to come: they lie in the slopes' own places, from the first one up.
template <class T, class Row, class Space>
CLOSEDFORM_HOST_DEVICE void slopes_reverse(const SlopeNode* tape, unsigned nodes, const Row& x,
                                           const Space& values, const Space& slopes) {
    if (!tape[nodes - 1].varies) {
        return;
    }
    std::size_t waiting = 1;
    slopes[0] = T(1);
    for (unsigned i = nodes; i-- > 0;) {
        const SlopeNode node = tape[i];
        if (!node.varies) {
            i -= node.size - 1U;
            continue;
        }
        const T g = slopes[--waiting];
        if (node.op == Op::constant) {
            slopes[static_cast<std::size_t>(node.place)] = g;
            continue;
        }
        const unsigned left = first_operand(tape, i);
        const bool right_too = tape[i - 1].varies;
        const T a = slope_value<T>(tape[left], x, values);
        const T b = slope_value<T>(tape[i - 1], x, values);
        const T v = values[static_cast<std::size_t>(node.place)];
        with_operator(
            node.op, [a] { return far_angle(a); },
            [&](auto f) {
                if constexpr (decltype(f)::arity == 2) {
                    if (tape[left].varies) {
                        slopes[waiting++] = g * f.left(a, b, v);
                    }
                    if (right_too) {
                        slopes[waiting++] = g * f.right(a, b, v);
                    }
                } else {
                    slopes[waiting++] = g * f.slope(a, v);
                }
            });
    }
}

}  // namespace closedform::kernels
