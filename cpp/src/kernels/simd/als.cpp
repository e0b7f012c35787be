#include "kernels/simd/als.hpp"

namespace closedform::CLOSEDFORM_SET {
namespace {

using kernels::load_lanes;
using kernels::store_lanes;

/// 1 in the lanes from `mode` on that hold modes, 0 in the others.
Pack lanes_with_modes(std::size_t mode, std::size_t modes) {
    Pack with{};
    for (std::size_t k = 0; k < pack_width; ++k) {
        with[k] = mode + k < modes ? 1 : 0;
    }
    return with;
}

kernels::RowPlace<double> place(const AlsBlock& rows, std::size_t i) {
    return {rows.cell + i, rows.t + i, nullptr, als_block_rows};
}

void products(const kernels::FactorView* factors, std::size_t inputs, std::size_t skip,
              const AlsBlock& rows, std::size_t modes, double* out) {
    const std::size_t padded = factors[0].padded;
    // One pack of modes for all rows before the next: a pack's share of the tables fits in L1.
    for (std::size_t mode = 0; mode < padded; mode += pack_width) {
        const Pack ones = lanes_with_modes(mode, modes);
        for (std::size_t i = 0; i < rows.count; ++i) {
            const Pack start = rows.multiplier == nullptr ? ones : ones * rows.multiplier[i];
            store_lanes(out + i * padded + mode,
                        kernels::product_without(start, kernels::FactorViews{factors}, inputs, skip,
                                                 mode, place(rows, i)));
        }
    }
}

bool any_below(Pack value, double bound) {
    bool below = false;
    for (std::size_t k = 0; k < pack_width; ++k) {
        below |= value[k] < bound;
    }
    return below;
}

void exchange(const kernels::FactorView* factors, std::size_t inputs, std::size_t in,
              std::size_t skip, const double* divisor, const AlsBlock& rows, std::size_t modes,
              double* out) {
    constexpr double tiny = 1e-100;
    const std::size_t padded = factors[0].padded;
    const kernels::FactorViews all{factors};
    const double* in_t = rows.t + in * als_block_rows;
    const double* skip_t = rows.t + skip * als_block_rows;
    const int* in_cell = rows.cell + in * als_block_rows;
    const int* skip_cell = rows.cell + skip * als_block_rows;
    for (std::size_t mode = 0; mode < padded; mode += pack_width) {
        const Pack ones = lanes_with_modes(mode, modes);
        const Pack beyond = 1.0 - ones;
        for (std::size_t first = 0; first < rows.count; first += als_tile_rows) {
            const std::size_t end =
                rows.count - first < als_tile_rows ? rows.count : first + als_tile_rows;
            Pack f[als_tile_rows];
            Pack least = Pack{} + 1.0;
            for (std::size_t i = first; i < end; ++i) {
                const double* plane =
                    divisor + static_cast<std::size_t>(skip_cell[i]) * shape_count * padded + mode;
                const Pack value = beyond + kernels::factor_value<Pack>(plane, padded, skip_t[i]);
                const Pack size = value < 0.0 ? -value : value;
                least = size < least ? size : least;
                f[i - first] = value;
            }
            const bool some_vanish = any_below(least, tiny);
            for (std::size_t i = first; i < end; ++i) {
                const Pack value = f[i - first];
                double* at = out + i * padded + mode;
                if (some_vanish && any_below(value < 0.0 ? -value : value, tiny)) {
                    const Pack start =
                        rows.multiplier == nullptr ? ones : ones * rows.multiplier[i];
                    store_lanes(at, kernels::product_without(start, all, inputs, skip, mode,
                                                             place(rows, i)));
                } else {
                    const double* more = all.cell(in, static_cast<std::size_t>(in_cell[i])) + mode;
                    store_lanes(at, load_lanes<Pack>(at) *
                                        kernels::factor_value<Pack>(more, padded, in_t[i]) / value);
                }
            }
        }
    }
}

void subtract_modes(kernels::FactorView factor, const int* cell, const double* t, std::size_t count,
                    const double* products, const double* share, double* left) {
    const std::size_t padded = factor.padded;
    for (std::size_t i = 0; i < count; ++i) {
        const double* planes =
            factor.planes + static_cast<std::size_t>(cell[i]) * shape_count * padded;
        Pack sum{};
        for (std::size_t mode = 0; mode < padded; mode += pack_width) {
            sum += load_lanes<Pack>(share + mode) * load_lanes<Pack>(products + i * padded + mode) *
                   kernels::factor_value<Pack>(planes + mode, padded, t[i]);
        }
        left[i] -= lane_sum(sum);
    }
}

double add_slopes(const kernels::FactorView* factors, const kernels::FactorView* steps,
                  std::size_t inputs, const AlsBlock& rows, const double* target,
                  const double* weight, double* space, double* const* right) {
    constexpr std::size_t tile = als_tile_rows;
    const std::size_t padded = factors[0].padded;
    double squares = 0;
    // One input for all rows of a tile before the next: an input's tables fit in L1.
    for (std::size_t first = 0; first < rows.count; first += tile) {
        const std::size_t here = rows.count - first < tile ? rows.count - first : tile;
        Pack sum[tile] = {};
        for (std::size_t mode = 0; mode < padded; mode += pack_width) {
            double* kept = space + 2 * tile * inputs * mode;  // f, the product of the later ones
            Pack after[tile];
            Pack change[tile] = {};
            for (std::size_t i = 0; i < here; ++i) {
                after[i] = Pack{} + rows.multiplier[first + i];
            }
            for (std::size_t d = inputs; d-- > 0;) {
                const int* cell = rows.cell + d * als_block_rows + first;
                const double* t = rows.t + d * als_block_rows + first;
                double* to = kept + 2 * tile * d * pack_width;
                for (std::size_t i = 0; i < here; ++i) {
                    const std::size_t plane =
                        static_cast<std::size_t>(cell[i]) * shape_count * padded + mode;
                    const Pack f =
                        kernels::factor_value<Pack>(factors[d].planes + plane, padded, t[i]);
                    store_lanes(to + 2 * i * pack_width, f);
                    store_lanes(to + (2 * i + 1) * pack_width, after[i]);
                    if (steps != nullptr) {
                        change[i] =
                            change[i] * f + after[i] * kernels::factor_value<Pack>(
                                                           steps[d].planes + plane, padded, t[i]);
                    }
                    after[i] *= f;
                }
            }
            for (std::size_t i = 0; i < here; ++i) {
                sum[i] += steps != nullptr ? change[i] : after[i];
            }
        }
        double carried[tile];
        for (std::size_t i = 0; i < here; ++i) {
            const double change = lane_sum(sum[i]);
            const double r = steps != nullptr ? change : target[first + i] - change;
            carried[i] = weight[first + i] * r;
            squares += carried[i] * r;
        }
        for (std::size_t mode = 0; mode < padded; mode += pack_width) {
            const double* kept = space + 2 * tile * inputs * mode;
            Pack before[tile];
            for (std::size_t i = 0; i < here; ++i) {
                before[i] = Pack{} + carried[i];
            }
            for (std::size_t d = 0; d < inputs; ++d) {
                const int* cell = rows.cell + d * als_block_rows + first;
                const double* t = rows.t + d * als_block_rows + first;
                const double* from = kept + 2 * tile * d * pack_width;
                for (std::size_t i = 0; i < here; ++i) {
                    double* to =
                        right[d] + static_cast<std::size_t>(cell[i]) * shape_count * padded + mode;
                    Pack power = before[i] * load_lanes<Pack>(from + (2 * i + 1) * pack_width);
                    for (std::size_t k = 0; k < shape_count; ++k) {
                        store_lanes(to + k * padded, load_lanes<Pack>(to + k * padded) + power);
                        power *= t[i];
                    }
                    before[i] *= load_lanes<Pack>(from + 2 * i * pack_width);
                }
            }
        }
    }
    return squares;
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

void add_cell(const double* moments, const double* weave, std::size_t width, std::size_t modes,
              std::size_t padded, std::size_t first_node, double* band, std::size_t bandwidth) {
    for (std::size_t i = 0; i < width; ++i) {
        for (std::size_t m = 0; m < modes; ++m) {
            const std::size_t column = (first_node + i) * modes + m;
            for (std::size_t j = i; j < width; ++j) {
                double* to = band + column * (bandwidth + 1) + (j - i) * modes - m;
                for (std::size_t n = 0; n < modes; n += pack_width) {
                    Pack sum{};
                    for (std::size_t q = 0; q < moment_count; ++q) {
                        sum += load_lanes<Pack>(moments + (m * moment_count + q) * padded + n) *
                               weave[(q * width + i) * width + j];
                    }
                    double lane[pack_width];
                    store_lanes(lane, sum);
                    const std::size_t end = modes - n < pack_width ? modes - n : pack_width;
                    // On the diagonal block, only what lies below the diagonal.
                    for (std::size_t k = i == j && n < m ? m - n : 0; k < end; ++k) {
                        to[n + k] += lane[k];
                    }
                }
            }
        }
    }
}

/// to[0..count) -= factor * from[0..count)
void subtract(double* __restrict to, const double* __restrict from, double factor,
              std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        to[i] -= factor * from[i];
    }
}

bool factor_band(double* a, std::size_t size, std::size_t bandwidth, std::size_t first,
                 std::size_t last) {
    const std::size_t stride = bandwidth + 1;
    for (std::size_t j = first; j < last; ++j) {
        double* column = a + j * stride;
        if (!(column[0] > 0)) {
            return false;
        }
        const double inverse = 1 / __builtin_sqrt(column[0]);
        const std::size_t below = bandwidth < size - 1 - j ? bandwidth : size - 1 - j;
        for (std::size_t k = 0; k <= below; ++k) {
            column[k] *= inverse;
        }
        for (std::size_t k = 1; k <= below; ++k) {
            if (column[k] != 0) {
                subtract(a + (j + k) * stride, column + k, column[k], below - k + 1);
            }
        }
    }
    return true;
}

void solve_band(const double* a, std::size_t size, std::size_t bandwidth, double* b) {
    const std::size_t stride = bandwidth + 1;
    for (std::size_t j = 0; j < size; ++j) {
        const double* column = a + j * stride;
        const std::size_t below = bandwidth < size - 1 - j ? bandwidth : size - 1 - j;
        b[j] /= column[0];
        subtract(b + j + 1, column + 1, b[j], below);
    }
    for (std::size_t j = size; j-- > 0;) {
        const double* column = a + j * stride;
        const std::size_t below = bandwidth < size - 1 - j ? bandwidth : size - 1 - j;
        double sum = b[j];
        for (std::size_t k = 1; k <= below; ++k) {
            sum -= column[k] * b[j + k];
        }
        b[j] = sum / column[0];
    }
}

}  // namespace

const AlsRowKernels* als_row_kernels() {
    static const AlsRowKernels table = {products,   exchange, subtract_modes, add_slopes,
                                        accumulate, add_cell, factor_band,    solve_band};
    return &table;
}

}  // namespace closedform::CLOSEDFORM_SET
