#pragma once
// Rows of data as the tape kernels want them: blocks of block_rows rows, each block column by
// column, the last one filled up with copies of the last row.

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "closedform/core/aligned_vector.hpp"
#include "closedform/core/matrix_view.hpp"
#include "kernels/simd/tape.hpp"

namespace closedform {

/// Rows, copies to fill up the last group among them.
constexpr std::size_t in_groups(std::size_t rows) {
    return (rows + row_group - 1) / row_group * row_group;
}

class RowBlocks {
  public:
    RowBlocks() = default;

    /// Copies X.
    template <class T>
    explicit RowBlocks(MatrixView<const T> x);

    /// Copies the given rows of X, column j multiplied by scale[j] (not scaled when empty).
    template <class T>
    RowBlocks(MatrixView<const T> x, std::span<const std::size_t> rows,
              std::span<const double> scale = {});

    /// The same columns at some of the rows.
    RowBlocks some(std::span<const std::size_t> rows) const;

    std::size_t rows() const { return rows_; }
    std::size_t columns() const { return columns_; }
    std::size_t blocks() const { return (rows_ + block_rows - 1) / block_rows; }

    /// Rows of a block in whole groups, copies of the last row among them.
    std::size_t rows_of(std::size_t b) const {
        return in_groups(std::min(block_rows, rows_ - b * block_rows));
    }

    /// Pointers to the columns of one block.
    const double* const* block(std::size_t b) const { return pointers_.data() + b * columns_; }

    /// The same layout for one column of values; rows past the end hold `fill`.
    static AlignedDoubles pad(std::span<const double> values, double fill);

    RowBlocks(const RowBlocks&) = delete;
    RowBlocks& operator=(const RowBlocks&) = delete;
    RowBlocks(RowBlocks&&) = default;
    RowBlocks& operator=(RowBlocks&&) = default;
    ~RowBlocks() = default;

  private:
    /// value(r, j) is that of row r and column j.
    template <class Value>
    void fill(const Value& value);

    std::size_t rows_ = 0;
    std::size_t columns_ = 0;
    AlignedDoubles data_;
    std::vector<const double*> pointers_;
};

}  // namespace closedform
