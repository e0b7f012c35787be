#include "closedform/symmetry/separable_blocks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "core/dense_solve.hpp"
#include "symmetry/noise_test.hpp"

namespace closedform {
namespace {

constexpr std::size_t most_rows = 2048;
constexpr int degree = 6;

/// What the space of an orthonormal basis leaves of the columns.
Eigen::MatrixXd outside(const Eigen::MatrixXd& basis, const Eigen::MatrixXd& columns) {
    Eigen::MatrixXd within;
    Eigen::MatrixXd there;
    multiply_transposed(basis, columns, within);
    multiply(basis, within, there);
    return columns - there;
}

/// SeparableBlock::statistic; nothing where it is more than noise gives. places: rows x inputs;
/// direction: rows x 2; root: square roots of the weights, of length 1.
std::optional<double> other_inputs_share(const Eigen::MatrixXd& places, Eigen::Index i,
                                         Eigen::Index j, const Eigen::MatrixXd& direction,
                                         const Eigen::VectorXd& root) {
    const auto p = places.col(i).array();
    const auto q = places.col(j).array();
    Eigen::MatrixXd pair(places.rows(), (degree + 1) * (degree + 2) / 2);
    Eigen::Index column = 0;
    for (int a = 0; a <= degree; ++a) {
        for (int b = 0; a + b <= degree; ++b) {
            pair.col(column++) = root.array() * p.pow(a) * q.pow(b);
        }
    }
    Eigen::MatrixXd others(places.rows(), 4 * (places.cols() - 2));
    column = 0;
    for (Eigen::Index k = 0; k < places.cols(); ++k) {
        if (k != i && k != j) {
            const auto other = places.col(k).array();
            others.col(column++) = root.array() * other;
            others.col(column++) = root.array() * other * other;
            others.col(column++) = root.array() * other * p;
            others.col(column++) = root.array() * other * q;
        }
    }
    const Eigen::MatrixXd weighted = root.asDiagonal() * direction;
    const Eigen::MatrixXd basis = orthonormal(pair);
    const Eigen::MatrixXd left = outside(basis, weighted);
    const Eigen::MatrixXd more = orthonormal(outside(basis, others));
    Eigen::MatrixXd along;
    multiply_transposed(more, left, along);
    const double explained = along.squaredNorm();
    // What residuals of the same sizes and random signs would give.
    const double expected =
        (more.rowwise().squaredNorm().transpose() * left.array().square().matrix()).sum();
    const double rounding = std::numeric_limits<double>::epsilon();
    if (expected > rounding &&
        beyond_chance(explained / expected, static_cast<std::size_t>(more.cols()))) {
        return std::nullopt;
    }
    const Eigen::RowVectorXd mean = root.transpose() * weighted;
    const double residual = (weighted - root * mean).squaredNorm();
    return std::sqrt(std::max(0.0, explained - expected) / std::max(residual, rounding));
}

}  // namespace

std::vector<SeparableBlock> separable_blocks(MatrixView<const double> z, MatrixView<const double> u,
                                             MatrixView<const double> s,
                                             std::span<const double> weights,
                                             const StopToken& stop) {
    std::vector<std::size_t> rows;
    for (std::size_t r = 0; r < z.rows; ++r) {
        const double* g = u.row(r);
        if (weights[r] > 0 && std::any_of(g, g + u.columns, [](double v) { return v != 0.0; })) {
            rows.push_back(r);
        }
    }
    const std::size_t used = std::min(rows.size(), most_rows);
    for (std::size_t k = 0; k < used; ++k) {
        rows[k] = rows[k * rows.size() / used];
    }
    const auto n = static_cast<Eigen::Index>(used);
    const auto m = static_cast<Eigen::Index>(z.columns);
    std::vector<SeparableBlock> found;
    if (m < 3 || n <= 4 * (degree + 1) * (degree + 2) / 2) {
        return found;
    }
    Eigen::MatrixXd places(n, m);
    Eigen::MatrixXd slopes(n, m);
    Eigen::VectorXd root(n);
    std::vector<double> column(used);
    for (Eigen::Index k = 0; k < m; ++k) {
        const auto input = static_cast<std::size_t>(k);
        for (std::size_t r = 0; r < used; ++r) {
            const double size = s(rows[r], input);
            slopes(static_cast<Eigen::Index>(r), k) = size > 0 ? u(rows[r], input) / size : 0.0;
            column[r] = z(rows[r], input);
        }
        slopes.col(k) /= std::max(slopes.col(k).norm(), std::numeric_limits<double>::min());
        const std::vector<double> rank = ranks(column);
        places.col(k) = Eigen::Map<const Eigen::VectorXd>(rank.data(), n);
    }
    for (std::size_t r = 0; r < used; ++r) {
        root(static_cast<Eigen::Index>(r)) = std::sqrt(weights[rows[r]]);
    }
    for (Eigen::Index i = 0; i < m; ++i) {
        for (Eigen::Index j = i + 1; j < m && !stop.stopped(); ++j) {
            Eigen::MatrixXd direction = Eigen::MatrixXd::Zero(n, 2);
            Eigen::VectorXd pair_root = root;  // 0 where the pair has no gradient
            for (Eigen::Index r = 0; r < n; ++r) {
                const double a = slopes(r, i);
                const double b = slopes(r, j);
                const double squares = a * a + b * b;
                if (squares > 0) {
                    direction(r, 0) = (a * a - b * b) / squares;
                    direction(r, 1) = 2.0 * a * b / squares;
                } else {
                    pair_root(r) = 0.0;
                }
            }
            if (pair_root.norm() > 0) {
                pair_root.normalize();
                const auto share = other_inputs_share(places, i, j, direction, pair_root);
                if (share) {
                    found.push_back(
                        {static_cast<std::size_t>(i), static_cast<std::size_t>(j), *share});
                }
            }
        }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.statistic < b.statistic; });
    return found;
}

}  // namespace closedform
