#include "core/dense_solve.hpp"

#include <Eigen/LU>
#include <Eigen/QR>

namespace closedform {

void SymmetricEigen::compute(const Eigen::MatrixXd& matrix) { solver_.compute(matrix); }

void multiply(const MatrixArgument& a, const MatrixArgument& b, Eigen::MatrixXd& out) {
    out.noalias() = a * b;
}

void multiply_transposed(const MatrixArgument& a, const MatrixArgument& b, Eigen::MatrixXd& out) {
    out.noalias() = a.transpose() * b;
}

Eigen::MatrixXd orthonormal(const Eigen::MatrixXd& columns) {
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(columns);
    return qr.householderQ() * Eigen::MatrixXd::Identity(columns.rows(), columns.cols());
}

Eigen::VectorXd least_squares(const Eigen::MatrixXd& matrix, const Eigen::VectorXd& right) {
    return matrix.colPivHouseholderQr().solve(right);
}

Eigen::MatrixXd solve(const Eigen::MatrixXd& matrix, const Eigen::MatrixXd& right) {
    return matrix.fullPivLu().solve(right);
}

}  // namespace closedform
