#pragma once
// The nodes that expressions are made of, as plain data: what kernels read.

#include <cstdint>

#include "closedform/core/operator_list.hpp"

namespace closedform {

enum class Op : std::uint8_t {
    constant,
    variable,
#define CLOSEDFORM_ENUMERATOR(op, ...) op,
    CLOSEDFORM_OPERATORS(CLOSEDFORM_ENUMERATOR)
#undef CLOSEDFORM_ENUMERATOR
};

#define CLOSEDFORM_ONE(...) +1  // NOLINT(bugprone-macro-parentheses): terms of a sum
inline constexpr int op_count = 2 CLOSEDFORM_OPERATORS(CLOSEDFORM_ONE);
#undef CLOSEDFORM_ONE

/// Operators of a user's own (expression/vocabulary.hpp) that there is room for behind the others,
/// of one operand, then of two. Kernels never see them.
inline constexpr Op first_own_op = static_cast<Op>(op_count);
inline constexpr int own_unary_operators = 12;
inline constexpr int own_binary_operators = 4;
inline constexpr int all_op_count = op_count + own_unary_operators + own_binary_operators;

/// The operators of two operands, a bit each.
#define CLOSEDFORM_BIT(op, functor, operands, ...) \
    | (std::uint64_t{(operands) == 2} << static_cast<unsigned>(Op::op))
inline constexpr std::uint64_t binary_operators =
    (((std::uint64_t{1} << own_binary_operators) - 1) << (op_count + own_unary_operators))
        CLOSEDFORM_OPERATORS(CLOSEDFORM_BIT);
#undef CLOSEDFORM_BIT

/// 0 for constants and variables, 1 for functions, 2 for the likes of + and pow.
constexpr int arity(Op op) {
    const int binary = static_cast<int>(binary_operators >> static_cast<unsigned>(op) & 1U);
    return op <= Op::variable ? 0 : 1 + binary;
}

struct Node {
    Op op = Op::constant;
    std::uint16_t size = 1;      ///< nodes in the subtree ending here, this one included
    std::int32_t variable = -1;  ///< column of the data, for Op::variable
    double value = 0.0;          ///< for Op::constant

    static Node constant(double value) { return {Op::constant, 1, -1, value}; }
    static Node input(int column) { return {Op::variable, 1, column, 0.0}; }
    static Node function(Op op) { return {op, 1, -1, 0.0}; }  ///< size is set by fix_sizes
    bool operator==(const Node&) const = default;
};

}  // namespace closedform
