#pragma once
// Arrays in a device's memory, taken from their owners without a copy.

#include <pybind11/pybind11.h>

#include <cstdint>
#include <utility>

#include "arrays.hpp"
#include "closedform/gpu/device.hpp"

namespace closedform {

/// A C-contiguous matrix on a device. Keeps its owner alive.
class DeviceMatrix {
  public:
    DeviceMatrix(std::uintptr_t address, std::size_t rows, std::size_t columns, bool single,
                 pybind11::object owner)
        : address_(address),
          rows_(rows),
          columns_(columns),
          single_(single),
          owner_(std::move(owner)) {}

    std::uintptr_t address() const { return address_; }
    std::size_t rows() const { return rows_; }
    std::size_t columns() const { return columns_; }
    bool single() const { return single_; }
    DeviceRows view() const {
        if (single_) {
            return {MatrixView<const float>(at<float>(), rows_, columns_), true};
        }
        return {MatrixView<const double>(at<double>(), rows_, columns_), true};
    }

  private:
    template <class T>
    const T* at() const {
        return reinterpret_cast<const T*>(address_);  // NOLINT(performance-no-int-to-ptr)
    }

    std::uintptr_t address_;
    std::size_t rows_;
    std::size_t columns_;
    bool single_;
    pybind11::object owner_;
};

/// Has CUDA's libraries looked for where Python's packages of them are (nvidia/.../lib); once.
void find_libraries();

/// Rows on the host (a numpy array, as for table_of) or a DeviceMatrix.
inline DeviceRows device_rows_of(const pybind11::object& x) {
    if (pybind11::isinstance<DeviceMatrix>(x)) {
        return x.cast<const DeviceMatrix&>().view();
    }
    return {table_of(x.cast<pybind11::array>()), false};
}

}  // namespace closedform
