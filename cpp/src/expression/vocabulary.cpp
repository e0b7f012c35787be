#include "closedform/expression/vocabulary.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace closedform {

Op Vocabulary::define(std::string name, const Tape& definition) {
    const int operand_count = inputs_needed(definition);
    if (operand_count < 1 || operand_count > 2) {
        throw std::invalid_argument("operators: '" + name + "' has " +
                                    std::to_string(operand_count) + " operands; one or two can be");
    }
    const auto same = std::count_if(own_.begin(), own_.end(), [&](const Own& other) {
        return arity(other.op) == operand_count;
    });
    if (same == (operand_count == 1 ? own_unary_operators : own_binary_operators)) {
        throw std::invalid_argument("operators: '" + name + "' is one too many; of one operand " +
                                    std::to_string(own_unary_operators) + " can be, of two " +
                                    std::to_string(own_binary_operators));
    }
    const int first = operand_count == 1 ? op_count : op_count + own_unary_operators;
    const auto op = static_cast<Op>(first + static_cast<int>(same));
    own_.push_back({std::move(name), op, definition});
    return op;
}

std::optional<Op> Vocabulary::find(std::string_view name) const {
    const auto found =
        std::find_if(own_.begin(), own_.end(), [&](const Own& own) { return own.name == name; });
    return found == own_.end() ? std::nullopt : std::optional(found->op);
}

const Vocabulary::Own& Vocabulary::definition(Op op) const {
    const auto found =
        std::find_if(own_.begin(), own_.end(), [&](const Own& own) { return own.op == op; });
    if (found == own_.end()) {
        throw std::invalid_argument("operators: one is not defined");
    }
    return *found;
}

Expanded Vocabulary::expanded(const Tape& tape) const {
    Expanded result;
    append(tape, tape.size() - 1, result);
    if (result.tape.size() > max_tape_size) {
        return {};
    }
    fix_sizes(result.tape);
    return result;
}

void Vocabulary::append(const Tape& tape, std::size_t root, Expanded& to) const {
    const int operand_count = arity(tape[root].op);
    const std::size_t left = operand_count == 2 ? operands(tape, root).left : root - 1;
    if (to.tape.size() > max_tape_size) {
        return;
    }
    if (tape[root].op < first_own_op) {
        if (operand_count == 2) {
            append(tape, left, to);
        }
        if (operand_count > 0) {
            append(tape, root - 1, to);
        }
        to.tape.push_back(tape[root]);
        to.origin.push_back(root);
        return;
    }
    for (const Node& node : definition(tape[root].op).definition) {
        if (node.op == Op::variable) {
            append(tape, node.variable == 0 ? left : root - 1, to);
        } else {
            to.tape.push_back(node);
            to.origin.push_back(Expanded::defined);
        }
    }
}

std::size_t Vocabulary::complexity(const Tape& tape) const {
    std::size_t sum = 0;
    for (const Node& node : tape) {
        std::size_t own = 1;
        if (const auto input = inputs_.find(node.variable);
            node.op == Op::variable && input != inputs_.end()) {
            own = input->second;
        } else if (const auto found = counts_.find(static_cast<std::size_t>(node.op));
                   node.op != Op::variable && found != counts_.end()) {
            own = found->second;
        }
        sum += own;
    }
    return sum;
}

OpSet op_set(std::span<const std::string> names, const Vocabulary* vocabulary) {
    std::vector<std::string_view> others;
    std::vector<Op> own;
    for (const std::string& name : names) {
        const auto found = vocabulary == nullptr ? std::nullopt : vocabulary->find(name);
        if (found) {
            own.push_back(*found);
        } else {
            others.emplace_back(name);
        }
    }
    OpSet set(others);
    for (const Op op : own) {
        set.insert(op);
    }
    return set;
}

}  // namespace closedform
