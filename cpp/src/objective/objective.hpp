#pragma once
// What a search minimises, seen from the search: values (value_objective.hpp), directions of the
// input gradient (gradient_objective.hpp) or labels (margin_objective.hpp).

#include <cstddef>
#include <span>
#include <vector>

#include "closedform/expression/canonical_form.hpp"
#include "closedform/expression/expression.hpp"
#include "closedform/objective/loss_sums.hpp"
#include "expression/row_blocks.hpp"
#include "expression/workspace.hpp"

namespace closedform {

/// How a term can join an expression f: f + c t, f exp(c t), f t, f / t.
enum class Joint { sum, exponent, product, quotient };

class Objective;

/// Rows that an expression has constants of its own at.
struct RowGroup {
    const Objective* rows = nullptr;
    double share = 0.0;  ///< of the weight of all rows
};

/// A loss as a function of an expression's constants: what fitting and rounding them need.
class ConstantsLoss {
  public:
    virtual ~ConstantsLoss() = default;
    ConstantsLoss() = default;
    ConstantsLoss(const ConstantsLoss&) = delete;
    ConstantsLoss& operator=(const ConstantsLoss&) = delete;

    /// Weighted mean over the rows; infinity where the expression is not defined.
    virtual double loss(const Tape& tape, Workspace& workspace) const = 0;

    /// Loss and the normal equations of the constants at `positions`, divided by the sum of
    /// weights. Not finite when the expression is not.
    virtual void normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                                  Workspace& workspace, NormalEquations& out) const = 0;

    /// As normal_equations, of the tape and the positions that the last call of either had with
    /// this workspace, other values of its constants apart: what holds none that changed can be
    /// kept.
    virtual void next_equations(const Tape& tape, std::span<const std::size_t> positions,
                                Workspace& workspace, NormalEquations& out) const {
        normal_equations(tape, positions, workspace, out);
    }

    /// Passes over the rows that normal_equations takes for so many constants.
    virtual int passes(std::size_t /*constants*/) const { return 1; }

    /// True when one Gauss-Newton step solves for constants that enter linearly.
    virtual bool quadratic() const { return false; }

    /// Groups that are fitted one by one, where there are any; a tape's constants then stand for
    /// those of all.
    virtual std::span<const RowGroup> groups() const { return {}; }

    /// Constants beyond this fake structure by cancellation: (x - C)(y + C) for a sum.
    virtual double largest_constant() const { return 1e9; }
};

class Objective : public ConstantsLoss {
  public:
    virtual LossSums sums(const Tape& tape, Workspace& workspace) const = 0;

    double loss(const Tape& tape, Workspace& workspace) const final {
        return sums(tape, workspace).loss();
    }

    /// For every term the share of the loss that joining it to `parent` would take away: what a
    /// search needs to choose a term. Only Joint::sum where the scale is not free.
    virtual std::vector<double> shares(const Tape& parent, std::span<const Tape> terms, Joint joint,
                                       Workspace& workspace) const = 0;

    /// Losses up to this are rounding of float64 data.
    virtual double exact_loss() const = 0;

    /// What rounding the constants of an exact law for print may cost.
    virtual double rounding_loss() const { return exact_loss(); }

    /// The simplest expression this objective cannot tell from the given one.
    virtual Scaled representative(Scaled form) const { return form; }

    /// The shortest expression that this objective cannot tell from the tape, in operators of
    /// `allowed`; the tape itself where its canonical form cannot be written with them. Empty for
    /// an empty one, and where neither can.
    Tape simplest(Tape tape, const OpSet& allowed) const;

    /// True when a factor, a constant term and an outer monotone function do not matter.
    virtual bool scale_free() const { return false; }

    /// True when an expression and its negative have the same loss.
    virtual bool sign_free() const { return false; }

    /// Sets the factors at `linear`, one for each term of the outermost sum, to the best ones, up
    /// to their common factor and its sign. logarithm: the first term stands for its logarithm.
    /// Only where scale_free(). Returns the passes over the rows it took.
    virtual int solve_sum(Tape& /*tape*/, std::span<const std::size_t> /*linear*/,
                          bool /*logarithm*/, Workspace& /*workspace*/) const {
        return 0;
    }

    /// Where a sign means something: true when the expression times -1 has the smaller loss.
    /// solve_sum leaves that open.
    virtual bool falls(const Tape& /*tape*/, Workspace& /*workspace*/) const { return false; }

    virtual const RowBlocks& rows() const = 0;
};

}  // namespace closedform
