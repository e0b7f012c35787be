#pragma once
// The margin objective, for direct symbolic classification: the weighted mean hinge loss
//   loss(f) = sum_i w_i max(0, 1 - t_i f(x_i)) / sum_i w_i,   t_i = 1 or -1.

#include <span>
#include <vector>

#include "expression/workspace.hpp"
#include "objective/objective.hpp"

namespace closedform {

class MarginObjective : public Objective {
  public:
    /// labels: 1 or -1 for every row of `rows`; weights: one a row, empty for 1. Owns the rows.
    MarginObjective(RowBlocks rows, std::span<const double> labels,
                    std::span<const double> weights);

    LossSums sums(const Tape& tape, Workspace& workspace) const override;

    /// Of the quadratic that touches the hinge at the present margins from above,
    /// max(0, m) <= (m + a)^2 / (4 a) with a = |m_now|: its exact derivatives are the hinge's.
    void normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                          Workspace& workspace, NormalEquations& out) const override;

    /// By how well a term correlates with the labels of the rows inside the margin.
    std::vector<double> shares(const Tape& parent, std::span<const Tape> terms, Joint joint,
                               Workspace& workspace) const override;

    double exact_loss() const override { return 0.0; }
    const RowBlocks& rows() const override { return rows_; }

  private:
    RowBlocks rows_;
    AlignedDoubles labels_;
    AlignedDoubles weights_;  ///< 0 in the padding
    double total_weight_ = 0.0;
};

}  // namespace closedform
