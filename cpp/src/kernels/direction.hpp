#pragma once
// When a gradient counts as zero, and the inverse of its length, at one row.

#include "kernels/elementary.hpp"
#include "kernels/host_device.hpp"

namespace closedform::kernels {

// A gradient so much smaller than the value is what rounding left of it: a search that is paid for
// its direction drifts to expressions that underflow.
template <class T>
inline constexpr T direction_floor = sizeof(T) == sizeof(double) ? T(1e-11) : T(1e-6);
// Denormal squares have lost their digits.
template <class T>
inline constexpr T least_square = sizeof(T) == sizeof(double) ? T(1e-280) : T(1e-33);

/// The inverse length, 0 where the gradient counts as zero, not finite where gradient or value is
/// not: an infinite gradient has no direction, and inf * 0 is not a number.
template <class T>
CLOSEDFORM_HOST_DEVICE T inverse_norm(T squares, T value) {
    const T least = direction_floor<T> * value;
    const bool zero = squares <= least * least || squares < least_square<T>;
    const T inverse = zero ? T(0) : T(1) / square_root(squares);
    return inverse + squares * T(0) + value * T(0);
}

/// Adds w |u - v|^2 and w |u + v|^2 of one component.
template <class T>
CLOSEDFORM_HOST_DEVICE void add_differences(T u, T v, T weight, T& minus, T& plus) {
    const T below = u - v;
    const T above = u + v;
    minus += weight * below * below;
    plus += weight * above * above;
}

}  // namespace closedform::kernels
