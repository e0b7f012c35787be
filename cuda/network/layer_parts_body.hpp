#pragma once
// Layers whose product is made by a library (runtime/matrix_library.hpp), or is too thin for tiles:
// what is left of them, each number read and written once. The floor of all is the device's memory.

#include <cstddef>

#include "cuda/runtime/block.hpp"
#include "kernels/activations.hpp"

namespace closedform::gpu {

/// Layers whose products are thin: of few inputs forwards, of one output backwards. Tiles and the
/// library's products would leave most of a tile empty there, and read and write the sums once
/// more. A thread has one output's weights in registers and takes rows to it; floor: the 2 s O
/// bytes a row that are written.
template <class Real, class X>
struct ThinForward {
    static constexpr unsigned threads = 256;
    static constexpr unsigned resident = 4;
    static constexpr unsigned most_inputs = 16;
    static constexpr unsigned tile_rows = 128;
    static constexpr std::size_t shared_bytes = tile_rows * most_inputs * sizeof(Real);
    const X* h;
    std::size_t rows;
    const Real* weights;
    const Real* bias;
    unsigned inputs;
    unsigned outputs;
    Activation activation;
    Real parameter;
    Real* out;
    Real* slope;

    /// Outputs side by side in a block; where they are fewer than its threads, these share rows.
    CLOSEDFORM_HOST_DEVICE unsigned across() const {
        unsigned width = 1;
        while (width < threads && width < outputs) {
            width *= 2;
        }
        return width;
    }
    CLOSEDFORM_HOST_DEVICE unsigned groups() const { return (outputs + across() - 1) / across(); }
    CLOSEDFORM_HOST_DEVICE std::size_t blocks() const {
        return (rows + tile_rows - 1) / tile_rows * groups();
    }

    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        Real* x = reinterpret_cast<Real*>(block.shared());
        for (std::size_t at = block.index(); at < blocks(); at += block.count()) {
            const std::size_t first = at / groups() * tile_rows;
            const unsigned here =
                rows - first < tile_rows ? static_cast<unsigned>(rows - first) : tile_rows;
            block.run([&](unsigned thread) {
                for (unsigned i = thread; i < here * inputs; i += threads) {
                    x[i] = static_cast<Real>(h[first * inputs + i]);
                }
            });
            block.run([&](unsigned thread) {
                const unsigned column =
                    static_cast<unsigned>(at % groups()) * across() + thread % across();
                if (column < outputs) {
                    take_rows(x, first, here, column, thread / across());
                }
            });
        }
    }

  private:
    CLOSEDFORM_HOST_DEVICE void take_rows(const Real* x, std::size_t first, unsigned here,
                                          unsigned column, unsigned begin) const {
        Real weight[most_inputs];
        CLOSEDFORM_UNROLL
        for (unsigned k = 0; k < most_inputs; ++k) {
            weight[k] =
                k < inputs ? weights[static_cast<std::size_t>(column) * inputs + k] : Real(0);
        }
        for (unsigned row = begin; row < here; row += threads / across()) {
            Real sum = 0;
            CLOSEDFORM_UNROLL
            for (unsigned k = 0; k < most_inputs; ++k) {
                if (k < inputs) {
                    sum += x[row * inputs + k] * weight[k];
                }
            }
            const kernels::Response<Real> response =
                kernels::respond_to(activation, sum + bias[column], parameter);
            const std::size_t to = (first + row) * outputs + column;
            out[to] = response.value;
            if (slope != nullptr) {
                slope[to] = response.slope;
            }
        }
    }
};

/// Numbers one after the other, `batch` of a thread at a time: so many reads are under way at once.
/// load(i) gives what store(i, loaded) needs.
template <class Real>
struct Numbers {
    static constexpr unsigned threads = 256;
    static constexpr unsigned resident = 4;
    static constexpr unsigned batch = 4;

    CLOSEDFORM_HOST_DEVICE static std::size_t blocks(std::size_t count) {
        return (count + threads * batch - 1) / (threads * batch);
    }
    template <class Block, class Load, class Store>
    CLOSEDFORM_HOST_DEVICE static void each(Block& block, std::size_t count, const Load& load,
                                            const Store& store) {
        constexpr std::size_t step = threads * batch;
        block.run([&](unsigned thread) {
            for (std::size_t first = block.index() * step + thread; first < count;
                 first += block.count() * step) {
                Real loaded[batch];
                CLOSEDFORM_UNROLL
                for (unsigned i = 0; i < batch; ++i) {
                    const std::size_t at = first + i * threads;
                    loaded[i] = at < count ? load(at) : Real(0);
                }
                CLOSEDFORM_UNROLL
                for (unsigned i = 0; i < batch; ++i) {
                    const std::size_t at = first + i * threads;
                    if (at < count) {
                        store(at, loaded[i]);
                    }
                }
            }
        });
    }
};

/// After a library's product: out = activation(out + bias) and the slopes. Reads s O bytes a row
/// and writes them, and again as many with slopes.
template <class Real>
struct Respond {
    static constexpr unsigned threads = Numbers<Real>::threads;
    static constexpr unsigned resident = Numbers<Real>::resident;
    Real* out;  ///< [rows x outputs]
    std::size_t rows;
    const Real* bias;
    unsigned outputs;
    Activation activation;
    Real parameter;
    Real* slope;  ///< the same, or null

    CLOSEDFORM_HOST_DEVICE std::size_t blocks() const {
        return Numbers<Real>::blocks(rows * outputs);
    }
    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        Numbers<Real>::each(
            block, rows * outputs,
            // A chunk has fewer than 2^32 numbers; dividing 64 bits is slow on a GPU.
            [this](std::size_t at) { return out[at] + bias[static_cast<unsigned>(at) % outputs]; },
            [this](std::size_t at, Real z) {
                const kernels::Response<Real> response =
                    kernels::respond_to(activation, z, parameter);
                out[at] = response.value;
                if (slope != nullptr) {
                    slope[at] = response.slope;
                }
            });
    }
};

/// After a library's product: out *= slope. Reads 2 s I bytes a row, writes s I.
template <class Real>
struct Scale {
    static constexpr unsigned threads = Numbers<Real>::threads;
    static constexpr unsigned resident = Numbers<Real>::resident;
    Real* out;
    const Real* slope;
    std::size_t count;

    CLOSEDFORM_HOST_DEVICE std::size_t blocks() const { return Numbers<Real>::blocks(count); }
    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        Numbers<Real>::each(
            block, count, [this](std::size_t at) { return out[at] * slope[at]; },
            [this](std::size_t at, Real product) { out[at] = product; });
    }
};

/// LayerBackward of a layer of one output: out[row][i] = delta[row] weight[i] slope[row][i]. Reads
/// and writes s I bytes a row.
template <class Real>
struct ThinBackward {
    static constexpr unsigned threads = Numbers<Real>::threads;
    static constexpr unsigned resident = Numbers<Real>::resident;
    const Real* delta;  ///< [rows]
    std::size_t rows;
    const Real* weights;  ///< [inputs]
    unsigned inputs;
    const Real* slope;  ///< [rows x inputs], or null for ones
    Real* out;          ///< [rows x inputs]

    CLOSEDFORM_HOST_DEVICE std::size_t blocks() const {
        return Numbers<Real>::blocks(rows * inputs);
    }
    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        Numbers<Real>::each(
            block, rows * inputs,
            [this](std::size_t at) {
                const unsigned row = static_cast<unsigned>(at) / inputs;
                const unsigned column = static_cast<unsigned>(at) - row * inputs;
                return delta[row] * weights[column] * (slope == nullptr ? Real(1) : slope[at]);
            },
            [this](std::size_t at, Real product) { out[at] = product; });
    }
};

}  // namespace closedform::gpu
