#pragma once
// One form for all groups of rows, constants of its own for each: the loss of an expression is the
// mean of what is left in every group once its constants are fitted there. Groups share no
// constant, so that a fit takes as long as one of all rows together, however many there are.

#include <memory>
#include <span>
#include <vector>

#include "expression/workspace.hpp"
#include "objective/objective.hpp"

namespace closedform {

class GroupObjective : public Objective {
  public:
    /// An objective for the rows of each group, and for those of all. All are owned.
    GroupObjective(std::vector<std::unique_ptr<Objective>> groups, std::vector<double> weights,
                   std::unique_ptr<Objective> all);

    std::span<const RowGroup> groups() const override { return groups_; }

    LossSums sums(const Tape& tape, Workspace& workspace) const override;

    /// As if all groups had the tape's constants: where a fit of each begins.
    void normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                          Workspace& workspace, NormalEquations& out) const override;

    /// Of what is left once the parent is fitted to every group.
    std::vector<double> shares(const Tape& parent, std::span<const Tape> terms, Joint joint,
                               Workspace& workspace) const override;

    bool quadratic() const override { return all_->quadratic(); }
    double exact_loss() const override { return all_->exact_loss(); }
    const RowBlocks& rows() const override { return all_->rows(); }

  private:
    std::vector<std::unique_ptr<Objective>> owned_;
    std::vector<RowGroup> groups_;
    std::unique_ptr<Objective> all_;
    double total_weight_ = 0.0;
};

}  // namespace closedform
