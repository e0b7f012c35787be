#include "objective/gradient_pencil.hpp"

#include <algorithm>
#include <cmath>

namespace closedform {
namespace {

constexpr double dependent = 1e-13;  // relative eigenvalue below which terms are dependent

}  // namespace

double PencilSolver::solve(std::span<const double> across, std::span<const double> total,
                           std::span<double> factors) {
    const auto n = static_cast<Eigen::Index>(factors.size());
    const Eigen::Map<const Eigen::MatrixXd> a(across.data(), n, n);
    const Eigen::Map<const Eigen::MatrixXd> b(total.data(), n, n);
    if (!a.allFinite() || !b.allFinite()) {
        return -1.0;
    }
    // Unit diagonal first: the terms' units do not matter.
    scale_.resize(n);
    for (Eigen::Index i = 0; i < n; ++i) {
        scale_(i) = b(i, i) > 0.0 ? 1.0 / std::sqrt(b(i, i)) : 0.0;
    }
    scaled_ = scale_.asDiagonal() * b * scale_.asDiagonal();
    gram_.compute(scaled_);
    const double most = gram_.values()(n - 1);
    if (!(most > 0.0)) {
        return -1.0;
    }
    Eigen::Index first = 0;
    while (gram_.values()(first) <= dependent * most) {
        ++first;
    }
    const Eigen::Index kept = n - first;
    whitened_ = gram_.vectors().rightCols(kept);
    for (Eigen::Index i = 0; i < kept; ++i) {
        whitened_.col(i) /= std::sqrt(gram_.values()(first + i));
    }
    whitened_ = scale_.asDiagonal() * whitened_;
    multiply_transposed(whitened_, a, half_);
    multiply(half_, whitened_, reduced_);
    angles_.compute(reduced_);
    best_.noalias() = whitened_ * angles_.vectors().col(0);
    std::copy(best_.data(), best_.data() + n, factors.begin());
    return std::max(0.0, angles_.values()(0));
}

}  // namespace closedform
