#pragma once
// One row of a softmax: the log-odds of a class and their derivatives by the logits.

#include <math.h>

#include <cstddef>

#include "kernels/host_device.hpp"

namespace closedform::kernels {

/// f = z_k - log sum_{j != k} exp z_j; df/dz_j takes z_j's place. In float64 throughout: it is done
/// once a row, and classes may lie far apart.
template <class T>
CLOSEDFORM_HOST_DEVICE double log_odds(std::size_t k, std::size_t classes, T* z) {
    double largest = -__builtin_inf();
    for (std::size_t j = 0; j < classes; ++j) {
        const auto logit = static_cast<double>(z[j]);
        largest = j != k && logit > largest ? logit : largest;
    }
    double sum = 0;
    for (std::size_t j = 0; j < classes; ++j) {
        sum += j == k ? 0.0 : ::exp(static_cast<double>(z[j]) - largest);
    }
    const double f = static_cast<double>(z[k]) - largest - ::log(sum);
    for (std::size_t j = 0; j < classes; ++j) {
        z[j] = static_cast<T>(j == k ? 1.0 : -::exp(static_cast<double>(z[j]) - largest) / sum);
    }
    return f;
}

}  // namespace closedform::kernels
