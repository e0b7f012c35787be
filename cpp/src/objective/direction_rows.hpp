#pragma once
// Rows of data with the directions that an expression's input gradient is to have there.

#include <cstddef>
#include <span>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "expression/row_blocks.hpp"

namespace closedform {

class DirectionRows {
  public:
    /// directions: one row of unit vectors (or zeros) for every row of `rows`. scales: as many
    /// factors for the components of grad T, empty for 1. weights: one a row, empty for 1. axes:
    /// a direction and its opposite are the same. Throws std::invalid_argument when the shapes
    /// differ.
    DirectionRows(RowBlocks rows, MatrixView<const double> directions,
                  MatrixView<const double> scales, std::span<const double> weights, bool axes);

    const RowBlocks& rows() const { return rows_; }
    std::size_t blocks() const { return rows_.blocks(); }
    std::size_t columns() const { return rows_.columns(); }

    /// block_rows numbers each.
    const double* direction(std::size_t block, std::size_t column) const {
        return directions_.data() + (block * columns() + column) * block_rows;
    }
    const double* scale(std::size_t block, std::size_t column) const {
        return scales_.data() + (block * columns() + column) * block_rows;
    }
    const double* weight(std::size_t block) const { return weights_.data() + block * block_rows; }

    /// Of all rows, 0 in the padding of the last block.
    std::span<const double> weights() const { return weights_; }
    double total_weight() const { return total_weight_; }
    bool axes() const { return axes_; }

  private:
    RowBlocks rows_;
    std::vector<double> directions_;  ///< block by block, column by column, as the rows
    std::vector<double> scales_;
    std::vector<double> weights_;
    double total_weight_ = 0.0;
    bool axes_;
};

}  // namespace closedform
