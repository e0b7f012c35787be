#pragma once
// One row of u(x) = sum_m prod_d f_md(x_d) and its exact derivatives, f_md a quartic per grid cell.
// Written once for CPU and GPU: V is the lane type, its lanes hold modes (a double holds one).
// Products over all inputs but one or two come from prefixes and suffixes, never from a division by
// f, which may be zero. The value and gradient cost O(M D), the Hessian O(M D^2).

#include <cstddef>

#include "closedform/kernels/host_device.hpp"
#include "closedform/kernels/pack.hpp"

namespace closedform::kernels {

/// The quartics of one input: per cell five planes (t^0..t^4) of `padded` modes each.
struct FactorView {
    const double* planes;
    std::size_t padded;
};

template <class V>
CLOSEDFORM_HOST_DEVICE V load_lanes(const double* from) {
    V v;
    __builtin_memcpy(&v, from, sizeof(V));
    return v;
}

template <class V>
CLOSEDFORM_HOST_DEVICE void store_lanes(double* to, V v) {
    __builtin_memcpy(to, &v, sizeof(V));
}

/// f at t of the modes starting at `mode`.
template <class V>
CLOSEDFORM_HOST_DEVICE V factor_value(FactorView factor, std::size_t cell, std::size_t mode,
                                      double t) {
    const double* c = factor.planes + cell * 5 * factor.padded + mode;
    V f = load_lanes<V>(c + 4 * factor.padded);
    for (int k = 3; k >= 0; --k) {
        f = f * t + load_lanes<V>(c + static_cast<std::size_t>(k) * factor.padded);
    }
    return f;
}

/// f, df/dt and half of d2f/dt2 at t.
template <class V>
CLOSEDFORM_HOST_DEVICE void factor_derivatives(FactorView factor, std::size_t cell,
                                               std::size_t mode, double t, V& f, V& d1,
                                               V& half_d2) {
    const double* c = factor.planes + cell * 5 * factor.padded + mode;
    f = load_lanes<V>(c + 4 * factor.padded);
    d1 = f;
    f = f * t + load_lanes<V>(c + 3 * factor.padded);
    half_d2 = d1;
    d1 = d1 * t + f;
    f = f * t + load_lanes<V>(c + 2 * factor.padded);
    half_d2 = half_d2 * t + d1;
    d1 = d1 * t + f;
    f = f * t + load_lanes<V>(c + factor.padded);
    half_d2 = half_d2 * t + d1;
    d1 = d1 * t + f;
    f = f * t + load_lanes<V>(c);
}

/// Where a row lies: cell and local coordinate per input, and how the local coordinate scales.
struct RowPlace {
    const int* cell;              ///< [inputs] with stride `stride`
    const double* t;              ///< the same
    const double* inverse_width;  ///< the same
    std::size_t stride;
};

/// u without its offset. `factors` has one view per input, all with the same `padded`.
template <class V>
CLOSEDFORM_HOST_DEVICE double tensor_value(const FactorView* factors, std::size_t inputs,
                                           RowPlace at) {
    V total{};
    for (std::size_t mode = 0; mode < factors[0].padded; mode += sizeof(V) / sizeof(double)) {
        V product =
            factor_value<V>(factors[0], static_cast<std::size_t>(at.cell[0]), mode, at.t[0]);
        for (std::size_t d = 1; d < inputs; ++d) {
            product = product * factor_value<V>(factors[d],
                                                static_cast<std::size_t>(at.cell[d * at.stride]),
                                                mode, at.t[d * at.stride]);
        }
        total = total + product;
    }
    return lane_sum(total);
}

/// Space one row needs, in lanes of V: tensor_row_space(inputs) of them.
CLOSEDFORM_HOST_DEVICE std::size_t tensor_row_space(std::size_t inputs) {
    return 5 * inputs + 2 + inputs + inputs * (inputs + 1) / 2;
}

/// u without its offset, its gradient [inputs] and, if `hessian` is not null, its full Hessian
/// [inputs x inputs]. `space` holds tensor_row_space(inputs) lanes.
template <class V>
CLOSEDFORM_HOST_DEVICE double tensor_derivatives(const FactorView* factors, std::size_t inputs,
                                                 RowPlace at, V* space, double* gradient,
                                                 double* hessian) {
    V* f = space;
    V* d1 = f + inputs;
    V* half_d2 = d1 + inputs;
    V* suffix = half_d2 + inputs;   // suffix[d] = prod_{k >= d} f_k
    V* tail = suffix + inputs + 1;  // tail[d] = f'_d prod_{k > d} f_k
    V* slope = tail + inputs + 1;   // sums over modes, lane by lane
    V* bend = slope + inputs;       // upper triangle
    V total{};
    for (std::size_t i = 0; i < inputs + inputs * (inputs + 1) / 2; ++i) {
        slope[i] = V{};
    }
    for (std::size_t mode = 0; mode < factors[0].padded; mode += sizeof(V) / sizeof(double)) {
        for (std::size_t d = 0; d < inputs; ++d) {
            factor_derivatives<V>(factors[d], static_cast<std::size_t>(at.cell[d * at.stride]),
                                  mode, at.t[d * at.stride], f[d], d1[d], half_d2[d]);
        }
        suffix[inputs] = V{} + 1.0;
        for (std::size_t d = inputs; d-- > 0;) {
            tail[d] = d1[d] * suffix[d + 1];
            suffix[d] = f[d] * suffix[d + 1];
        }
        total = total + suffix[0];
        V prefix = V{} + 1.0;
        V* row = bend;
        for (std::size_t i = 0; i < inputs; ++i) {
            slope[i] = slope[i] + prefix * tail[i];
            if (hessian != nullptr) {
                row[0] = row[0] + prefix * half_d2[i] * suffix[i + 1];
                V chain = prefix * d1[i];
                for (std::size_t j = i + 1; j < inputs; ++j) {
                    row[j - i] = row[j - i] + chain * tail[j];
                    chain = chain * f[j];
                }
                row += inputs - i;
            }
            prefix = prefix * f[i];
        }
    }
    const V* row = bend;
    for (std::size_t i = 0; i < inputs; ++i) {
        const double scale = at.inverse_width[i * at.stride];
        gradient[i] = lane_sum(slope[i]) * scale;
        if (hessian != nullptr) {
            hessian[i * inputs + i] = 2 * lane_sum(row[0]) * scale * scale;
            for (std::size_t j = i + 1; j < inputs; ++j) {
                const double h = lane_sum(row[j - i]) * scale * at.inverse_width[j * at.stride];
                hessian[i * inputs + j] = h;
                hessian[j * inputs + i] = h;
            }
            row += inputs - i;
        }
    }
    return lane_sum(total);
}

}  // namespace closedform::kernels
