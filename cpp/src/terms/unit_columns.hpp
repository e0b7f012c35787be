#pragma once
// Columns of length 1 from which few are chosen. They lie one after another, so that the products
// of vectors with all of them are one pass over memory: what choosing takes the time for.

#include <Eigen/Core>
#include <cstddef>
#include <span>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "core/dense_solve.hpp"

namespace closedform {

class UnitColumns {
  public:
    /// root: what each row is multiplied by first. Columns that then are not finite, or 0, are left
    /// out.
    UnitColumns(MatrixView<const double> columns, std::span<const double> root);

    Eigen::Index rows() const { return values_.rows(); }
    Eigen::Index size() const { return static_cast<Eigen::Index>(places_.size()); }
    auto column(Eigen::Index j) const { return values_.col(j); }
    /// Which of the given columns it is, and its length there.
    int place(Eigen::Index j) const { return places_[static_cast<std::size_t>(j)]; }
    double length(Eigen::Index j) const { return lengths_[static_cast<std::size_t>(j)]; }

    /// (rows, chosen).
    Eigen::MatrixXd chosen(std::span<const Eigen::Index> columns) const;
    /// (size, vectors) products of all with vectors in columns. Those of columns that are equal are
    /// equal to the last bit.
    Eigen::MatrixXd products(const Eigen::MatrixXd& vectors) const;
    /// (size, size) products of all with each other.
    Eigen::MatrixXd gram() const;

  private:
    Eigen::MatrixXd values_;  ///< room for all that are given
    std::vector<int> places_;
    std::vector<double> lengths_;
};

/// What a vector has outside the space of orthonormal columns.
Eigen::VectorXd outside(const MatrixArgument& basis, Eigen::VectorXd vector);

}  // namespace closedform
