#pragma once
// A row-major matrix somebody else owns: how rows of data enter the library without a copy.

#include <cstddef>
#include <type_traits>

namespace closedform {

/// View of `rows` x `columns` values, row i starting at `data + i * row_stride`.
template <class T>
struct MatrixView {
    T* data = nullptr;
    std::size_t rows = 0;
    std::size_t columns = 0;
    std::size_t row_stride = 0;

    MatrixView() = default;
    MatrixView(T* data_, std::size_t rows_, std::size_t columns_)
        : data(data_), rows(rows_), columns(columns_), row_stride(columns_) {}
    MatrixView(T* data_, std::size_t rows_, std::size_t columns_, std::size_t row_stride_)
        : data(data_), rows(rows_), columns(columns_), row_stride(row_stride_) {}

    T* row(std::size_t i) const { return data + i * row_stride; }
    T& operator()(std::size_t i, std::size_t j) const { return data[i * row_stride + j]; }

    /// The same rows, read only.
    operator MatrixView<const T>() const
        requires(!std::is_const_v<T>)
    {
        return {data, rows, columns, row_stride};
    }
};

}  // namespace closedform
