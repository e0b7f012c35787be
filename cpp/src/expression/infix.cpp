#include "closedform/expression/infix.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

#include "closedform/expression/operator_table.hpp"
#include "closedform/expression/vocabulary.hpp"
#include "expression/infix_parser.hpp"

namespace closedform {
namespace {

std::string number_text(double value) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    return {buffer.data(), end};
}

struct Piece {
    std::string text;
    Priority priority;
};

/// With parentheses only where needed.
std::string at_least(const Piece& piece, Priority wanted) {
    return piece.priority >= wanted ? piece.text : std::string("(").append(piece.text).append(")");
}

Priority above(Priority priority) { return static_cast<Priority>(static_cast<int>(priority) + 1); }

Piece print_subtree(const Tape& tape, std::size_t root, std::span<const std::string> names,
                    const Vocabulary* vocabulary) {
    const Node& node = tape[root];
    if (node.op == Op::constant) {
        return {number_text(node.value),
                std::signbit(node.value) ? Priority::sign : Priority::atom};
    }
    if (node.op == Op::variable) {
        return {names[static_cast<std::size_t>(node.variable)], Priority::atom};
    }
    const OperatorFacts& op = facts(node.op);
    const bool own = node.op >= first_own_op && vocabulary != nullptr;
    const std::string name(own ? vocabulary->name(node.op) : op.name);
    if (op.operands == 1) {
        const Piece operand = print_subtree(tape, root - 1, names, vocabulary);
        if (op.power > 0) {
            return {at_least(operand, Priority::atom) + "**" + std::to_string(op.power),
                    Priority::power};
        }
        return {name + "(" + operand.text + ")", Priority::atom};
    }
    const auto [left_root, right_root] = operands(tape, root);
    const Piece left = print_subtree(tape, left_root, names, vocabulary);
    const Piece right = print_subtree(tape, right_root, names, vocabulary);
    // Where the parser reads x**3 as another operator, pow stays a call.
    if (node.op == Op::pow && tape[right_root].op == Op::constant &&
        !named_power(tape[right_root].value)) {
        return {at_least(left, Priority::atom) + "**" + right.text, Priority::power};
    }
    if (op.priority == Priority::atom) {
        return {name + "(" + left.text + ", " + right.text + ")", Priority::atom};
    }
    if (node.op == Op::mul && tape[left_root].op == Op::constant && tape[left_root].value == -1.0 &&
        tape[right_root].op != Op::constant) {
        return {std::string("-").append(at_least(right, Priority::power)), Priority::sign};
    }
    const std::string sign = op.priority == Priority::product ? name : " " + name + " ";
    // a > b > c is no comparison of a > b with c to Python.
    const bool chains = op.priority != Priority::comparison;
    return {at_least(left, chains ? op.priority : above(op.priority)) + sign +
                at_least(right, above(op.priority)),
            op.priority};
}

}  // namespace

std::string print(const Tape& tape, std::span<const std::string> names,
                  const Vocabulary* vocabulary) {
    if (static_cast<std::size_t>(inputs_needed(tape)) > names.size()) {
        throw std::invalid_argument("names: the expression reads column " +
                                    std::to_string(inputs_needed(tape)) + ", but there are only " +
                                    std::to_string(names.size()) + " names");
    }
    return print_subtree(tape, tape.size() - 1, names, vocabulary).text;
}

Tape parse(std::string_view text, std::span<const std::string> names,
           const Vocabulary* vocabulary) {
    return InfixParser(text, names, "expression", vocabulary).run();
}

}  // namespace closedform
