#include "expression/tied_dimensions.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "expression/dimension_rules.hpp"

namespace closedform {
namespace {

/// What a node is of: a known dimension, and those of constants times factors.
struct Affine {
    Dimension known{};
    std::vector<double> of;
};

/// Every node's dimension in those of the constants, and what has to be a pure number: equations
/// that are linear in the exponents of their units.
class Equations {
  public:
    Equations(const Tape& tape, const Dimensions& dimensions)
        : tape_(tape), dimensions_(dimensions) {
        for (const Node& node : tape) {
            if (node.op == Op::constant && (node.variable < 0 || which(node) == names_.size())) {
                names_.push_back(node.variable);
            }
        }
        std::size_t next = 0;  // of those that stand in one place
        for (std::size_t i = 0; i < tape.size(); ++i) {
            nodes_.push_back(node_at(i, next));
        }
    }

    void require(const Dimension& target) {
        numbers_.push_back(sum(nodes_.back(), {target, none()}, -1.0));
    }

    /// Gauss and Jordan's elimination: no equation is left that has no constant to meet it.
    bool solvable() {
        std::size_t done = 0;
        for (std::size_t column = 0; column < names_.size() && done < numbers_.size(); ++column) {
            const auto pivot =
                std::max_element(numbers_.begin() + static_cast<std::ptrdiff_t>(done),
                                 numbers_.end(), [&](const Affine& a, const Affine& b) {
                                     return std::abs(a.of[column]) < std::abs(b.of[column]);
                                 });
            if (!(std::abs(pivot->of[column]) > equal_within)) {
                continue;
            }
            std::iter_swap(pivot, numbers_.begin() + static_cast<std::ptrdiff_t>(done));
            const Affine own = numbers_[done++];
            for (std::size_t row = done; row < numbers_.size(); ++row) {
                const double share = numbers_[row].of[column] / own.of[column];
                numbers_[row] = sum(numbers_[row], own, -share);
            }
        }
        return std::all_of(numbers_.begin() + static_cast<std::ptrdiff_t>(done), numbers_.end(),
                           [](const Affine& left) { return alike(left.known, Dimension{}); });
    }

  private:
    std::vector<double> none() const { return std::vector<double>(names_.size(), 0.0); }

    std::size_t which(const Node& node) const {
        return static_cast<std::size_t>(std::find(names_.begin(), names_.end(), node.variable) -
                                        names_.begin());
    }

    static Affine sum(Affine a, const Affine& b, double factor) {
        a.known = plus(a.known, b.known, factor);
        for (std::size_t k = 0; k < a.of.size(); ++k) {
            a.of[k] += factor * b.of[k];
        }
        return a;
    }

    /// The operands' are there.
    Affine node_at(std::size_t i, std::size_t& next) {
        const Node& node = tape_[i];
        Affine number{Dimension{}, none()};
        if (node.op == Op::constant) {
            std::size_t own = which(node);
            if (node.variable < 0) {
                while (names_[next] >= 0) {
                    ++next;
                }
                own = next++;
            }
            Affine result = number;
            result.of[own] = 1.0;
            return result;
        }
        if (node.op == Op::variable) {
            return {dimensions_.inputs[static_cast<std::size_t>(node.variable)], none()};
        }
        const Affine& last = nodes_[i - 1];
        const Affine& first = arity(node.op) == 2 ? nodes_[operands(tape_, i).left] : last;
        switch (rule_of(node.op)) {
            case Rule::alike:
                numbers_.push_back(sum(first, last, -1.0));
                return first;
            case Rule::product:
                return sum(first, last, node.op == Op::mul ? 1.0 : -1.0);
            case Rule::power:
                return sum(number, first, power_of(node.op));
            case Rule::keeps:
                return first;
            case Rule::compares:
                numbers_.push_back(sum(first, last, -1.0));
                return number;
            case Rule::numbers:
                numbers_.push_back(first);
                return number;
            case Rule::exponent:
                break;
        }
        numbers_.push_back(last);
        if (const auto exponent = constant_exponent(tape_, i)) {
            return sum(number, first, *exponent);
        }
        numbers_.push_back(first);
        return number;
    }

    const Tape& tape_;
    const Dimensions& dimensions_;
    std::vector<std::int32_t> names_;  ///< of the constants; -1 for each in one place
    std::vector<Affine> nodes_;
    std::vector<Affine> numbers_;
};

}  // namespace

bool has_tied_constants(const Tape& tape) {
    std::vector<std::int32_t> names;
    for (const Node& node : tape) {
        if (node.op == Op::constant && node.variable >= 0) {
            if (std::find(names.begin(), names.end(), node.variable) != names.end()) {
                return true;
            }
            names.push_back(node.variable);
        }
    }
    return false;
}

bool ties_agree(const Tape& tape, const Dimensions& dimensions,
                const std::optional<Dimension>& target) {
    Equations equations(tape, dimensions);
    if (target) {
        equations.require(*target);
    }
    return equations.solvable();
}

}  // namespace closedform
