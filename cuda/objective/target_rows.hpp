#pragma once
// The rows of a target as kernels over expressions read them: X and behind it the targets, the
// scales and the weight of every row.

#include <cmath>
#include <cstddef>
#include <stdexcept>

#include "closedform/expression/expression.hpp"
#include "closedform/objective/target.hpp"
#include "cuda/objective/full_data_body.hpp"
#include "cuda/runtime/row_store.hpp"

namespace closedform::gpu {

/// Rows of one part; a part is a block's work, and the unit in which a device's sums are rounded.
inline constexpr std::size_t tape_part_rows = 2048;
/// Parts of a chunk: of more rows they are larger, for one thread adds them up.
inline constexpr std::size_t most_parts = std::size_t{1} << 16U;
/// Of the sums of all parts: expressions beyond wait for the next launch.
inline constexpr std::size_t most_part_bytes = std::size_t{64} << 20U;

/// Views of arrays, which must live as long.
template <class X>
class TargetRows {
  public:
    /// Throws std::invalid_argument where sizes differ, and for directions with a sign of every
    /// row's own.
    TargetRows(MatrixView<const X> x, const TargetArrays& target) : x_(x), target_(target) {
        if (target.targets.rows != x.rows ||
            (!target.weights.empty() && target.weights.size() != x.rows)) {
            throw std::invalid_argument("X: needs as many rows as there are targets");
        }
        if (target.kind == TargetArrays::Kind::directions && target.targets.columns != x.columns) {
            throw std::invalid_argument("gradients: need one component for each column of X");
        }
        if (target.sign == Sign::of_row || target.framed) {
            throw std::invalid_argument("gradients: axes and frames are compared on the CPU alone");
        }
        for (std::size_t i = 0; i < x.rows; ++i) {
            total_weight_ += weight(i);
        }
    }

    const TargetArrays& target() const { return target_; }
    std::size_t inputs() const { return x_.columns; }
    double total_weight() const { return total_weight_; }

    /// unit: a chunk of a store is a multiple of so many rows.
    template <class Store>
    typename Store::Sizes sizes(std::size_t unit) const {
        return {x_.rows, x_.columns, target_.targets.columns + scale_columns() + 1, unit};
    }

    /// Throws std::invalid_argument for one that reads more than there is.
    void check(const Tape& tape) const {
        if (static_cast<std::size_t>(inputs_needed(tape)) > x_.columns) {
            throw std::invalid_argument("X: has fewer columns than the expression reads");
        }
    }

    /// Columns of X; and of the targets, of the scales, and last the weight (its root for values).
    auto packer() const {
        return [this](Team& team, std::size_t first, std::size_t count, X* inputs, double* others) {
            for_rows(team, count, [&](std::size_t i) {
                const std::size_t row = first + i;
                for (std::size_t j = 0; j < x_.columns; ++j) {
                    inputs[j * count + i] = x_(row, j);
                }
                double* to = others + i;
                for (std::size_t j = 0; j < target_.targets.columns; ++j, to += count) {
                    *to = target_.targets(row, j);
                }
                for (std::size_t j = 0; j < scale_columns(); ++j, to += count) {
                    *to = target_.scales(row, j);
                }
                const double w = weight(row);
                *to = target_.kind == TargetArrays::Kind::values ? std::sqrt(w) : w;
            });
        };
    }

    /// Has a body look at a chunk.
    template <class Chunk>
    void aim(TapeRows<X>& rows, const Chunk& chunk) const {
        rows.x = chunk.inputs;
        rows.rows = chunk.rows;
        rows.targets = chunk.others;
        const double* after = chunk.others + target_.targets.columns * chunk.rows;
        rows.scales = scale_columns() == 0 ? nullptr : after;
        rows.weights = after + scale_columns() * chunk.rows;
    }

  private:
    double weight(std::size_t i) const {
        return target_.weights.empty() ? 1.0 : target_.weights[i];
    }
    std::size_t scale_columns() const {
        return target_.scales.rows == 0 ? 0 : target_.scales.columns;
    }

    MatrixView<const X> x_;
    TargetArrays target_;
    double total_weight_ = 0.0;
};

}  // namespace closedform::gpu
