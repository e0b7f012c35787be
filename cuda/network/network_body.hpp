#pragma once
// Dense layers by tiles of our own, for where no library makes the products (layer_parts_body.hpp),
// activations in the same pass, and the head's
// derivative. A block makes one tile of the output; each of its 256 threads holds 2 x 2 squares of
// W x W numbers of it in registers, W numbers being 16 bytes, and adds, per step along the inner
// dimension, the outer product of two columns of 2 W numbers from shared memory: per step 4 W^2
// multiply-adds for 4 reads of 16 bytes.
//
// Per layer of I inputs and O outputs, rows n, Real of s bytes, tiles of B x B (B = 32 W):
//   2 n I O flops; reads s n I ceil(O / B) + s I O ceil(n / B), writes s n O, twice with slopes.
//   The sums are read and written once more on the way to the activation, in the second-level
//   cache.
// At I = O = 1000 in float32 (B = 128): 2 Mflop and 63 KB a row (4 I of them and 8 O from and to
// the device's memory, the rest in the cache); the floor is the arithmetic.

#include <cstddef>

#include "cuda/runtime/block.hpp"
#include "kernels/activations.hpp"
#include "kernels/log_odds.hpp"

namespace closedform::gpu {

template <class Real>
struct Tiles {
    static constexpr unsigned threads = 256;
    static constexpr unsigned vector = 16 / sizeof(Real);
    static constexpr unsigned side = 16 * vector;  ///< of the squares' grid: 16 x 16 threads
    static constexpr unsigned tile = 2 * side;
    static constexpr unsigned own = 2 * vector;  ///< rows, and columns, of a thread
    static constexpr unsigned depth = 16;
    static constexpr unsigned stride = tile + vector;  ///< keeps vectors aligned
    static constexpr std::size_t shared_bytes = 2 * depth * stride * sizeof(Real);

    struct Sums {
        Real at[own][own];
    };
    struct alignas(16) Vector {
        Real at[vector];
    };

    /// Row or column of the tile that is number i of those of thread coordinate c.
    CLOSEDFORM_HOST_DEVICE static unsigned position(unsigned c, unsigned i) {
        return i / vector * side + c * vector + i % vector;
    }
    CLOSEDFORM_HOST_DEVICE static void load(const Real* from, unsigned c, Real* to) {
        CLOSEDFORM_UNROLL
        for (unsigned half = 0; half < 2; ++half) {
            const Vector v = *reinterpret_cast<const Vector*>(from + half * side + c * vector);
            CLOSEDFORM_UNROLL
            for (unsigned i = 0; i < vector; ++i) {
                to[half * vector + i] = v.at[i];
            }
        }
    }

    /// For every tile of a [rows x columns] product: sums over `inner` of a(row, k) b(column, k),
    /// written to out, then finish(row, column) for each of them, so that an activation does not
    /// compete with the sums for registers. Neighbours along k are neighbours in
    /// memory for a, and for b if b_inner_first: so are the threads that read them.
    template <bool b_inner_first, class Block, class A, class B, class Finish>
    CLOSEDFORM_HOST_DEVICE static void product(Block& block, std::size_t rows, unsigned columns,
                                               unsigned inner, const A& a, const B& b, Real* out,
                                               const Finish& finish) {
        Real* a_tile = reinterpret_cast<Real*>(block.shared());
        Real* b_tile = a_tile + depth * stride;
        typename Block::template PerThread<Sums> sums(block);
        const unsigned across = (columns + tile - 1) / tile;
        const std::size_t tiles = (rows + tile - 1) / tile * across;
        for (std::size_t at = block.index(); at < tiles; at += block.count()) {
            // Blocks that run together share rows of a.
            const std::size_t first_row = at / across * tile;
            const unsigned first_column = static_cast<unsigned>(at % across) * tile;
            block.run([&](unsigned thread) { sums[thread] = Sums{}; });
            for (unsigned first = 0; first < inner; first += depth) {
                block.run([&](unsigned thread) {
                    for (unsigned i = thread; i < depth * tile; i += threads) {
                        const unsigned k = i % depth;
                        const std::size_t row = first_row + i / depth;
                        a_tile[k * stride + i / depth] =
                            first + k < inner && row < rows ? a(row, first + k) : Real(0);
                        const unsigned bk = b_inner_first ? k : i / tile;
                        const unsigned c = b_inner_first ? i / depth : i % tile;
                        b_tile[bk * stride + c] = first + bk < inner && first_column + c < columns
                                                      ? b(first_column + c, first + bk)
                                                      : Real(0);
                    }
                });
                block.run([&](unsigned thread) {
                    Sums& sum = sums[thread];
                    for (unsigned k = 0; k < depth; ++k) {
                        Real left[own];
                        Real right[own];
                        load(a_tile + k * stride, thread / 16, left);
                        load(b_tile + k * stride, thread % 16, right);
                        CLOSEDFORM_UNROLL
                        for (unsigned i = 0; i < own; ++i) {
                            CLOSEDFORM_UNROLL
                            for (unsigned j = 0; j < own; ++j) {
                                sum.at[i][j] += left[i] * right[j];
                            }
                        }
                    }
                });
            }
            block.run([&](unsigned thread) {
                const Sums& sum = sums[thread];
                CLOSEDFORM_UNROLL
                for (unsigned i = 0; i < own; ++i) {
                    const std::size_t row = first_row + position(thread / 16, i);
                    CLOSEDFORM_UNROLL
                    for (unsigned j = 0; j < own; ++j) {
                        const unsigned column = first_column + position(thread % 16, j);
                        if (row < rows && column < columns) {
                            out[row * columns + column] = sum.at[i][j];
                        }
                    }
                }
            });
            block.run([&](unsigned thread) {
                for (unsigned i = thread; i < tile * tile; i += threads) {
                    const std::size_t row = first_row + i / tile;
                    const unsigned column = first_column + i % tile;
                    if (row < rows && column < columns) {
                        finish(row, column);
                    }
                }
            });
        }
    }

    CLOSEDFORM_HOST_DEVICE static std::size_t count(std::size_t rows, unsigned columns) {
        return (rows + tile - 1) / tile * ((columns + tile - 1) / tile);
    }
};

/// out = activation(h W^T + bias), and the activation's slopes. X: the type of h, which for the
/// first layer is that of the rows.
template <class Real, class X>
struct LayerForward {
    static constexpr unsigned threads = Tiles<Real>::threads;
    static constexpr unsigned resident = 2;
    const X* h;  ///< [rows x inputs]
    std::size_t rows;
    const Real* weights;  ///< [outputs x inputs]
    const Real* bias;
    unsigned inputs;
    unsigned outputs;
    Activation activation;
    Real parameter;
    Real* out;    ///< [rows x outputs]
    Real* slope;  ///< the same, or null

    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        Tiles<Real>::template product<true>(
            block, rows, outputs, inputs,
            [this](std::size_t row, unsigned k) { return static_cast<Real>(h[row * inputs + k]); },
            [this](unsigned column, unsigned k) {
                return weights[static_cast<std::size_t>(column) * inputs + k];
            },
            out,
            [this](std::size_t row, unsigned column) {
                const std::size_t at = row * outputs + column;
                const kernels::Response<Real> response =
                    kernels::respond_to(activation, out[at] + bias[column], parameter);
                out[at] = response.value;
                if (slope != nullptr) {
                    slope[at] = response.slope;
                }
            });
    }
};

/// out = (delta W) * slope: from the derivatives by a layer's sums to those by the sums before it.
template <class Real>
struct LayerBackward {
    static constexpr unsigned threads = Tiles<Real>::threads;
    static constexpr unsigned resident = 2;
    const Real* delta;  ///< [rows x outputs]
    std::size_t rows;
    const Real* weights;  ///< [outputs x inputs]
    unsigned inputs;
    unsigned outputs;
    const Real* slope;  ///< [rows x inputs], or null for ones
    Real* out;          ///< [rows x inputs]

    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        Tiles<Real>::template product<false>(
            block, rows, inputs, outputs,
            [this](std::size_t row, unsigned k) { return delta[row * outputs + k]; },
            [this](unsigned column, unsigned k) {
                return weights[static_cast<std::size_t>(k) * inputs + column];
            },
            out,
            [this](std::size_t row, unsigned column) {
                const std::size_t at = row * inputs + column;
                if (slope != nullptr) {
                    out[at] *= slope[at];
                }
            });
    }
};

/// Log-odds of a class from a row's logits, and in their place its derivatives by them. Reads and
/// writes s C numbers a row of C classes.
template <class Real>
struct LogOdds {
    static constexpr unsigned threads = 128;
    static constexpr unsigned resident = 4;
    Real* logits;  ///< [rows x classes]
    std::size_t rows;
    unsigned classes;
    unsigned index;
    Real* value;

    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        block.run([&](unsigned thread) {
            for (std::size_t row = block.index() * threads + thread; row < rows;
                 row += block.count() * threads) {
                value[row] =
                    static_cast<Real>(kernels::log_odds(index, classes, logits + row * classes));
            }
        });
    }
};

}  // namespace closedform::gpu
