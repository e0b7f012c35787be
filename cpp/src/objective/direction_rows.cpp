#include "objective/direction_rows.hpp"

#include <stdexcept>
#include <utility>

namespace closedform {
namespace {

/// Block by block, column by column, the padding of the last block being filled.
AlignedDoubles in_blocks(MatrixView<const double> rows, std::size_t blocks, double fill) {
    AlignedDoubles result(blocks * rows.columns * block_rows, fill);
    for (std::size_t i = 0; i < rows.rows; ++i) {
        const std::size_t block = i / block_rows;
        for (std::size_t j = 0; j < rows.columns; ++j) {
            result[(block * rows.columns + j) * block_rows + i % block_rows] = rows(i, j);
        }
    }
    return result;
}

}  // namespace

DirectionRows::DirectionRows(RowBlocks rows, MatrixView<const double> directions,
                             MatrixView<const double> factors, bool framed,
                             std::span<const double> weights, bool axes)
    : rows_(std::move(rows)),
      framed_(framed),
      components_(framed ? factors.columns / rows_.columns() : rows_.columns()),
      spans_(components_ == 0 ? 0 : directions.columns / components_),
      weights_(rows_.blocks() * block_rows, 0.0),
      axes_(axes) {
    const bool ones = factors.rows == 0 && !framed;
    if (directions.rows != rows_.rows() || spans_ == 0 ||
        directions.columns != spans_ * components_ ||
        (!ones && (factors.rows != rows_.rows() ||
                   factors.columns != (framed ? components_ : 1) * rows_.columns()))) {
        throw std::invalid_argument("directions: need the shape of X, or that of their frames");
    }
    if (spans_ > 1 && !axes) {
        throw std::invalid_argument("directions: a span has no sign");
    }
    directions_ = in_blocks(directions, rows_.blocks(), 0.0);
    factors_ = ones ? AlignedDoubles(rows_.blocks() * columns() * block_rows, 1.0)
                    : in_blocks(factors, rows_.blocks(), 1.0);
    for (std::size_t i = 0; i < rows_.rows(); ++i) {
        weights_[i] = weights.empty() ? 1.0 : weights[i];
        total_weight_ += weights_[i];
    }
}

}  // namespace closedform
