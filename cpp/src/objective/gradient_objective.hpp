#pragma once
// The gradient objective (Wetzel, arXiv 2401.04978): how far the directions of an expression's
// input gradient are from given unit vectors u_i,
//   loss(T) = min over s in {1, -1} of  sum_i w_i |u_i - s v_i|^2 / sum_i w_i,
//   v = grad T / |grad T|,
// 2 - 2 |mean cosine| where no gradient is zero; s = 1 only, with Sign::kept. ONE sign for all
// rows: a sign a row, Sign::of_row, admits (g - 1)^2 for g, and every other phi(g). A gradient that
// is zero, or rounding beside the value (kernels/direction.hpp), has v = 0: it costs 1 where u is
// not zero, and nothing where it is. In a frame, v is that of A_i grad T, with a matrix a row: data
// on a surface know the gradient's part along it alone. Of several u_i, the nearest unit vector of
// their span counts, which has either sign.

#include <cstddef>
#include <span>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/objective/target.hpp"
#include "expression/workspace.hpp"
#include "kernels/simd/direction.hpp"
#include "objective/direction_rows.hpp"
#include "objective/objective.hpp"

namespace closedform {

class GradientObjective : public Objective {
  public:
    /// directions, factors, framed, weights: as DirectionRows. Where a column is a merged input z,
    /// its factor is |grad z|, so that the cosine is that in the original inputs. Owns the rows.
    GradientObjective(RowBlocks rows, MatrixView<const double> directions,
                      MatrixView<const double> factors, bool framed,
                      std::span<const double> weights, Sign sign);

    LossSums sums(const Tape& tape, Workspace& workspace) const override;
    void normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                          Workspace& workspace, NormalEquations& out) const override;

    /// One for the gradient, and one for the tangent of every constant.
    int passes(std::size_t constants) const override { return 1 + static_cast<int>(constants); }

    /// From the pencil of the two gradients.
    std::vector<double> shares(const Tape& parent, std::span<const Tape> terms, Joint joint,
                               Workspace& workspace) const override;

    double exact_loss() const override { return 1e-22; }
    double rounding_loss() const override { return 1e-25; }
    Scaled representative(Scaled form) const override;
    bool scale_free() const override { return true; }
    bool sign_free() const override { return sign_ != Sign::kept; }

    /// The pencil (gradient_pencil.hpp), weighted anew by 1/|J c|^2 until rows count equally, as
    /// they do in the loss.
    int solve_sum(Tape& tape, std::span<const std::size_t> linear, bool logarithm,
                  Workspace& workspace) const override;

    bool falls(const Tape& tape, Workspace& workspace) const override;

    double largest_constant() const override { return 1e3; }
    const RowBlocks& rows() const override { return data_.rows(); }

  private:
    LossSums both_signs(const Tape& tape, Workspace& workspace) const;

    DirectionRows data_;
    Sign sign_;
    const DirectionKernels& kernels_;
};

}  // namespace closedform
