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
    /// directions: one row of unit vectors (or zeros) for every row of `rows`; several vectors
    /// perpendicular to each other, one after another, are the span that a gradient is to lie in.
    /// factors: the vectors compared are those of grad T times these: as many as columns, the
    /// diagonal (empty for 1), or, where `framed`, components x columns, by rows. weights: one a
    /// row, empty for 1. axes: a direction and its opposite are the same, as in a span. Throws
    /// std::invalid_argument when the shapes do not fit.
    DirectionRows(RowBlocks rows, MatrixView<const double> directions,
                  MatrixView<const double> factors, bool framed, std::span<const double> weights,
                  bool axes);

    const RowBlocks& rows() const { return rows_; }
    std::size_t blocks() const { return rows_.blocks(); }
    std::size_t columns() const { return rows_.columns(); }
    /// Of the vectors compared: the columns unless framed.
    std::size_t components() const { return components_; }
    /// How many vectors span what a gradient is to lie in.
    std::size_t spans() const { return spans_; }
    bool framed() const { return framed_; }

    /// block_rows numbers each.
    const double* direction(std::size_t block, std::size_t component, std::size_t span) const {
        return directions_.data() +
               ((block * spans_ + span) * components_ + component) * block_rows;
    }
    /// Of the derivative by a column in a component; unless framed there is one of each column.
    const double* factor(std::size_t block, std::size_t component, std::size_t column) const {
        const std::size_t before = framed_ ? block * components_ + component : block;
        return factors_.data() + (before * columns() + column) * block_rows;
    }
    const double* weight(std::size_t block) const { return weights_.data() + block * block_rows; }

    /// Of all rows, 0 in the padding of the last block.
    std::span<const double> weights() const { return weights_; }
    double total_weight() const { return total_weight_; }
    bool axes() const { return axes_; }

  private:
    RowBlocks rows_;
    bool framed_;
    std::size_t components_;
    std::size_t spans_;
    AlignedDoubles directions_;  ///< block by block, number by number, as the rows
    AlignedDoubles factors_;
    AlignedDoubles weights_;
    double total_weight_ = 0.0;
    bool axes_;
};

}  // namespace closedform
