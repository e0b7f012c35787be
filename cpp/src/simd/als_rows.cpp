#include "als_rows.hpp"

namespace closedform::CLOSEDFORM_SET {
namespace {

using kernels::load_lanes;
using kernels::store_lanes;

void products(const kernels::FactorView* factors, std::size_t inputs, std::size_t skip,
              const int* cell, const double* t, const unsigned* order, std::size_t count,
              double* out) {
    const std::size_t padded = factors[0].padded;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t row = order[i];
        for (std::size_t mode = 0; mode < padded; mode += pack_width) {
            Pack product = load_lanes<Pack>(out + i * padded + mode);
            for (std::size_t k = 0; k < inputs; ++k) {
                if (k != skip) {
                    const std::size_t at = k * als_block_rows + row;
                    product *= kernels::factor_value<Pack>(
                        factors[k], static_cast<std::size_t>(cell[at]), mode, t[at]);
                }
            }
            store_lanes(out + i * padded + mode, product);
        }
    }
}

/// Moments of `Rows` neighbouring modes against one pack of modes, in registers over all rows.
template <std::size_t Rows>
void moments_of(const double* g, const double* powers, std::size_t count, std::size_t padded,
                std::size_t mode, std::size_t pack, double* moments) {
    Pack sum[Rows][moment_count] = {};
    for (std::size_t i = 0; i < count; ++i) {
        const Pack other = load_lanes<Pack>(g + i * padded + pack);
        Pack pair[Rows];
        for (std::size_t r = 0; r < Rows; ++r) {
            pair[r] = other * g[i * padded + mode + r];
        }
        for (std::size_t k = 0; k < moment_count; ++k) {
            const double power = powers[i * moment_count + k];
            for (std::size_t r = 0; r < Rows; ++r) {
                sum[r][k] += pair[r] * power;
            }
        }
    }
    for (std::size_t r = 0; r < Rows; ++r) {
        for (std::size_t k = 0; k < moment_count; ++k) {
            double* to = moments + ((mode + r) * moment_count + k) * padded + pack;
            store_lanes(to, load_lanes<Pack>(to) + sum[r][k]);
        }
    }
}

void accumulate(const double* g, const double* powers, const double* residual, std::size_t count,
                std::size_t modes, std::size_t padded, double* moments, double* right) {
    for (std::size_t mode = 0; mode < modes; mode += 2) {
        for (std::size_t pack = 0; pack <= mode + 1 && pack < padded; pack += pack_width) {
            if (mode + 1 < modes) {
                moments_of<2>(g, powers, count, padded, mode, pack, moments);
            } else {
                moments_of<1>(g, powers, count, padded, mode, pack, moments);
            }
        }
    }
    for (std::size_t pack = 0; pack < padded; pack += pack_width) {
        Pack sum[shape_count] = {};
        for (std::size_t i = 0; i < count; ++i) {
            const Pack weighted = load_lanes<Pack>(g + i * padded + pack) * residual[i];
            for (std::size_t k = 0; k < shape_count; ++k) {
                sum[k] += weighted * powers[i * moment_count + k];
            }
        }
        for (std::size_t k = 0; k < shape_count; ++k) {
            double* to = right + k * padded + pack;
            store_lanes(to, load_lanes<Pack>(to) + sum[k]);
        }
    }
}

}  // namespace

const AlsRowKernels* als_row_kernels() {
    static const AlsRowKernels table = {products, accumulate};
    return &table;
}

}  // namespace closedform::CLOSEDFORM_SET
