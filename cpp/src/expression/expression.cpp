#include "closedform/expression/expression.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "closedform/expression/operator_table.hpp"

namespace closedform {

std::string_view name(Op op) { return facts(op).name; }

OpSet::OpSet(std::span<const std::string_view> names) {
    const std::vector<Op> known = all().operators();
    for (const std::string_view wanted : names) {
        const auto found = std::find_if(known.begin(), known.end(),
                                        [&](Op op) { return facts(op).name == wanted; });
        if (found == known.end()) {
            std::string list;
            for (const Op op : known) {
                list.append(" ").append(facts(op).name);
            }
            throw std::invalid_argument("operators: unknown operator '" + std::string(wanted) +
                                        "'; known are" + list);
        }
        insert(*found);
    }
}

std::vector<Op> OpSet::operators() const {
    std::vector<Op> found;
    for (int i = 2; i < all_op_count; ++i) {
        if (has(static_cast<Op>(i))) {
            found.push_back(static_cast<Op>(i));
        }
    }
    return found;
}

std::vector<Op> OpSet::of_arity(int wanted) const {
    std::vector<Op> found = operators();
    std::erase_if(found, [&](Op op) { return arity(op) != wanted; });
    return found;
}

OpSet OpSet::all() {
    OpSet set;
    for (int i = 2; i < op_count; ++i) {
        set.insert(static_cast<Op>(i));
    }
    return set;
}

void fix_sizes(Tape& tape) {
    if (tape.empty() || tape.size() > max_tape_size) {
        throw std::invalid_argument("expression: a tape has 1 to 255 nodes");
    }
    std::size_t open = 0;  // complete subtrees so far
    for (std::size_t i = 0; i < tape.size(); ++i) {
        const auto need = static_cast<std::size_t>(arity(tape[i].op));
        if (open < need) {
            throw std::invalid_argument("expression: an operator lacks an operand");
        }
        std::size_t size = 1;
        for (std::size_t child = 0; child < need; ++child) {
            size += tape[i - size].size;
        }
        tape[i].size = static_cast<std::uint16_t>(size);
        open += 1 - need;
    }
    if (open != 1) {
        throw std::invalid_argument("expression: the tape holds more than one expression");
    }
}

Tape replace_subtree(const Tape& tape, std::size_t root, std::span<const Node> with) {
    const auto begin = static_cast<std::ptrdiff_t>(subtree_begin(tape, root));
    Tape result;
    result.reserve(tape.size() - tape[root].size + with.size());
    result.insert(result.end(), tape.begin(), tape.begin() + begin);
    result.insert(result.end(), with.begin(), with.end());
    result.insert(result.end(), tape.begin() + static_cast<std::ptrdiff_t>(root) + 1, tape.end());
    return result;
}

Tape subtree(const Tape& tape, std::size_t root) {
    return {tape.begin() + static_cast<std::ptrdiff_t>(subtree_begin(tape, root)),
            tape.begin() + static_cast<std::ptrdiff_t>(root) + 1};
}

int inputs_needed(const Tape& tape) {
    int largest = -1;
    for (const Node& node : tape) {
        if (node.op == Op::variable) {
            largest = std::max(largest, static_cast<int>(node.variable));
        }
    }
    return largest + 1;
}

Tape join_parts(std::span<const Tape> parts) {
    Tape joined;
    for (const Tape& part : parts) {
        joined.insert(joined.end(), part.begin(), part.end());
    }
    return joined;
}

std::vector<Tape> parts_of(const Tape& tape) {
    std::vector<Tape> parts;
    for (std::size_t end = tape.size(); end > 0; end -= tape[end - 1].size) {
        parts.push_back(subtree(tape, end - 1));
    }
    std::reverse(parts.begin(), parts.end());
    return parts;
}

bool uses_only(const Tape& tape, const OpSet& allowed) {
    return std::all_of(tape.begin(), tape.end(),
                       [&](const Node& node) { return allowed.has(node.op); });
}

void mark_ancestors(const Tape& tape, std::span<bool> marked) {
    for (std::size_t i = 0; i < tape.size(); ++i) {
        const int operand_count = arity(tape[i].op);
        if (operand_count > 0) {
            marked[i] = marked[i] || marked[i - 1];
        }
        if (operand_count > 1) {
            marked[i] = marked[i] || marked[operands(tape, i).left];
        }
    }
}

bool is_structure(double exponent) { return 2.0 * exponent == std::round(2.0 * exponent); }

std::vector<std::size_t> constant_positions(const Tape& tape) {
    std::vector<std::size_t> positions;
    for (std::size_t i = 0; i < tape.size(); ++i) {
        const bool exponent = i + 1 < tape.size() && tape[i + 1].op == Op::pow;
        if (tape[i].op == Op::constant && !(exponent && is_structure(tape[i].value))) {
            positions.push_back(i);
        }
    }
    return positions;
}

bool determined(const Tape& tape, std::size_t rows) {
    // In nats: what a row says that is met to rounding, log(1e12); what a constant in full takes;
    // and what choosing a node among some twenty symbols does.
    constexpr double row_nats = 27.6;
    constexpr double constant_nats = 18.0;
    constexpr double node_nats = 3.0;
    constexpr double margin = 2.0;
    constexpr double simple = 1000.0;  // whole numbers up to this are cheaper than a constant
    double constants = 0.0;
    for (const Node& node : tape) {
        const bool whole = std::abs(node.value) <= simple && node.value == std::round(node.value);
        constants += node.op == Op::constant && !whole ? 1.0 : 0.0;
    }
    const double surplus = static_cast<double>(rows) - constants;
    const double freedom = node_nats * static_cast<double>(tape.size()) + constant_nats * constants;
    return row_nats * surplus >= margin * freedom;
}

}  // namespace closedform
