#include "expression/derivative.hpp"

#include <array>
#include <string>
#include <utility>

#include "closedform/expression/infix.hpp"
#include "closedform/expression/operator_table.hpp"

namespace closedform {
namespace {

bool is(const Tape& tape, double value) {
    return tape.size() == 1 && tape[0].op == Op::constant && tape[0].value == value &&
           tape[0].variable < 0;  // not one that is fitted
}

Tape number(double value) { return {Node::constant(value)}; }

Tape binary(Tape left, const Tape& right, Op op) {
    if (op == Op::mul && (is(left, 0.0) || is(right, 0.0))) {
        return number(0.0);
    }
    if ((op == Op::mul && is(left, 1.0)) || (op == Op::add && is(left, 0.0))) {
        return right;
    }
    if ((op == Op::mul && is(right, 1.0)) || (op == Op::add && is(right, 0.0))) {
        return left;
    }
    left.insert(left.end(), right.begin(), right.end());
    left.push_back(Node::function(op));
    return left;
}

/// How an operator's value changes with its operand `which`, in a and b, its operands, and v.
Tape slope(Op op, int which) {
    static const std::array<std::string, 3> names = {"a", "b", "v"};
    return parse(facts(op).slopes[static_cast<std::size_t>(which)], names);
}

Tape substituted(const Tape& form, const std::array<Tape, 3>& with) {
    Tape result;
    for (const Node& node : form) {
        if (node.op == Op::variable) {
            const Tape& own = with[static_cast<std::size_t>(node.variable)];
            result.insert(result.end(), own.begin(), own.end());
        } else {
            result.push_back(node);
        }
    }
    return result;
}

/// Of a tree that may grow beyond what an expression holds; it is given up there.
Tape derived(const Tape& tape, int input) {
    const Node& node = tape.back();
    if (node.op == Op::constant || node.op == Op::variable) {
        return number(node.op == Op::variable && node.variable == input ? 1.0 : 0.0);
    }
    const std::size_t root = tape.size() - 1;
    const bool two = arity(node.op) == 2;
    std::array<Tape, 3> parts;
    parts[0] = subtree(tape, two ? operands(tape, root).left : root - 1);
    parts[1] = two ? subtree(tape, root - 1) : Tape{};
    parts[2] = tape;
    Tape sum = number(0.0);
    for (int which = 0; which < (two ? 2 : 1); ++which) {
        const Tape& operand = parts[static_cast<std::size_t>(which)];
        const Tape inner = derived(operand, input);
        if (inner.empty()) {
            return {};
        }
        if (is(inner, 0.0)) {
            continue;
        }
        Tape outer;
        const bool power = node.op == Op::pow && which == 0 && parts[1].size() == 1 &&
                           parts[1][0].op == Op::constant && is_structure(parts[1][0].value);
        if (power) {  // an exponent that says what the formula is stays one
            const double exponent = parts[1][0].value;
            outer = parts[0];
            outer.push_back(Node::constant(exponent - 1.0));
            outer.push_back(Node::function(Op::pow));
            outer = binary(number(exponent), outer, Op::mul);
        } else {
            outer = substituted(slope(node.op, which), parts);
        }
        sum = binary(std::move(sum), binary(outer, inner, Op::mul), Op::add);
        if (sum.size() > max_tape_size) {
            return {};
        }
    }
    return sum;
}

}  // namespace

Tape derivative(const Tape& tape, int input) {
    Tape result = derived(tape, input);
    if (!result.empty()) {
        fix_sizes(result);
    }
    return result;
}

}  // namespace closedform
