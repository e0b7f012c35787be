#include "objective/direction_rows.hpp"

#include <stdexcept>
#include <utility>

namespace closedform {

DirectionRows::DirectionRows(RowBlocks rows, MatrixView<const double> directions,
                             MatrixView<const double> scales, std::span<const double> weights,
                             bool axes)
    : rows_(std::move(rows)),
      directions_(rows_.blocks() * rows_.columns() * block_rows, 0.0),
      scales_(directions_.size(), 1.0),
      weights_(rows_.blocks() * block_rows, 0.0),
      axes_(axes) {
    if (directions.rows != rows_.rows() || directions.columns != rows_.columns() ||
        (scales.rows != 0 && (scales.rows != rows_.rows() || scales.columns != rows_.columns()))) {
        throw std::invalid_argument("directions: need the shape of X");
    }
    for (std::size_t i = 0; i < rows_.rows(); ++i) {
        const std::size_t block = i / block_rows;
        weights_[i] = weights.empty() ? 1.0 : weights[i];
        total_weight_ += weights_[i];
        for (std::size_t j = 0; j < columns(); ++j) {
            const std::size_t at = (block * columns() + j) * block_rows + i % block_rows;
            directions_[at] = directions(i, j);
            if (scales.rows != 0) {
                scales_[at] = scales(i, j);
            }
        }
    }
}

}  // namespace closedform
