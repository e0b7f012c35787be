#pragma once
// What one row adds to the separability scores of a pair of inputs (pair_scores.hpp).

#include "kernels/elementary.hpp"
#include "kernels/host_device.hpp"

namespace closedform::kernels {

/// u u_ij - u_i u_j: 0 where u is a product of functions of x_i and of x_j.
template <class T>
CLOSEDFORM_HOST_DEVICE T product_residual(T u, T u_i, T u_j, T u_ij) {
    return u * u_ij - u_i * u_j;
}

// Bins of constant ratio for sizes: eight an octave, by the first three bits of the mantissa.
inline constexpr int bins_per_octave = 8;
inline constexpr int lowest_exponent = -80;  ///< smaller numbers share the first bin
inline constexpr int octaves = 128;
inline constexpr int log_bins = octaves * bins_per_octave;

/// The bin of |value|, which must be a number; infinity falls into the last one.
CLOSEDFORM_HOST_DEVICE int log_bin(double value) {
    const Bits bits = bits_of(value) & 0x7fffffffffffffffULL;
    // |value| = 2^exponent * m with m in [1/2, 1)
    const int exponent = static_cast<int>(bits >> 52U) - 1022;
    const int step = static_cast<int>((bits >> 49U) & 7U);
    const int bin = (exponent - lowest_exponent) * bins_per_octave + step;
    return bin < 0 ? 0 : (bin < log_bins ? bin : log_bins - 1);
}

}  // namespace closedform::kernels
