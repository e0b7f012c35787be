#pragma once
// What runs on a GPU through CUDA: the same arithmetic as on the CPU, in the precision named at
// each function. A library built without CUDA has these functions too; they throw then.
// Everything here uses the device that is CUDA's current one (CUDA_VISIBLE_DEVICES decides), or the
// one that holds the rows.

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "closedform/table.hpp"

namespace closedform {

class TensorSurrogate;

/// No device, no driver, too little memory, or an error that CUDA reports; what() says which.
class DeviceError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Rows in the memory of the host or, contiguous, of a device.
struct DeviceRows {
    Table table;
    bool on_device = false;
};

namespace cuda {

struct DeviceInfo {
    std::string name;
    int major = 0;  ///< compute capability
    int minor = 0;
    std::size_t memory = 0;  ///< bytes
};

/// The devices that can be used; none where there is no driver.
std::vector<DeviceInfo> devices();

/// Why devices() is empty, in a line that says what to do; "" where it is not.
std::string problem();

/// As TensorSurrogate::derivatives, in the precision of the rows; results in the host's memory,
/// null ones left out. Rows beyond the grid are not looked for: throws std::invalid_argument under
/// Outside::error.
void derivatives(const TensorSurrogate& model, const DeviceRows& rows, double* value,
                 double* gradient, double* hessian);

}  // namespace cuda
}  // namespace closedform
