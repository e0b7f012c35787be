#pragma once
// The value objective: the weighted mean squared error
//   loss(f) = sum_i w_i (f(x_i) - y_i)^2 / sum_i w_i.

#include <span>
#include <vector>

#include "expression/workspace.hpp"
#include "objective/objective.hpp"

namespace closedform {

class ValueObjective : public Objective {
  public:
    /// y and weights: one value a row of `rows`; empty weights mean 1 everywhere. The objective
    /// owns the rows.
    ValueObjective(RowBlocks rows, std::span<const double> y, std::span<const double> weights);

    LossSums sums(const Tape& tape, Workspace& workspace) const override;
    void normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                          Workspace& workspace, NormalEquations& out) const override;
    void next_equations(const Tape& tape, std::span<const std::size_t> positions,
                        Workspace& workspace, NormalEquations& out) const override;

    /// The share of the residual's sum of squares that c0 + c1 * term would explain.
    std::vector<double> shares(const Tape& parent, std::span<const Tape> terms, Joint joint,
                               Workspace& workspace) const override;

    bool quadratic() const override { return true; }
    double exact_loss() const override { return exact_share * variance_; }
    const RowBlocks& rows() const override { return rows_; }

    /// Relative to the variance of y: what float64 data of an exact law leave.
    static constexpr double exact_share = 1e-24;

  private:
    /// The normal equations once the tape is in `kept`.
    void add_up(KeptBlocks& kept, NormalEquations& out) const;
    /// y - f at every row, padded to whole blocks; padding rows hold 0.
    std::vector<double> residual(const Tape& tape, Workspace& workspace) const;
    double explained(const Tape& term, std::span<const double> residual,
                     Workspace& workspace) const;

    RowBlocks rows_;
    AlignedDoubles y_;
    AlignedDoubles scale_;  ///< square root of the weight; 0 in the padding
    double total_weight_ = 0.0;
    double variance_ = 0.0;
};

}  // namespace closedform
