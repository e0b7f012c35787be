#include "expression/row_blocks.hpp"

#include <algorithm>

namespace closedform {

template <class Value>
void RowBlocks::fill(const Value& value) {
    data_.resize(blocks() * columns_ * block_rows);
    pointers_.reserve(blocks() * columns_);
    for (std::size_t b = 0; b < blocks(); ++b) {
        for (std::size_t j = 0; j < columns_; ++j) {
            double* column = data_.data() + (b * columns_ + j) * block_rows;
            for (std::size_t r = 0; r < block_rows; ++r) {
                column[r] = value(std::min(b * block_rows + r, rows_ - 1), j);
            }
            pointers_.push_back(column);
        }
    }
}

template <class T>
RowBlocks::RowBlocks(MatrixView<const T> x) : rows_(x.rows), columns_(x.columns) {
    fill([&](std::size_t r, std::size_t j) { return static_cast<double>(x(r, j)); });
}

template <class T>
RowBlocks::RowBlocks(MatrixView<const T> x, std::span<const std::size_t> rows,
                     std::span<const double> scale)
    : rows_(rows.size()), columns_(x.columns) {
    fill([&](std::size_t r, std::size_t j) {
        return (scale.empty() ? 1.0 : scale[j]) * static_cast<double>(x(rows[r], j));
    });
}

RowBlocks RowBlocks::some(std::span<const std::size_t> rows) const {
    RowBlocks result;
    result.rows_ = rows.size();
    result.columns_ = columns_;
    result.fill([&](std::size_t r, std::size_t j) {
        return block(rows[r] / block_rows)[j][rows[r] % block_rows];
    });
    return result;
}

template RowBlocks::RowBlocks(MatrixView<const double>);
template RowBlocks::RowBlocks(MatrixView<const float>);
template RowBlocks::RowBlocks(MatrixView<const double>, std::span<const std::size_t>,
                              std::span<const double>);
template RowBlocks::RowBlocks(MatrixView<const float>, std::span<const std::size_t>,
                              std::span<const double>);

AlignedDoubles RowBlocks::pad(std::span<const double> values, double fill) {
    const std::size_t blocks = (values.size() + block_rows - 1) / block_rows;
    AlignedDoubles padded(blocks * block_rows, fill);
    std::copy(values.begin(), values.end(), padded.begin());
    return padded;
}

}  // namespace closedform
