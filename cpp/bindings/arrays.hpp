#pragma once
// numpy arrays in and out of the library without copies.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <limits>
#include <span>
#include <stdexcept>
#include <string>

#include "closedform/core/matrix_view.hpp"
#include "closedform/core/stop.hpp"
#include "closedform/core/table.hpp"
#include "interpreter_lock.hpp"
#include "interruption.hpp"

namespace closedform {

using DoubleArray = pybind11::array_t<double, pybind11::array::c_style>;

/// A 2-D, C-contiguous float64 or float32 array as it lies. Anything else is a TypeError: the
/// Python package prepares its input before it comes here.
inline Table table_of(const pybind11::array& x) {
    if (x.ndim() != 2 || (x.flags() & pybind11::array::c_style) == 0) {
        throw pybind11::type_error("X must be a 2-D C-contiguous array");
    }
    const auto rows = static_cast<std::size_t>(x.shape(0));
    const auto columns = static_cast<std::size_t>(x.shape(1));
    if (pybind11::isinstance<pybind11::array_t<double>>(x)) {
        return MatrixView<const double>(static_cast<const double*>(x.data()), rows, columns);
    }
    if (pybind11::isinstance<pybind11::array_t<float>>(x)) {
        return MatrixView<const float>(static_cast<const float*>(x.data()), rows, columns);
    }
    throw pybind11::type_error("X must be float64 or float32");
}

inline std::span<const double> span_of(const DoubleArray& v) {
    return {v.data(), static_cast<std::size_t>(v.size())};
}

/// Ctrl-C as a stop token, for the thread that enters the library.
class Interrupt {
  public:
    const StopToken& token() const { return token_; }

    /// With the GIL held, after the library has returned.
    void rethrow() const {
        if (token_.interrupted()) {
            if (PyErr_Occurred() == nullptr) {  // the signal was held back
                PyErr_SetNone(PyExc_KeyboardInterrupt);
            }
            throw pybind11::error_already_set();
        }
    }

  private:
    StopToken token_{std::numeric_limits<double>::infinity(), [] {
                         const Locked locked;
                         return interrupted();
                     }};
};

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
