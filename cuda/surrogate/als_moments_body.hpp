#pragma once
// The sums over rows behind one update of alternating least squares: moments, cell by cell
// (als.hpp). In a tile each thread first takes a row to its products of factors, then a pair of
// modes through the rows, cell after cell, its nine sums in registers. A block adds to sums of its
// own in the device's memory, which the second-level cache holds.
//
// Inputs are read as they are given, float32 or float64; products and sums are float64 always. An
// error of a squared number is found as the difference of sums here, so that sums good to 1e-7
// would call a fit of 1e-4 perfect; and a system of normal equations loses twice the digits that
// the fit itself would (Golub and Van Loan, Matrix Computations, 5.3), where the smoothing that
// bounds its condition is a share of 1e-8.
//
// Per row of D inputs of s bytes and M modes, P = M (M + 1)/2, in float64:
//   reads s D + 24 bytes from the device's memory
//   M (D - 1) 9 flops for the products, 19 P + 10 M for the sums
//   per tile of 128 rows and cell with rows: 16 (9 P + 5 M) bytes of sums read and written
// At D = 10, s = 8, M = 14, 12 cells: 104 bytes, 3,300 flops, 1.5 KB of cached sums. The floor is
// the arithmetic where float64 is fast, and by far where it is not.

#include <cstddef>

#include "cuda/surrogate/tensor_surrogate_body.hpp"
#include "kernels/moments.hpp"

namespace closedform::gpu {

/// X: type of the inputs.
template <class X>
struct MomentSums {
    static constexpr unsigned threads = 128;
    static constexpr unsigned resident = 4;
    static constexpr unsigned others_of_row = 3;
    using Tile = TileSpace<double, threads>;
    SurrogateTables<double> tables;
    const X* rows;         ///< [count][inputs]
    const double* others;  ///< [count][3]: y, weight, factor of all products
    std::size_t count;
    unsigned input;         ///< the one updated
    unsigned cells;         ///< of it
    unsigned first_cell;    ///< among those of all inputs
    const unsigned* place;  ///< of every mode among those that are free, or `frozen`
    unsigned free;          ///< how many are
    double* sums;           ///< added to: [blocks][block_sums()]
    std::byte* scratch;
    bool staged;

    static constexpr unsigned frozen = ~0U;

    CLOSEDFORM_HOST_DEVICE unsigned pairs() const { return free * (free + 1) / 2; }
    /// Of a cell: nine of each pair, m (m + 1)/2 + n for n <= m, then five of each mode.
    CLOSEDFORM_HOST_DEVICE std::size_t cell_sums() const {
        return static_cast<std::size_t>(pairs()) * moment_count + free * shape_count;
    }
    CLOSEDFORM_HOST_DEVICE std::size_t block_sums() const { return cells * cell_sums() + 1; }
    /// Of a row: the products of the free modes, the powers w t^k, the residual.
    CLOSEDFORM_HOST_DEVICE std::size_t row_numbers() const { return free + moment_count + 1; }
    CLOSEDFORM_HOST_DEVICE std::size_t tile_bytes() const {
        return Tile::bytes(tables.inputs, row_numbers());
    }
    CLOSEDFORM_HOST_DEVICE std::size_t space_bytes() const {  // and rows sorted by cell
        return tile_bytes() + (sizeof(unsigned) * (threads + cells + 1) + 15) / 16 * 16;
    }

    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        std::byte* memory = space_of(block, *this);
        const Tile tile(memory, tables.inputs, row_numbers());
        unsigned* sorted = reinterpret_cast<unsigned*>(memory + tile_bytes());
        unsigned* cell_begin = sorted + threads;
        const auto factors = factors_of(block, *this);
        double* own = sums + block.index() * block_sums();
        for_tiles(block, tables, rows, count, tile, [&](std::size_t first, unsigned here) {
            block.run([&](unsigned row) {
                if (row < here) {
                    take_row(others + (first + row) * others_of_row, tile, row, factors);
                }
            });
            sort_rows(block, tile, here, sorted, cell_begin);
            block.run([&](unsigned thread) {
                for (unsigned item = thread; item < pairs() + free + 1; item += threads) {
                    add_item(tile, item, here, sorted, cell_begin, own);
                }
            });
        });
    }

  private:
    CLOSEDFORM_HOST_DEVICE void take_row(const double* target, const Tile& tile, unsigned row,
                                         const FlatFactors<double>& factors) const {
        const kernels::RowPlace<double> at = tile.place(row);
        const kernels::Strided<double> space = tile.space(row);
        const double t = at.t[input * at.stride];
        double residual = target[0] - tables.offset;
        for (unsigned m = 0; m < tables.modes; ++m) {
            const double product =
                kernels::product_without(target[2], factors, tables.inputs, input, m, at);
            if (place[m] == frozen) {
                const auto cell = static_cast<std::size_t>(at.cell[input * at.stride]);
                residual -= product * kernels::factor_value<double>(factors.cell(input, cell) + m,
                                                                    factors.stride(), t);
            } else {
                space[place[m]] = product;
            }
        }
        double power = target[1];
        for (unsigned k = 0; k < moment_count; ++k) {
            space[free + k] = power;
            power *= t;
        }
        space[free + moment_count] = residual;
    }

    /// Rows of cell c at sorted[cell_begin[c]] to sorted[cell_begin[c + 1]], in order: each counts
    /// those before it.
    template <class Block>
    CLOSEDFORM_HOST_DEVICE void sort_rows(Block& block, const Tile& tile, unsigned here,
                                          unsigned* sorted, unsigned* cell_begin) const {
        const int* cell_of_row = tile.cell + input * tile.stride;
        const auto before = [&](int cell, unsigned of) {  // of those in the same cell, below `of`
            unsigned found = 0;
            for (unsigned row = 0; row < here; ++row) {
                const int other = cell_of_row[row];
                found += other < cell || (other == cell && row < of) ? 1U : 0U;
            }
            return found;
        };
        block.run([&](unsigned thread) {
            if (thread < here) {
                sorted[before(cell_of_row[thread], thread)] = thread;
            }
            for (unsigned c = thread; c <= cells; c += threads) {
                cell_begin[c] = before(static_cast<int>(first_cell + c), 0);
            }
        });
    }

    CLOSEDFORM_HOST_DEVICE void add_item(const Tile& tile, unsigned item, unsigned here,
                                         const unsigned* sorted, const unsigned* cell_begin,
                                         double* own) const {
        if (item == pairs() + free) {
            double square = 0;
            for (unsigned row = 0; row < here; ++row) {
                const kernels::Strided<double> space = tile.space(row);
                const double residual = space[free + moment_count];
                square += space[free] * residual * residual;
            }
            own[cells * cell_sums()] += square;
            return;
        }
        const bool pair = item < pairs();
        unsigned m = pair ? 0 : item - pairs();
        while (pair && (m + 1) * (m + 2) / 2 <= item) {
            ++m;
        }
        // The partner of a mode on the right-hand side is the residual.
        const std::size_t partner = pair ? item - m * (m + 1) / 2 : free + moment_count;
        const unsigned powers = pair ? moment_count : shape_count;
        const std::size_t offset =
            pair ? static_cast<std::size_t>(item) * moment_count
                 : static_cast<std::size_t>(pairs()) * moment_count + m * shape_count;
        for (unsigned c = 0; c < cells; ++c) {
            if (cell_begin[c] == cell_begin[c + 1]) {
                continue;
            }
            double sum[moment_count] = {};
            for (unsigned i = cell_begin[c]; i < cell_begin[c + 1]; ++i) {
                const kernels::Strided<double> space = tile.space(sorted[i]);
                const double product = space[m] * space[partner];
                CLOSEDFORM_UNROLL
                for (unsigned k = 0; k < moment_count; ++k) {
                    sum[k] += product * space[free + k];
                }
            }
            double* to = own + c * cell_sums() + offset;
            CLOSEDFORM_UNROLL
            for (unsigned k = 0; k < moment_count; ++k) {
                if (k < powers) {
                    to[k] += sum[k];
                }
            }
        }
    }
};

}  // namespace closedform::gpu
