#include "closedform/expression/dimensions.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "expression/dimension_rules.hpp"
#include "expression/tied_dimensions.hpp"

namespace closedform {
namespace {

constexpr std::size_t most_options = 16;  // of a subtree whose constants can be of several units

/// What a subtree can be of, by the choice of its constants' units: anything, or one of a few.
struct Possible {
    bool any = false;
    std::vector<Dimension> options;  ///< none and not `any`: it is inconsistent

    bool has(const Dimension& wanted) const;
    bool none() const { return !any && options.empty(); }
};

bool Possible::has(const Dimension& wanted) const {
    return any || std::any_of(options.begin(), options.end(),
                              [&](const Dimension& own) { return alike(own, wanted); });
}

constexpr Dimension number{};

Possible same(const Possible& a, const Possible& b) {
    if (a.any || b.any) {
        return a.any ? b : a;
    }
    Possible both;
    std::copy_if(a.options.begin(), a.options.end(), std::back_inserter(both.options),
                 [&](const Dimension& own) { return b.has(own); });
    return both;
}

Possible combined(const Possible& a, const Possible& b, double sign) {
    Possible result;
    result.any = !a.none() && !b.none() && (a.any || b.any);
    if (result.any) {
        return result;
    }
    for (const Dimension& left : a.options) {
        for (const Dimension& right : b.options) {
            const Dimension sum = plus(left, right, sign);
            if (result.options.size() < most_options && !result.has(sum)) {
                result.options.push_back(sum);
            }
        }
    }
    return result;
}

Possible raised(Possible base, double exponent) {
    for (Dimension& own : base.options) {
        own = times(own, exponent);
    }
    return base;
}

Possible number_if(bool can) {
    return {false, can ? std::vector<Dimension>{number} : std::vector<Dimension>{}};
}

/// What every node can be of, operands before operators.
std::vector<Possible> possible(const Tape& tape, const Dimensions& dimensions) {
    std::vector<Possible> found(tape.size());
    for (std::size_t i = 0; i < tape.size(); ++i) {
        const Node& node = tape[i];
        if (node.op == Op::constant) {
            found[i] = {dimensions.free_constants(), dimensions.constants};
            continue;
        }
        if (node.op == Op::variable) {
            found[i] = {false, {dimensions.inputs[static_cast<std::size_t>(node.variable)]}};
            continue;
        }
        const bool binary = arity(node.op) == 2;
        const Possible& last = found[i - 1];
        const Possible& first = binary ? found[operands(tape, i).left] : last;
        switch (rule_of(node.op)) {
            case Rule::alike:
                found[i] = same(first, last);
                break;
            case Rule::product:
                found[i] = combined(first, last, node.op == Op::mul ? 1.0 : -1.0);
                break;
            case Rule::power:
                found[i] = raised(first, power_of(node.op));
                break;
            case Rule::keeps:
                found[i] = first;
                break;
            case Rule::compares:
                found[i] = number_if(!same(first, last).none());
                break;
            case Rule::numbers:
                found[i] = number_if(first.has(number));
                break;
            case Rule::exponent: {
                const auto exponent = constant_exponent(tape, i);
                found[i] = exponent ? raised(first, *exponent)
                                    : number_if(first.has(number) && last.has(number));
            }
        }
        if (found[i].none()) {
            found.back() = {};
            return found;
        }
    }
    return found;
}

/// Gives units to the constants from the root down.
class Assignment {
  public:
    Assignment(const Tape& tape, const std::vector<Possible>& possible)
        : tape_(tape), possible_(possible), of_(tape.size()) {}

    void require(std::size_t root, const Dimension& wanted) {
        of_[root] = wanted;
        const Op op = tape_[root].op;
        if (op <= Op::variable) {
            return;
        }
        const bool binary = arity(op) == 2;
        const std::size_t last = root - 1;
        const std::size_t first = binary ? operands(tape_, root).left : last;
        Dimension left = wanted;
        Dimension right = wanted;
        switch (rule_of(op)) {
            case Rule::alike:
            case Rule::keeps:
                break;
            case Rule::product:
                std::tie(left, right) = factors(first, last, wanted, op == Op::mul ? 1.0 : -1.0);
                break;
            case Rule::power:
                left = times(wanted, 1.0 / power_of(op));
                break;
            case Rule::compares:
                left = right = some(same(possible_[first], possible_[last]));
                break;
            case Rule::numbers:
                left = number;
                break;
            case Rule::exponent: {
                const double exponent = constant_exponent(tape_, root).value_or(0.0);
                left = exponent != 0.0 ? times(wanted, 1.0 / exponent) : number;
                right = number;
            }
        }
        require(first, left);
        if (binary) {
            require(last, right);
        }
    }

    std::vector<Dimension> constants() const {
        std::vector<Dimension> result;
        for (std::size_t i = 0; i < tape_.size(); ++i) {
            if (tape_[i].op == Op::constant) {
                result.push_back(of_[i]);
            }
        }
        return result;
    }

    static Dimension some(const Possible& node) {
        return node.has(number) || node.none() ? number : node.options.front();
    }

  private:
    /// left + sign * right = wanted, a pure number where one of them can be.
    std::pair<Dimension, Dimension> factors(std::size_t first, std::size_t last,
                                            const Dimension& wanted, double sign) const {
        const Possible& a = possible_[first];
        const Possible& b = possible_[last];
        std::vector<Dimension> tried = a.any ? std::vector<Dimension>{} : a.options;
        if (a.any) {  // whatever the other leaves
            for (const Dimension& right : b.any ? std::vector<Dimension>{number} : b.options) {
                tried.push_back(plus(wanted, right, -sign));
            }
        }
        std::pair<Dimension, Dimension> found = {wanted, number};
        for (const Dimension& left : tried) {
            const Dimension right = times(plus(wanted, left, -1.0), sign);
            if (b.has(right)) {
                found = {left, right};
                if (alike(left, number)) {
                    break;
                }
            }
        }
        return found;
    }

    const Tape& tape_;
    const std::vector<Possible>& possible_;
    std::vector<Dimension> of_;
};

}  // namespace

bool consistent(const Tape& tape, const Dimensions& dimensions) {
    if (dimensions.free_constants() && has_tied_constants(tape)) {
        return ties_agree(tape, dimensions, std::nullopt);
    }
    return !possible(tape, dimensions).back().none();
}

bool meets_target(const Tape& tape, const Dimensions& dimensions) {
    if (tape.size() == 1 && tape.front().op == Op::constant) {
        return true;
    }
    if (dimensions.free_constants() && has_tied_constants(tape)) {
        return ties_agree(tape, dimensions, dimensions.target);
    }
    const Possible whole = possible(tape, dimensions).back();
    return dimensions.target ? whole.has(*dimensions.target) : !whole.none();
}

std::optional<std::vector<Dimension>> constant_dimensions(const Tape& tape,
                                                          const Dimensions& dimensions) {
    if (!meets_target(tape, dimensions)) {
        return {};
    }
    const std::vector<Possible> nodes = possible(tape, dimensions);
    Assignment assignment(tape, nodes);
    assignment.require(tape.size() - 1, dimensions.target.value_or(Assignment::some(nodes.back())));
    return assignment.constants();
}

}  // namespace closedform
