#pragma once
// The factors of a sum whose terms are given, from gradient directions. With J the matrix of
// the terms' gradients at a row and u the unit vector to match, the best factors c minimise
//   mean |(1 - u u^T) J c|^2 / mean |J c|^2,
// the smallest generalised eigenvector of the pencil of the two moment matrices.

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

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

/// The two matrices as sums over rows, their lower triangles first.
class GradientPencil {
  public:
    explicit GradientPencil(std::size_t terms)
        : terms_(terms), total_(terms * terms), across_(terms * terms) {}

    void clear() {
        std::fill(total_.begin(), total_.end(), 0.0);
        std::fill(across_.begin(), across_.end(), 0.0);
    }
    /// Products of the gradients of terms k and l <= k.
    void add(std::size_t k, std::size_t l, double products) { total_[k * terms_ + l] += products; }
    /// Products of what of them lies along u.
    void take_along(std::size_t k, std::size_t l, double products) {
        across_[k * terms_ + l] -= products;
    }
    /// After the last row: what lies across u, and the upper triangles.
    void complete() {
        for (std::size_t k = 0; k < terms_; ++k) {
            for (std::size_t l = 0; l <= k; ++l) {
                across_[k * terms_ + l] += total_[k * terms_ + l];
                total_[l * terms_ + k] = total_[k * terms_ + l];
                across_[l * terms_ + k] = across_[k * terms_ + l];
            }
        }
    }

    double total(std::size_t k, std::size_t l) const { return total_[k * terms_ + l]; }
    double across(std::size_t k, std::size_t l) const { return across_[k * terms_ + l]; }
    /// As PencilSolver::solve.
    double solve(std::span<double> factors) { return solver_.solve(across_, total_, factors); }

  private:
    PencilSolver solver_;
    std::size_t terms_;
    std::vector<double> total_;
    std::vector<double> across_;
};

}  // namespace closedform
