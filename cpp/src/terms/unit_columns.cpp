#include "terms/unit_columns.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/blas.hpp"

namespace closedform {
namespace {

// Columns turned over at once, rows read by whole cache lines; and those that all vectors are
// multiplied with before the next, while they are in the cache.
constexpr std::size_t turned_at_once = 16;
constexpr Eigen::Index multiplied_at_once = 64;

Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }

}  // namespace

UnitColumns::UnitColumns(MatrixView<const double> columns, std::span<const double> root)
    : values_(index(columns.rows), index(columns.columns)) {
    Eigen::MatrixXd some(index(columns.rows), index(turned_at_once));
    for (std::size_t first = 0; first < columns.columns; first += turned_at_once) {
        const std::size_t count = std::min(turned_at_once, columns.columns - first);
        std::array<double, turned_at_once> squares{};
        for (std::size_t i = 0; i < columns.rows; ++i) {
            const double* row = columns.row(i) + first;
            for (std::size_t k = 0; k < count; ++k) {
                const double value = row[k] * root[i];
                some(index(i), index(k)) = value;
                squares[k] += value * value;
            }
        }
        for (std::size_t k = 0; k < count; ++k) {
            const double length = std::sqrt(squares[k]);
            if (std::isfinite(length) && length > 0.0) {
                values_.col(size()) = some.col(index(k)) / length;
                places_.push_back(static_cast<int>(first + k));
                lengths_.push_back(length);
            }
        }
    }
}

Eigen::MatrixXd UnitColumns::chosen(std::span<const Eigen::Index> columns) const {
    Eigen::MatrixXd some(rows(), index(columns.size()));
    for (std::size_t k = 0; k < columns.size(); ++k) {
        some.col(index(k)) = column(columns[k]);
    }
    return some;
}

Eigen::MatrixXd UnitColumns::products(const Eigen::MatrixXd& vectors) const {
    Eigen::MatrixXd found(size(), vectors.cols());
    for (Eigen::Index first = 0; first < size(); first += multiplied_at_once) {
        const Eigen::Index count = std::min(multiplied_at_once, size() - first);
        for (Eigen::Index k = 0; k < vectors.cols(); ++k) {
            found.col(k).segment(first, count).noalias() =
                values_.middleCols(first, count).transpose() * vectors.col(k);
        }
    }
    return found;
}

Eigen::MatrixXd UnitColumns::gram() const {
    Eigen::MatrixXd found(size(), size());
    const auto rows = static_cast<std::size_t>(values_.rows());
    const std::size_t count = places_.size();
    const SerialProducts serial;
    multiply_transposed(values_.data(), rows, values_.data(), count, count, rows, found.data());
    return found;
}

Eigen::VectorXd outside(const MatrixArgument& basis, Eigen::VectorXd vector) {
    // Once is not orthogonal to rounding, twice is (Parlett, The Symmetric Eigenvalue Problem,
    // 1980).
    for (int i = 0; i < 2; ++i) {
        const Eigen::VectorXd within = basis.transpose() * vector;
        vector.noalias() -= basis * within;
    }
    return vector;
}

}  // namespace closedform
