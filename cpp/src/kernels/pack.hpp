#pragma once
// The widest vector of doubles of the instruction set this file is compiled for. Kernels are
// templates over their lane type V: a Pack on the CPU, a double on a GPU. Each instruction set has
// another width, so that the instantiations of different sets never share a symbol.

#include <cstddef>

#include "kernels/host_device.hpp"

namespace closedform {

CLOSEDFORM_HOST_DEVICE double lane_sum(double v) { return v; }
CLOSEDFORM_HOST_DEVICE float lane_sum(float v) { return v; }

#if defined(__GNUC__) && !defined(__CUDACC__)

#if defined(__AVX512F__)
typedef double Pack __attribute__((vector_size(64)));
#elif defined(__AVX__)
typedef double Pack __attribute__((vector_size(32)));
#else
typedef double Pack __attribute__((vector_size(16)));
#endif

typedef double Pack2 __attribute__((vector_size(16)));

/// Sum of the lanes, always in the same order.
template <class V>
inline __attribute__((always_inline)) double lane_sum(V v) {
    if constexpr (sizeof(V) == 64) {
        typedef double Pack4 __attribute__((vector_size(32)));
        const Pack4 low = __builtin_shufflevector(v, v, 0, 1, 2, 3);
        const Pack4 high = __builtin_shufflevector(v, v, 4, 5, 6, 7);
        return lane_sum(low + high);
    } else if constexpr (sizeof(V) == 32) {
        const Pack2 low = __builtin_shufflevector(v, v, 0, 1);
        const Pack2 high = __builtin_shufflevector(v, v, 2, 3);
        return lane_sum(low + high);
    } else {
        return v[0] + v[1];
    }
}

#else
typedef double Pack;
#endif

inline constexpr std::size_t pack_width = sizeof(Pack) / sizeof(double);

}  // namespace closedform
