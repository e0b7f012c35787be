#pragma once
// The loss of what a template becomes with a candidate's parts in it. A constant of a part that
// stands in several places is one constant: its slopes add up.

#include <memory>
#include <span>
#include <vector>

#include "closedform/expression/template.hpp"
#include "expression/workspace.hpp"
#include "objective/objective.hpp"

namespace closedform {

class TemplateObjective : public Objective {
  public:
    /// The template must live as long; the objective of whole formulas is owned.
    TemplateObjective(const Template& form, std::unique_ptr<Objective> whole)
        : form_(form), whole_(std::move(whole)) {}

    LossSums sums(const Tape& tape, Workspace& workspace) const override;
    void normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                          Workspace& workspace, NormalEquations& out) const override;

    /// None: what a term of a part would explain depends on where the part stands.
    std::vector<double> shares(const Tape& parent, std::span<const Tape> terms, Joint joint,
                               Workspace& workspace) const override;

    bool quadratic() const override { return whole_->quadratic(); }
    double exact_loss() const override { return whole_->exact_loss(); }
    double rounding_loss() const override { return whole_->rounding_loss(); }
    const RowBlocks& rows() const override { return whole_->rows(); }

  private:
    const Template& form_;
    std::unique_ptr<Objective> whole_;
};

}  // namespace closedform
