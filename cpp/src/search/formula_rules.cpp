#include "closedform/search/formula_rules.hpp"

#include <algorithm>

namespace closedform {
namespace {

/// For every node, the most of an operator on a way from it down to a leaf, itself included.
std::vector<std::size_t> deepest(const Tape& tape, bool (*counts)(const Node&, Op), Op op) {
    std::vector<std::size_t> most(tape.size());
    for (std::size_t i = 0; i < tape.size(); ++i) {
        std::size_t below = 0;
        if (arity(tape[i].op) == 1) {
            below = most[i - 1];
        } else if (arity(tape[i].op) == 2) {
            below = std::max(most[operands(tape, i).left], most[i - 1]);
        }
        most[i] = below + (counts(tape[i], op) ? 1 : 0);
    }
    return most;
}

bool nests_too_deep(const Tape& tape, const FormulaRules::Nesting& nesting) {
    const auto most =
        deepest(tape, [](const Node& node, Op op) { return node.op == op; }, nesting.inner);
    for (std::size_t i = 0; i < tape.size(); ++i) {
        const std::size_t own = nesting.inner == nesting.outer ? 1 : 0;
        if (tape[i].op == nesting.outer && most[i] - own > nesting.most) {
            return true;
        }
    }
    return false;
}

bool operands_too_large(const Tape& tape, const FormulaRules::Operands& limit) {
    for (std::size_t i = 0; i < tape.size(); ++i) {
        if (tape[i].op != limit.op) {
            continue;
        }
        const bool binary = arity(limit.op) == 2;
        const std::size_t left = binary ? operands(tape, i).left : i - 1;
        if (tape[left].size > limit.most_left || (binary && tape[i - 1].size > limit.most_right)) {
            return true;
        }
    }
    return false;
}

bool reads_forbidden(const Tape& tape, const FormulaRules::Forbidden& pair) {
    for (std::size_t i = 0; i < tape.size(); ++i) {
        if (tape[i].op == pair.op) {
            const auto begin = tape.begin() + static_cast<std::ptrdiff_t>(subtree_begin(tape, i));
            const auto end = tape.begin() + static_cast<std::ptrdiff_t>(i);
            if (std::any_of(begin, end, [&](const Node& node) {
                    return node.op == Op::variable && node.variable == pair.input;
                })) {
                return true;
            }
        }
    }
    return false;
}

/// Whether an operator of the user's own is one of numbers alone, which is a number.
bool own_of_numbers(const Tape& tape) {
    for (std::size_t i = 0; i < tape.size(); ++i) {
        if (tape[i].op >= first_own_op) {
            const auto begin = tape.begin() + static_cast<std::ptrdiff_t>(subtree_begin(tape, i));
            const auto end = tape.begin() + static_cast<std::ptrdiff_t>(i);
            if (std::none_of(begin, end,
                             [](const Node& node) { return node.op == Op::variable; })) {
                return true;
            }
        }
    }
    return false;
}

template <class Rule>
bool any_broken(const Tape& tape, const std::vector<Rule>& rules,
                bool (*breaks)(const Tape&, const Rule&)) {
    return std::any_of(rules.begin(), rules.end(),
                       [&](const Rule& rule) { return breaks(tape, rule); });
}

}  // namespace

bool FormulaRules::in_their_places(const Tape& tape) const {
    return !any_broken(tape, nestings, nests_too_deep) &&
           !any_broken(tape, forbidden, reads_forbidden) && !(has_own() && own_of_numbers(tape));
}

bool FormulaRules::allow(const Tape& tape) const {
    if (!in_their_places(tape) || any_broken(tape, operand_sizes, operands_too_large) ||
        (most_constants < max_tape_size && constant_positions(tape).size() > most_constants)) {
        return false;
    }
    if (most_depth < max_tape_size) {
        const auto depth = deepest(tape, [](const Node&, Op) { return true; }, Op::constant);
        if (depth.back() > most_depth) {
            return false;
        }
    }
    if (!dimensions && !has_own()) {
        return true;
    }
    const Tape plain = written_out(tape);
    return !plain.empty() && (!dimensions || meets_target(plain, *dimensions));
}

bool FormulaRules::conceivable(const Tape& tape) const {
    if (!in_their_places(tape)) {
        return false;
    }
    const Tape plain = dimensions ? written_out(tape) : Tape{};
    return !dimensions || (!plain.empty() && consistent(plain, *dimensions));
}

bool FormulaRules::constant_terms() const {
    return !dimensions || dimensions->free_constants() || !dimensions->target ||
           meets_target({Node::constant(1.0), Node::constant(1.0), {Op::add, 3, -1, 0.0}},
                        *dimensions);
}

}  // namespace closedform
