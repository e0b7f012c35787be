#pragma once
// The normal equations of one input's factors, all other factors fixed (als.hpp), with a penalty on
// their roughness: a narrow band, for only modes of nodes that share a cell meet.

#include <cstddef>
#include <span>
#include <vector>

#include "closedform/core/stop.hpp"
#include "closedform/surrogate/grid_basis.hpp"
#include "surrogate/als_moments.hpp"

namespace closedform {

class InputEquations {
  public:
    /// `smoothing`: AlsOptions::smoothing. Keeps a reference to the basis.
    InputEquations(const GridBasis& basis, double smoothing);

    /// Sets the equations up from the moments, whose pairs it completes, and factors the matrix.
    /// False where there is nothing to learn, for every mode is zero elsewhere, and once `stop`
    /// says so: many modes of many nodes take seconds.
    bool take(CellMoments& moments, std::size_t modes, std::size_t padded, const StopToken& stop);

    /// Unknowns, here and below, are node values [nodes][modes].
    std::size_t size() const { return right_.size(); }
    std::span<const double> right() const { return right_; }
    std::vector<double> solve(std::span<const double> right) const;
    /// The penalty's share of the matrix times u.
    std::vector<double> penalty_of(std::span<const double> u) const;

  private:
    void assemble(CellMoments& moments, std::size_t padded, const StopToken& stop);
    bool factor(const StopToken& stop);
    /// Element of the matrix, row >= column.
    double& band(std::size_t row, std::size_t column) {
        return band_[column * (reach_ + 1) + row - column];
    }

    const GridBasis& basis_;
    std::vector<double> penalty_;  ///< [nodes][nodes]
    std::vector<double> weave_;    ///< [cells][9][width][width]
    std::size_t modes_ = 0;
    std::size_t reach_ = 0;     ///< sub-diagonals of the matrix
    std::vector<double> band_;  ///< its lower band, by columns, then its factor
    std::vector<double> right_;
    std::vector<double> carried_;  ///< per mode, what its other factors carry
};

}  // namespace closedform
