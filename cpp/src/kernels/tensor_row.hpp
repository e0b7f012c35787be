#pragma once
// One row of u(x) = sum_m prod_d f_md(x_d) and its exact derivatives, f_md a quartic per grid cell.
// Written once for CPU and GPU: V is the lane type, its lanes hold modes (a plain number holds
// one), Real the number a lane holds. Products over all inputs but one or two come from prefixes
// and suffixes, never from a division by f, which may be zero. The value and gradient cost O(M D),
// the Hessian O(M D^2).

#include <cstddef>

#include "kernels/host_device.hpp"
#include "kernels/pack.hpp"

namespace closedform::kernels {

/// The quartics of one input: per cell five planes (t^0..t^4) of `padded` modes each.
struct FactorView {
    const double* planes;
    std::size_t padded;
};

/// The quartics of all inputs, as the functions below read them: any type with these two.
struct FactorViews {
    const FactorView* views;
    CLOSEDFORM_HOST_DEVICE const double* cell(std::size_t input, std::size_t cell) const {
        return views[input].planes + cell * 5 * views[input].padded;
    }
    /// From one plane to the next.
    CLOSEDFORM_HOST_DEVICE std::size_t stride() const { return views[0].padded; }
};

/// Cell of x on a grid of `count` increasing nodes (grid_basis.hpp): how many of them lie at or
/// below x, but that the right end belongs to the last element. NaN falls left of the grid.
template <class Real>
CLOSEDFORM_HOST_DEVICE std::size_t cell_of(const Real* nodes, std::size_t count, Real x) {
    std::size_t low = 0;
    std::size_t high = count - 1;  // nodes[low) <= x < nodes[high..count - 1)
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        if (x >= nodes[middle]) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low + (x > nodes[count - 1] ? 1 : 0);
}

template <class V, class Real>
CLOSEDFORM_HOST_DEVICE V load_lanes(const Real* from) {
    V v;
    __builtin_memcpy(&v, from, sizeof(V));
    return v;
}

template <class V, class Real>
CLOSEDFORM_HOST_DEVICE void store_lanes(Real* to, V v) {
    __builtin_memcpy(to, &v, sizeof(V));
}

/// f at t of the modes at `c`, the first plane of their cell.
template <class V, class Real>
CLOSEDFORM_HOST_DEVICE V factor_value(const Real* c, std::size_t stride, Real t) {
    V f = load_lanes<V>(c + 4 * stride);
    for (int k = 3; k >= 0; --k) {
        f = f * t + load_lanes<V>(c + static_cast<std::size_t>(k) * stride);
    }
    return f;
}

/// f, df/dt and half of d2f/dt2 at t.
template <class V, class Real>
CLOSEDFORM_HOST_DEVICE void factor_derivatives(const Real* c, std::size_t stride, Real t, V& f,
                                               V& d1, V& half_d2) {
    f = load_lanes<V>(c + 4 * stride);
    d1 = f;
    f = f * t + load_lanes<V>(c + 3 * stride);
    half_d2 = d1;
    d1 = d1 * t + f;
    f = f * t + load_lanes<V>(c + 2 * stride);
    half_d2 = half_d2 * t + d1;
    d1 = d1 * t + f;
    f = f * t + load_lanes<V>(c + stride);
    half_d2 = half_d2 * t + d1;
    d1 = d1 * t + f;
    f = f * t + load_lanes<V>(c);
}

/// Where a row lies: cell and local coordinate per input, and how the local coordinate scales.
template <class Real>
struct RowPlace {
    const int* cell;            ///< [inputs] with stride `stride`
    const Real* t;              ///< the same
    const Real* inverse_width;  ///< the same
    std::size_t stride;
};

/// u without its offset, of `modes` modes (a multiple of V's lanes).
template <class V, class Factors, class Real>
CLOSEDFORM_HOST_DEVICE Real tensor_value(const Factors& factors, std::size_t inputs,
                                         std::size_t modes, RowPlace<Real> at) {
    V total{};
    for (std::size_t mode = 0; mode < modes; mode += sizeof(V) / sizeof(Real)) {
        V product = factor_value<V>(factors.cell(0, static_cast<std::size_t>(at.cell[0])) + mode,
                                    factors.stride(), at.t[0]);
        for (std::size_t d = 1; d < inputs; ++d) {
            const auto cell = static_cast<std::size_t>(at.cell[d * at.stride]);
            product = product * factor_value<V>(factors.cell(d, cell) + mode, factors.stride(),
                                                at.t[d * at.stride]);
        }
        total = total + product;
    }
    return lane_sum(total);
}

/// start times the factors of all inputs but `skip`, of the modes from `mode` on.
template <class V, class Factors, class Real>
CLOSEDFORM_HOST_DEVICE V product_without(V start, const Factors& factors, std::size_t inputs,
                                         std::size_t skip, std::size_t mode, RowPlace<Real> at) {
    V product = start;
    for (std::size_t k = 0; k < inputs; ++k) {
        if (k != skip) {
            const auto cell = static_cast<std::size_t>(at.cell[k * at.stride]);
            product = product * factor_value<V>(factors.cell(k, cell) + mode, factors.stride(),
                                                at.t[k * at.stride]);
        }
    }
    return product;
}

/// Lanes a row needs while its derivatives are computed: the sums over modes come last.
CLOSEDFORM_HOST_DEVICE std::size_t tensor_sums_begin(std::size_t inputs) { return 5 * inputs + 2; }
CLOSEDFORM_HOST_DEVICE std::size_t tensor_row_space(std::size_t inputs, bool curvatures) {
    return tensor_sums_begin(inputs) + inputs + (curvatures ? inputs * (inputs + 1) / 2 : 0);
}
/// Position among the sums of d2u/dx_i dx_j, i <= j, after the `inputs` slopes.
CLOSEDFORM_HOST_DEVICE std::size_t bend_position(std::size_t inputs, std::size_t i, std::size_t j) {
    return inputs + i * inputs - i * (i + 1) / 2 + j;
}

/// Numbers that lie `stride` apart: the space of one row among that of its neighbours.
template <class V>
struct Strided {
    V* first;
    std::size_t stride;
    CLOSEDFORM_HOST_DEVICE V& operator[](std::size_t i) const { return first[i * stride]; }
    CLOSEDFORM_HOST_DEVICE Strided operator+(std::size_t i) const {
        return {first + i * stride, stride};
    }
};

/// u without its offset, lane by lane, and, from tensor_sums_begin on in `space`, a V* or Strided,
/// the sums over modes of its derivatives by the local coordinates: `inputs` slopes and, if
/// `curvatures`, the upper triangle of second derivatives, those on the diagonal halved.
template <class V, class Factors, class Real, class Space>
CLOSEDFORM_HOST_DEVICE V tensor_sums(const Factors& factors, std::size_t inputs, std::size_t modes,
                                     RowPlace<Real> at, Space space, bool curvatures) {
    const Space f = space;
    const Space d1 = f + inputs;
    const Space half_d2 = d1 + inputs;
    const Space suffix = half_d2 + inputs;   // suffix[d] = prod_{k >= d} f_k
    const Space tail = suffix + inputs + 1;  // tail[d] = f'_d prod_{k > d} f_k
    const Space slope = space + tensor_sums_begin(inputs);
    const Space curvature = slope + inputs;
    const V one = V{} + static_cast<Real>(1);
    V total{};
    const std::size_t sums = inputs + (curvatures ? inputs * (inputs + 1) / 2 : 0);
    for (std::size_t i = 0; i < sums; ++i) {
        slope[i] = V{};
    }
    for (std::size_t mode = 0; mode < modes; mode += sizeof(V) / sizeof(Real)) {
        V after = one;
        suffix[inputs] = after;
        for (std::size_t d = inputs; d-- > 0;) {
            V value;
            V first;
            V half_second;
            const auto cell = static_cast<std::size_t>(at.cell[d * at.stride]);
            factor_derivatives<V>(factors.cell(d, cell) + mode, factors.stride(),
                                  at.t[d * at.stride], value, first, half_second);
            f[d] = value;
            d1[d] = first;
            half_d2[d] = half_second;
            tail[d] = first * after;
            after = value * after;
            suffix[d] = after;
        }
        total = total + after;
        V prefix = one;
        Space row = curvature;
        for (std::size_t i = 0; i < inputs; ++i) {
            slope[i] = slope[i] + prefix * tail[i];
            if (curvatures) {
                row[0] = row[0] + prefix * half_d2[i] * suffix[i + 1];
                V chain = prefix * d1[i];
                for (std::size_t j = i + 1; j < inputs; ++j) {
                    row[j - i] = row[j - i] + chain * tail[j];
                    chain = chain * f[j];
                }
                row = row + (inputs - i);
            }
            prefix = prefix * f[i];
        }
    }
    return total;
}

/// du/dx_i from the sums of tensor_sums.
template <class Real, class Sums>
CLOSEDFORM_HOST_DEVICE Real gradient_entry(const Sums& sums, RowPlace<Real> at, std::size_t i) {
    return lane_sum(sums[i]) * at.inverse_width[i * at.stride];
}

/// d2u/dx_i dx_j, i <= j, from the sums of tensor_sums.
template <class Real, class Sums>
CLOSEDFORM_HOST_DEVICE Real hessian_entry(const Sums& sums, RowPlace<Real> at, std::size_t inputs,
                                          std::size_t i, std::size_t j) {
    const Real scale = at.inverse_width[i * at.stride] * at.inverse_width[j * at.stride];
    const Real sum = lane_sum(sums[bend_position(inputs, i, j)]);
    return (i == j ? 2 : 1) * sum * scale;
}

/// u without its offset, its gradient [inputs] and, if `hessian` is not null, its full Hessian
/// [inputs x inputs]. `space` holds tensor_row_space(inputs, hessian != nullptr) lanes.
template <class V, class Factors>
CLOSEDFORM_HOST_DEVICE double tensor_derivatives(const Factors& factors, std::size_t inputs,
                                                 std::size_t modes, RowPlace<double> at, V* space,
                                                 double* gradient, double* hessian) {
    const V total = tensor_sums<V>(factors, inputs, modes, at, space, hessian != nullptr);
    const V* sums = space + tensor_sums_begin(inputs);
    for (std::size_t i = 0; i < inputs; ++i) {
        gradient[i] = gradient_entry(sums, at, i);
        if (hessian != nullptr) {
            for (std::size_t j = i; j < inputs; ++j) {
                const double h = hessian_entry(sums, at, inputs, i, j);
                hessian[i * inputs + j] = h;
                hessian[j * inputs + i] = h;
            }
        }
    }
    return lane_sum(total);
}

}  // namespace closedform::kernels
