#pragma once
// What a search minimises. Value objective: the weighted mean squared error
//   loss(f) = sum_i w_i (f(x_i) - y_i)^2 / sum_i w_i.

#include <span>
#include <vector>

#include "closedform/evaluate.hpp"
#include "closedform/expression.hpp"
#include "closedform/row_blocks.hpp"

namespace closedform {

/// J^T J, J^T r of the constants at given positions of a tape, for the Gauss-Newton step.
struct NormalEquations {
    std::vector<double> gram;      ///< lower triangle by rows: (i, j) at i*(i+1)/2 + j
    std::vector<double> gradient;  ///< J^T r
    double loss = 0.0;
};

class ValueObjective {
  public:
    /// y and weights: one value a row of `rows`; empty weights mean 1 everywhere. The objective
    /// owns the rows.
    ValueObjective(RowBlocks rows, std::span<const double> y, std::span<const double> weights);

    /// Weighted mean squared error; infinity where any row is not finite.
    double loss(const Tape& tape, Workspace& workspace) const;

    /// Loss and the normal equations of the constants at `positions`, divided by the sum of
    /// weights. Not finite when the expression is not.
    void normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                          Workspace& workspace, NormalEquations& out) const;

    /// Weighted covariances of an expression with the residual of another, for choosing a term to
    /// add: the share of the residual's sum of squares that c0 + c1 * candidate would explain.
    double explained(const Tape& candidate, std::span<const double> residual,
                     Workspace& workspace) const;

    /// y - f at every row, padded to whole blocks; padding rows hold 0.
    std::vector<double> residual(const Tape& tape, Workspace& workspace) const;

    const RowBlocks& rows() const { return rows_; }
    /// Loss of the best constant: the variance of y.
    double variance() const { return variance_; }

  private:
    RowBlocks rows_;
    std::vector<double> y_;
    std::vector<double> scale_;  ///< square root of the weight; 0 in the padding
    double total_weight_ = 0.0;
    double variance_ = 0.0;
};

}  // namespace closedform
