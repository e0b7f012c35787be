#pragma once
// What is asked of formulas besides their operators and their size: that their units agree, and
// limits to their form.

#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "closedform/expression/dimensions.hpp"
#include "closedform/expression/expression.hpp"
#include "closedform/expression/template.hpp"
#include "closedform/expression/vocabulary.hpp"

namespace closedform {

struct FormulaRules {
    /// At most so many of `inner` on a way from an `outer` down to a leaf.
    struct Nesting {
        Op outer = Op::constant;
        Op inner = Op::constant;
        std::size_t most = 0;
    };
    /// Nodes that the operands of an operator may have.
    struct Operands {
        Op op = Op::constant;
        std::size_t most_left = max_tape_size;
        std::size_t most_right = max_tape_size;  ///< not read for one of one operand
    };
    /// An operator that no expression with an input may be an operand of.
    struct Forbidden {
        Op op = Op::constant;
        int input = 0;         ///< with `whole` an argument of the part's function
        std::size_t part = 0;  ///< of a candidate of `whole`
    };

    /// What a formula is to be like, looked at at some points.
    struct Shape {
        enum class Of { value, slope, curvature, difference };
        Of of = Of::value;
        int input = 0;  ///< of a slope and a curvature: by which
        double low = 0.0;
        double high = 0.0;
        std::size_t columns = 0;
        /// Rows of all inputs. A difference, over the largest value, is that of a row of the first
        /// half and the one as far in the second.
        std::shared_ptr<const std::vector<double>> points = {};
    };

    /// Operators of the user's own, and what every word counts; null where all count one.
    std::shared_ptr<const Vocabulary> vocabulary;
    std::optional<Dimensions> dimensions;
    std::vector<Nesting> nestings;
    std::vector<Operands> operand_sizes;
    std::vector<Forbidden> forbidden;
    std::vector<Shape> shapes;
    std::size_t most_depth = max_tape_size;      ///< nodes from the root down to a leaf
    std::size_t most_constants = max_tape_size;  ///< exponents that are structure are none

    /// What formulas are parts of (`of_parts`); null: of nothing.
    const Template* whole = nullptr;

    /// The same of candidates of a template, which must live as long: limits are to each of its
    /// unknown functions, but constants are those of all together; an argument that holds an input
    /// is forbidden where that is; units and shapes are those of the whole.
    FormulaRules of_parts(const Template& form) const;

    /// Whether a formula may be given to whoever asked.
    bool allow(const Tape& tape) const;

    /// Whether one can be a step on the way to such, with other constants: its parts agree, of
    /// whatever dimension the whole is, and no operator is where it may not be.
    bool conceivable(const Tape& tape) const;

    /// Whether it has few enough constants and is not too deep.
    bool within_limits(const Tape& tape) const;

    /// Whether anything is inconceivable.
    bool restrain() const {
        return dimensions || !nestings.empty() || !forbidden.empty() || has_own();
    }

    /// What a formula counts: its nodes, where all count one.
    std::size_t complexity(const Tape& tape) const {
        return vocabulary == nullptr ? tape.size() : vocabulary->complexity(tape);
    }

    /// The same of formulas of unit * column, whose values are `of_value` times as large.
    FormulaRules in_units(std::span<const double> of_inputs, double of_value) const;

    bool has_own() const { return vocabulary != nullptr && vocabulary->has_own(); }

    /// The whole, in operators of the table; empty where that is too long.
    Tape written_out(const Tape& tape) const {
        if (whole != nullptr) {
            return whole->expand(tape);
        }
        return has_own() ? vocabulary->expanded(tape).tape : tape;
    }

    /// Whether there are units that no constant has.
    bool pure_constants() const { return dimensions && dimensions->constants.size() == 1; }

    /// Whether a sum may have a constant term.
    bool constant_terms() const;

  private:
    bool in_their_places(const Tape& tape) const;
};

}  // namespace closedform
