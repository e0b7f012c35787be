#pragma once
// The factors of a sum whose terms are given, from gradient directions. With J the matrix of
// the terms' gradients at a row and u the unit vector to match, the best factors c minimise
//   mean |(1 - u u^T) J c|^2 / mean |J c|^2,
// the smallest generalised eigenvector of the pencil of the two moment matrices.

#include <span>

#include "core/dense_solve.hpp"

namespace closedform {

/// Keeps its room from one pencil to the next.
class PencilSolver {
  public:
    /// Smallest eigenvalue and its vector of across * c = value * total * c. Matrices by rows,
    /// n x n with n = factors.size(), symmetric and not negative. Terms of zero gradient or
    /// dependent on others get what the others leave. Returns the eigenvalue, in [0, 1] up to
    /// rounding; negative when the matrices are not finite or `total` is zero.
    double solve(std::span<const double> across, std::span<const double> total,
                 std::span<double> factors);

  private:
    SymmetricEigen gram_, angles_;
    Eigen::VectorXd scale_, best_;
    Eigen::MatrixXd scaled_, whitened_, half_, reduced_;
};

}  // namespace closedform
