#pragma once
// The nodes that expressions are made of, as plain data: what kernels read.

#include <cstdint>

namespace closedform {

enum class Op : std::uint8_t {
    constant,
    variable,
    add,
    sub,
    mul,
    div,
    pow,
    sin,
    cos,
    tan,
    exp,
    log,
    sqrt,
    square,
    cube,
    abs,
    tanh,
    inv,
};
inline constexpr int op_count = 18;

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
