#pragma once
// Small dense linear algebra, compiled once: a decomposition of Eigen's takes longer to compile
// than most sources, so that nobody else instantiates one.

#include <Eigen/Core>
#include <Eigen/Eigenvalues>

namespace closedform {

/// Eigenvalues, ascending, and orthonormal eigenvectors, in columns, of symmetric matrices. Keeps
/// its room from one matrix to the next: in small ones making it would take as long as solving.
class SymmetricEigen {
  public:
    void compute(const Eigen::MatrixXd& matrix);
    const Eigen::VectorXd& values() const { return solver_.eigenvalues(); }
    const Eigen::MatrixXd& vectors() const { return solver_.eigenvectors(); }

  private:
    Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver_;
};

using MatrixArgument = Eigen::Ref<const Eigen::MatrixXd>;

/// a b and a' b, into `out`, which is neither of them.
void multiply(const MatrixArgument& a, const MatrixArgument& b, Eigen::MatrixXd& out);
void multiply_transposed(const MatrixArgument& a, const MatrixArgument& b, Eigen::MatrixXd& out);

/// Columns with an orthonormal basis of the space of the given ones.
Eigen::MatrixXd orthonormal(const Eigen::MatrixXd& columns);

/// The x of the smallest |matrix x - right|, where columns may depend on each other.
Eigen::VectorXd least_squares(const Eigen::MatrixXd& matrix, const Eigen::VectorXd& right);

/// matrix^-1 right of a matrix that may be badly conditioned (pivoted by rows and columns).
Eigen::MatrixXd solve(const Eigen::MatrixXd& matrix, const Eigen::MatrixXd& right);

}  // namespace closedform
