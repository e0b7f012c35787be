#pragma once
// How numpy arrays reach the library: checked, without a copy.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <span>
#include <string>

#include "closedform/array_view.hpp"

namespace closedform {

/// C-contiguous float arrays only: the Python layer converts before it calls.
template <class T>
using Array = pybind11::array_t<T, pybind11::array::c_style>;

template <class T>
MatrixView<const T> matrix_view(const Array<T>& array, const char* name) {
    if (array.ndim() != 2) {
        throw std::invalid_argument(std::string(name) + ": needs a 2-D array");
    }
    return {array.data(), static_cast<std::size_t>(array.shape(0)),
            static_cast<std::size_t>(array.shape(1))};
}

template <class T>
std::span<const T> vector_view(const Array<T>& array, std::size_t rows, const char* name) {
    if (array.ndim() != 1 || static_cast<std::size_t>(array.shape(0)) != rows) {
        throw std::invalid_argument(std::string(name) + ": needs one value a row of X");
    }
    return {array.data(), rows};
}

}  // namespace closedform
