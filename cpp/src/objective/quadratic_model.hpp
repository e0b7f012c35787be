#pragma once
// The loss near some constants as a function of them alone, from one set of normal equations: the
// rows are not looked at again. Exact where the expression is linear in its constants; elsewhere
// Gauss and Newton's approximation, good for changes of the size of a standard error.

#include <vector>

#include "expression/workspace.hpp"
#include "objective/objective.hpp"

namespace closedform {

class QuadraticModel : public ConstantsLoss {
  public:
    /// `equations` of all constants of `tape` as it is now.
    QuadraticModel(const Tape& tape, NormalEquations equations, double largest_constant);

    /// Of the same tape with other constants; a model needs no workspace.
    double loss(const Tape& tape, Workspace& workspace) const override;
    void normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                          Workspace& workspace, NormalEquations& out) const override;
    bool quadratic() const override { return true; }
    double largest_constant() const override { return largest_; }

  private:
    double gram(std::size_t i, std::size_t j) const;
    std::vector<double> moved(const Tape& tape) const;
    std::vector<double> slopes(const std::vector<double>& step) const;

    std::vector<std::size_t> positions_;
    std::vector<double> constants_;
    NormalEquations equations_;
    double largest_;
};

}  // namespace closedform
