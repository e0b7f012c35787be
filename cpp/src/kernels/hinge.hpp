#pragma once
// The hinge loss at one row.

#include "kernels/host_device.hpp"

namespace closedform::kernels {

/// weight * max(0, 1 - label * f); not finite where f is not: inf * 0, and no maximum of two.
template <class T>
CLOSEDFORM_HOST_DEVICE T hinge(T f, T label, T weight) {
    const T margin = T(1) - label * f + f * T(0);
    return margin <= T(0) ? T(0) : weight * margin;
}

}  // namespace closedform::kernels
