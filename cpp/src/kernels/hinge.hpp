#pragma once
// The hinge loss at one row.

#include "kernels/host_device.hpp"

namespace closedform::kernels {

/// 1 - label * f; not finite where f is not: inf * 0.
template <class T>
CLOSEDFORM_HOST_DEVICE T margin(T f, T label) {
    return T(1) - label * f + f * T(0);
}

/// weight * max(0, 1 - label * f); not finite where f is not: no maximum of two.
template <class T>
CLOSEDFORM_HOST_DEVICE T hinge(T f, T label, T weight) {
    // The choice before the product: gcc 12 drops rows from a vectorised sum of either 0 or a
    // product.
    const T missing = margin(f, label);
    return weight * (missing <= T(0) ? T(0) : missing);
}

}  // namespace closedform::kernels
