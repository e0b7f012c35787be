#include "objective/gradient_pencil.hpp"

#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

namespace closedform {
namespace {

// Beyond this many terms the matrices move to the heap.
constexpr int on_stack = 12;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic>;
using Vector = Eigen::Matrix<double, Eigen::Dynamic, 1>;
using SmallMatrix =
    Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, on_stack, on_stack>;
using SmallVector = Eigen::Matrix<double, Eigen::Dynamic, 1, Eigen::ColMajor, on_stack, 1>;

constexpr double dependent = 1e-13;  // relative eigenvalue below which terms are dependent

template <class M, class V>
double solve(std::span<const double> across, std::span<const double> total,
             std::span<double> factors) {
    const auto n = static_cast<Eigen::Index>(factors.size());
    const Eigen::Map<const Matrix> a(across.data(), n, n);
    const Eigen::Map<const Matrix> b(total.data(), n, n);
    if (!a.allFinite() || !b.allFinite()) {
        return -1.0;
    }
    // Unit diagonal first: the terms' units do not matter.
    V scale(n);
    for (Eigen::Index i = 0; i < n; ++i) {
        scale(i) = b(i, i) > 0.0 ? 1.0 / std::sqrt(b(i, i)) : 0.0;
    }
    const M scaled = scale.asDiagonal() * b * scale.asDiagonal();
    const Eigen::SelfAdjointEigenSolver<M> gram(scaled);
    const double most = gram.eigenvalues()(n - 1);
    if (!(most > 0.0)) {
        return -1.0;
    }
    Eigen::Index first = 0;
    while (gram.eigenvalues()(first) <= dependent * most) {
        ++first;
    }
    const Eigen::Index kept = n - first;
    M whitened = gram.eigenvectors().rightCols(kept);
    for (Eigen::Index i = 0; i < kept; ++i) {
        whitened.col(i) /= std::sqrt(gram.eigenvalues()(first + i));
    }
    whitened = scale.asDiagonal() * whitened;
    const M reduced = whitened.transpose() * a * whitened;
    const Eigen::SelfAdjointEigenSolver<M> angles(reduced);
    const V best = whitened * angles.eigenvectors().col(0);
    std::copy(best.data(), best.data() + n, factors.begin());
    return std::max(0.0, angles.eigenvalues()(0));
}

}  // namespace

double solve_pencil(std::span<const double> across, std::span<const double> total,
                    std::span<double> factors) {
    return factors.size() <= on_stack ? solve<SmallMatrix, SmallVector>(across, total, factors)
                                      : solve<Matrix, Vector>(across, total, factors);
}

}  // namespace closedform
