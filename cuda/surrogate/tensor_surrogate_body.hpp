#pragma once
// Value, gradient and Hessian of a tensor surrogate: one thread a row, tiles of `threads` rows.
//
// Per row of D inputs and M modes, Real of s bytes, tables staged in shared memory once a block:
//   reads s D, writes s (value), s D (gradient) or s D^2 (Hessian); nothing else leaves the chip
//   value     M D (8 + 1) flops
//   gradient  M D (20 + 4)
//   Hessian   M D (20 + 5) + M D (D + 1)/2 * 3
// At D = 10, M = 14, float32: 440 bytes and 5,810 flops for a Hessian, 13 flops a byte: on most
// devices the floor is memory. The sums over modes lie in shared memory, which is read and written
// 4 M D (D + 1)/2 = 3,080 times a row: 32 words a clock and multiprocessor make 96 clocks a row.

#include <cstddef>
#include <cstring>

#include "cuda/runtime/block.hpp"
#include "kernels/tensor_row.hpp"

namespace closedform::gpu {

/// The tables of a surrogate, those of all inputs one after the other. Input d has the nodes from
/// first_node[d] to first_node[d + 1] and one cell more than nodes.
template <class Real>
struct SurrogateTables {
    const Real* planes;         ///< [cells][5][stride], at a multiple of 16 bytes
    const Real* nodes;          ///< [nodes]
    const Real* center;         ///< [cells]
    const Real* inverse_width;  ///< [cells]
    const unsigned* first_node;
    unsigned inputs;
    unsigned modes;
    unsigned stride;  ///< odd: the cells of neighbouring rows lie in different memory banks
    Real offset;

    CLOSEDFORM_HOST_DEVICE std::size_t cells() const {
        return static_cast<std::size_t>(first_node[inputs]) + inputs;
    }
    CLOSEDFORM_HOST_DEVICE std::size_t plane_numbers() const { return cells() * 5 * stride; }
};

/// What kernels::tensor_sums reads, cells counted through all inputs.
template <class Real>
struct FlatFactors {
    const Real* planes;
    std::size_t plane_stride;
    CLOSEDFORM_HOST_DEVICE const Real* cell(std::size_t /*input*/, std::size_t cell) const {
        return planes + cell * 5 * plane_stride;
    }
    CLOSEDFORM_HOST_DEVICE std::size_t stride() const { return plane_stride; }
};

/// Memory for one tile of rows: t and the inverse widths of all inputs, the row functions' own
/// space, then cells; number i of row r at [i * stride + r]. A stride of one more than the threads
/// makes reads along rows and across them free of bank conflicts.
template <class Real, unsigned Threads>
struct TileSpace {
    static constexpr std::size_t stride = Threads + 1;
    Real* t;
    Real* inverse_width;
    Real* row_space;
    int* cell;

    CLOSEDFORM_HOST_DEVICE static std::size_t bytes(std::size_t inputs, std::size_t row_space) {
        // Rounded up for what follows.
        const std::size_t all =
            stride * ((2 * inputs + row_space) * sizeof(Real) + inputs * sizeof(int));
        return (all + 15) / 16 * 16;
    }
    CLOSEDFORM_HOST_DEVICE TileSpace(void* memory, std::size_t inputs, std::size_t row_numbers)
        : t(static_cast<Real*>(memory)),
          inverse_width(t + stride * inputs),
          row_space(inverse_width + stride * inputs),
          cell(reinterpret_cast<int*>(row_space + stride * row_numbers)) {}

    CLOSEDFORM_HOST_DEVICE kernels::RowPlace<Real> place(unsigned row) const {
        return {cell + row, t + row, inverse_width + row, stride};
    }
    CLOSEDFORM_HOST_DEVICE kernels::Strided<Real> space(unsigned row) const {
        return {row_space + row, stride};
    }
};

/// Sets the places of `count` rows from x on, read side by side.
template <class Block, class Real, class X, unsigned Threads>
CLOSEDFORM_HOST_DEVICE void locate_tile(Block& block, const SurrogateTables<Real>& tables,
                                        const X* x, unsigned count,
                                        const TileSpace<Real, Threads>& tile) {
    const unsigned inputs = tables.inputs;
    const unsigned items = count * inputs;
    block.run([&](unsigned thread) {
        for (unsigned item = thread; item < items; item += Threads) {
            const unsigned d = item % inputs;
            const Real value = static_cast<Real>(x[item]);
            const unsigned begin = tables.first_node[d];
            const std::size_t cell =
                begin + d +
                kernels::cell_of(tables.nodes + begin, tables.first_node[d + 1] - begin, value);
            const std::size_t at = d * tile.stride + item / inputs;
            tile.cell[at] = static_cast<int>(cell);
            tile.inverse_width[at] = tables.inverse_width[cell];
            tile.t[at] = (value - tables.center[cell]) * tables.inverse_width[cell];
        }
    });
}

/// Calls work(first row, rows) for every tile of a block, its rows located.
template <unsigned Threads, class Block, class Real, class X, class Work>
CLOSEDFORM_HOST_DEVICE void for_tiles(Block& block, const SurrogateTables<Real>& tables, const X* x,
                                      std::size_t rows, const TileSpace<Real, Threads>& tile,
                                      const Work& work) {
    for (std::size_t first = block.index() * Threads; first < rows;
         first += block.count() * Threads) {
        const unsigned count =
            rows - first < Threads ? static_cast<unsigned>(rows - first) : Threads;
        locate_tile(block, tables, x + first * tables.inputs, count, tile);
        work(first, count);
    }
}

/// The tables of a body where its blocks read them: where they lie or, if `staged`, copied to
/// shared memory, after the space if that is there.
template <class Block, class Body>
CLOSEDFORM_HOST_DEVICE auto factors_of(Block& block, const Body& body) {
    const auto& tables = body.tables;
    using Real = decltype(tables.offset);
    FlatFactors<Real> factors = {tables.planes, tables.stride};
    if (body.staged) {
        std::byte* after = block.shared() + (body.scratch == nullptr ? body.space_bytes() : 0);
        Real* to = reinterpret_cast<Real*>(after);
        const std::size_t numbers = tables.plane_numbers();
        constexpr std::size_t at_once = 16;  // bytes, the most a thread moves
        constexpr std::size_t each = at_once / sizeof(Real);
        block.run([&](unsigned thread) {
            for (std::size_t i = each * thread; i + each <= numbers; i += each * Body::threads) {
                void* there = to + i;  // nvcc takes no other pointers here
                const void* from = tables.planes + i;
                std::memcpy(__builtin_assume_aligned(there, at_once),
                            __builtin_assume_aligned(from, at_once), at_once);
            }
            for (std::size_t i = numbers / each * each + thread; i < numbers; i += Body::threads) {
                to[i] = tables.planes[i];
            }
        });
        factors.planes = to;
    }
    return factors;
}

/// u of rows.
template <class Real>
struct SurrogateValues {
    static constexpr unsigned threads = 128;
    static constexpr unsigned resident = 4;
    using Tile = TileSpace<Real, threads>;
    SurrogateTables<Real> tables;
    const Real* x;
    std::size_t rows;
    Real* value;
    std::byte* scratch;  ///< space_bytes a block, or null for shared memory
    bool staged;         ///< tables are copied to shared memory

    CLOSEDFORM_HOST_DEVICE std::size_t space_bytes() const { return Tile::bytes(tables.inputs, 0); }
    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        const Tile tile(space_of(block, *this), tables.inputs, 0);
        const auto factors = factors_of(block, *this);
        for_tiles(block, tables, x, rows, tile, [&](std::size_t first, unsigned count) {
            block.run([&](unsigned row) {
                if (row < count) {
                    value[first + row] =
                        tables.offset + kernels::tensor_value<Real>(factors, tables.inputs,
                                                                    tables.modes, tile.place(row));
                }
            });
        });
    }
};

/// Gradients and, where `hessian` is not null, Hessians of rows; values where wanted.
template <class Real>
struct SurrogateDerivatives {
    static constexpr unsigned threads = 64;
    static constexpr unsigned resident = 8;
    using Tile = TileSpace<Real, threads>;
    SurrogateTables<Real> tables;
    const Real* x;
    std::size_t rows;
    Real* value;     ///< [rows] or null
    Real* gradient;  ///< [rows x inputs] or null
    Real* hessian;   ///< [rows x inputs x inputs] or null
    bool wants_hessian;
    std::byte* scratch;
    bool staged;

    CLOSEDFORM_HOST_DEVICE std::size_t row_numbers() const {
        return kernels::tensor_row_space(tables.inputs, wants_hessian);
    }
    CLOSEDFORM_HOST_DEVICE std::size_t space_bytes() const {
        return Tile::bytes(tables.inputs, row_numbers());
    }
    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        const Tile tile(space_of(block, *this), tables.inputs, row_numbers());
        const auto factors = factors_of(block, *this);
        for_tiles(block, tables, x, rows, tile, [&](std::size_t first, unsigned count) {
            block.run([&](unsigned row) {
                if (row < count) {
                    const Real u =
                        kernels::tensor_sums<Real>(factors, tables.inputs, tables.modes,
                                                   tile.place(row), tile.space(row), wants_hessian);
                    if (value != nullptr) {
                        value[first + row] = tables.offset + u;
                    }
                }
            });
            write(block, tile, first, count);
        });
    }

  private:
    /// Neighbouring threads write neighbouring numbers, whatever rows these belong to.
    template <class Block>
    CLOSEDFORM_HOST_DEVICE void write(Block& block, const Tile& tile, std::size_t first,
                                      unsigned count) const {
        const unsigned inputs = tables.inputs;
        const std::size_t begin = kernels::tensor_sums_begin(inputs);
        block.run([&](unsigned thread) {
            if (gradient != nullptr) {
                for (unsigned item = thread; item < count * inputs; item += threads) {
                    const unsigned row = item / inputs;
                    gradient[first * inputs + item] = kernels::gradient_entry(
                        tile.space(row) + begin, tile.place(row), item % inputs);
                }
            }
            if (wants_hessian) {
                const unsigned square = inputs * inputs;
                for (unsigned item = thread; item < count * square; item += threads) {
                    const unsigned row = item / square;
                    const unsigned a = item % square / inputs;
                    const unsigned b = item % inputs;
                    hessian[first * square + item] =
                        kernels::hessian_entry(tile.space(row) + begin, tile.place(row), inputs,
                                               a < b ? a : b, a < b ? b : a);
                }
            }
        });
    }
};

}  // namespace closedform::gpu
