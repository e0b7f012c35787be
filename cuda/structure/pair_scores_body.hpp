#pragma once
// The separability reduction: one pass over the rows, nothing kept of them. In a tile of rows each
// thread first takes a row through the surrogate, then a pair of inputs through the rows.
//
// Per row of D inputs, M modes and P = D (D - 1)/2 pairs, Real of s bytes:
//   reads s D from the device's memory; that is all, but 2 P + 1 counters in the second-level cache
//   the Hessian's M D (25 + 3 (D + 1)/2) flops, then about 13 a pair
// At D = 10, M = 14: 40 bytes (float32), 6,400 flops, 91 counters. The floor is the arithmetic, or
// the counters: a device that adds to some 10^10 of them a second needs 9 ns for a row's.

#include <cstddef>

#include "cuda/surrogate/tensor_surrogate_body.hpp"
#include "kernels/pair_row.hpp"

namespace closedform::gpu {

/// What is summed: for each pair (i, j), i < j, at j (j - 1)/2 + i, its curvature^2,
/// product_residual^2 and product_residual * curvature; then for each input its slope^2; then u and
/// u^2. Three places each.
template <class Real>
struct PairReduction {
    static constexpr unsigned threads = 64;
    static constexpr unsigned resident = 8;
    static constexpr unsigned sums_per_item = 3;
    using Tile = TileSpace<Real, threads>;
    SurrogateTables<Real> tables;
    const Real* x;
    std::size_t rows;
    const Real* range;  ///< of every input: derivatives are by inputs scaled to [0, 1]
    Real centre;        ///< subtracted from u
    double* sums;       ///< added to: [blocks][groups][items][3]
    unsigned* counts;   ///< added to: [1 + 2 pairs][log_bins] of |u|, then curvature and
                        ///< product_residual in turn
    std::byte* scratch;
    bool staged;

    CLOSEDFORM_HOST_DEVICE unsigned pairs() const {
        return tables.inputs * (tables.inputs - 1) / 2;
    }
    CLOSEDFORM_HOST_DEVICE unsigned items() const { return pairs() + tables.inputs + 1; }
    /// Threads that share an item, each some of the rows.
    CLOSEDFORM_HOST_DEVICE unsigned groups() const {
        return items() < threads ? threads / items() : 1;
    }
    CLOSEDFORM_HOST_DEVICE std::size_t block_sums() const {
        return static_cast<std::size_t>(groups()) * items() * sums_per_item;
    }
    CLOSEDFORM_HOST_DEVICE std::size_t row_numbers() const {  // u comes last
        return kernels::tensor_row_space(tables.inputs, true) + 1;
    }
    CLOSEDFORM_HOST_DEVICE std::size_t tile_bytes() const {
        return Tile::bytes(tables.inputs, row_numbers());
    }
    CLOSEDFORM_HOST_DEVICE std::size_t space_bytes() const {
        return tile_bytes() + (block_sums() * sizeof(Real) + 15) / 16 * 16;
    }

    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        std::byte* memory = space_of(block, *this);
        const Tile tile(memory, tables.inputs, row_numbers());
        Real* held = reinterpret_cast<Real*>(memory + tile_bytes());
        const auto own_sums = static_cast<unsigned>(block_sums());
        const auto factors = factors_of(block, *this);
        block.run([&](unsigned thread) {
            for (unsigned i = thread; i < own_sums; i += threads) {
                held[i] = Real(0);
            }
        });
        for_tiles(block, tables, x, rows, tile, [&](std::size_t /*first*/, unsigned count) {
            block.run([&](unsigned row) {
                if (row < count) {
                    const kernels::Strided<Real> space = tile.space(row);
                    const Real u = kernels::tensor_sums<Real>(factors, tables.inputs, tables.modes,
                                                              tile.place(row), space, true);
                    space[row_numbers() - 1] = tables.offset + u - centre;
                }
            });
            block.run([&](unsigned thread) {
                for (unsigned work = thread; work < items() * groups(); work += threads) {
                    add_item(block, tile, work % items(), work / items(), count,
                             held + work * sums_per_item);
                }
            });
        });
        block.run([&](unsigned thread) {
            double* to = sums + block.index() * own_sums;
            for (unsigned i = thread; i < own_sums; i += threads) {
                to[i] += static_cast<double>(held[i]);
            }
        });
    }

  private:
    CLOSEDFORM_HOST_DEVICE Real slope(const Tile& tile, unsigned row, unsigned i) const {
        return kernels::gradient_entry(tile.space(row) + kernels::tensor_sums_begin(tables.inputs),
                                       tile.place(row), i) *
               range[i];
    }
    template <class Block>
    CLOSEDFORM_HOST_DEVICE void count(Block& block, std::size_t histogram, Real value) const {
        if (value == value) {
            block.increment(counts + histogram * kernels::log_bins +
                            kernels::log_bin(static_cast<double>(value)));
        }
    }

    template <class Block>
    CLOSEDFORM_HOST_DEVICE void add_item(Block& block, const Tile& tile, unsigned item,
                                         unsigned group, unsigned count_of_rows, Real* to) const {
        const std::size_t u_at = row_numbers() - 1;
        Real sum[sums_per_item] = {to[0], to[1], to[2]};
        if (item < pairs()) {
            unsigned j = 1;
            while (j * (j + 1) / 2 <= item) {
                ++j;
            }
            const unsigned i = item - j * (j - 1) / 2;
            for (unsigned row = group; row < count_of_rows; row += groups()) {
                const Real curvature =
                    kernels::hessian_entry(
                        tile.space(row) + kernels::tensor_sums_begin(tables.inputs),
                        tile.place(row), tables.inputs, i, j) *
                    range[i] * range[j];
                const Real product_residual = kernels::product_residual(
                    tile.space(row)[u_at], slope(tile, row, i), slope(tile, row, j), curvature);
                sum[0] += curvature * curvature;
                sum[1] += product_residual * product_residual;
                sum[2] += product_residual * curvature;
                count(block, 1 + 2 * static_cast<std::size_t>(item), curvature);
                count(block, 2 + 2 * static_cast<std::size_t>(item), product_residual);
            }
        } else if (item < pairs() + tables.inputs) {
            for (unsigned row = group; row < count_of_rows; row += groups()) {
                const Real s = slope(tile, row, item - pairs());
                sum[0] += s * s;
            }
        } else {
            for (unsigned row = group; row < count_of_rows; row += groups()) {
                const Real u = tile.space(row)[u_at];
                sum[0] += u;
                sum[1] += u * u;
                count(block, 0, u);
            }
        }
        for (unsigned k = 0; k < sums_per_item; ++k) {
            to[k] = sum[k];
        }
    }
};

}  // namespace closedform::gpu
