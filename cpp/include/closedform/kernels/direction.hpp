#pragma once
// When a gradient counts as zero, and the inverse of its length, at one row.

#include "closedform/kernels/host_device.hpp"

namespace closedform::kernels {

// A gradient so much smaller than the value is what rounding left of it: a search that is paid for
// its direction drifts to expressions that underflow.
inline constexpr double direction_floor = 1e-11;

CLOSEDFORM_HOST_DEVICE double inverse_norm(double squares, double value) {
    const double least = direction_floor * value;
    // Denormal squares have lost their digits.
    const bool zero = squares <= least * least || squares < 1e-280;
    return zero ? 0.0 : 1.0 / __builtin_sqrt(squares);
}

}  // namespace closedform::kernels
