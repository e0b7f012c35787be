#pragma once
// Rows of data as they lie in their owner's memory, float64 or float32, read a block at a time.

#include <cstddef>
#include <cstdint>
#include <span>

#include "closedform/core/matrix_view.hpp"

namespace closedform {

class Table {
  public:
    Table(MatrixView<const double> rows) : doubles_(rows) {}               // NOLINT: a view of rows
    Table(MatrixView<const float> rows) : floats_(rows), single_(true) {}  // NOLINT: a view of rows

    std::size_t rows() const { return single_ ? floats_.rows : doubles_.rows; }
    std::size_t columns() const { return single_ ? floats_.columns : doubles_.columns; }
    double operator()(std::size_t row, std::size_t column) const {
        return single_ ? static_cast<double>(floats_(row, column)) : doubles_(row, column);
    }

    /// Calls f with the rows as a MatrixView of their own type.
    template <class F>
    auto visit(const F& f) const {
        return single_ ? f(floats_) : f(doubles_);
    }

    /// Copies rows [first, first + count) into out[column * stride + row - first].
    void read_block(std::size_t first, std::size_t count, double* out, std::size_t stride) const {
        const auto copy = [&](const auto& view) {
            for (std::size_t i = 0; i < count; ++i) {
                const auto* row = view.row(first + i);
                for (std::size_t j = 0; j < view.columns; ++j) {
                    out[j * stride + i] = static_cast<double>(row[j]);
                }
            }
        };
        single_ ? copy(floats_) : copy(doubles_);
    }

    /// Copies the named rows into out[column * stride + position].
    void read_rows(std::span<const std::uint32_t> rows, double* out, std::size_t stride) const {
        const auto copy = [&](const auto& view) {
            for (std::size_t i = 0; i < rows.size(); ++i) {
                const auto* row = view.row(rows[i]);
                for (std::size_t j = 0; j < view.columns; ++j) {
                    out[j * stride + i] = static_cast<double>(row[j]);
                }
            }
        };
        single_ ? copy(floats_) : copy(doubles_);
    }

  private:
    MatrixView<const double> doubles_;
    MatrixView<const float> floats_;
    bool single_ = false;
};

}  // namespace closedform
