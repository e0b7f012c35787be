#pragma once
// Normal equations of a whole batch of expressions in one launch: of each, [J r]^T [J r] over the
// rows of a part, J the derivatives by its constants and r the residual, both times the root of the
// weight. A block takes one expression over one part, 128 rows at a time: a thread a row writes its
// row of [J r] into the block's columns, then the threads share the products of these out among
// them. Nothing but the (p + 1)(p + 2) / 2 sums of p constants leaves a block.
//
// Per expression of N nodes (M of them operators, p constants) and row of D inputs, all in float64:
//   space   8 (M + p + 1) bytes a thread, 1 KiB for the sums: 19 KiB for a block at N = 20, p = 5
//   reads   8 (D + 2), by every block from the first-level cache, for the rows of a part (2048 of
//           5 inputs: 112 KiB) are all that the blocks of a multiprocessor look at
//   does    N steps forward, those above constants again in reverse, (p + 1)(p + 2) / 2 products
// cuda/objective/equations_driver.hpp has the rate that should follow.

#include <cstddef>

#include "cuda/objective/full_data_body.hpp"
#include "cuda/runtime/block.hpp"
#include "kernels/tape_slopes.hpp"

namespace closedform::gpu {

/// Sums of an expression of so many constants: the lower triangle of [J r]^T [J r], by rows.
CLOSEDFORM_HOST_DEVICE std::size_t equation_numbers(std::size_t constants) {
    return (constants + 1) * (constants + 2) / 2;
}

/// Expressions one after the other: e has the nodes from its begin to the next one's.
struct SlopeBatch {
    struct Begin {
        unsigned node;
        unsigned constants;
        std::size_t number;  ///< of its sums among those of all
    };
    const kernels::SlopeNode* nodes;
    const Begin* begin;  ///< one more than there are expressions
    unsigned expressions;
    unsigned most_constants;  ///< of one of them
    unsigned most_operators;
};

template <class X>
struct TapeEquations {
    static constexpr unsigned threads = 128;
    static constexpr unsigned resident = 8;
    static constexpr std::size_t stride = threads + 1;
    SlopeBatch batch;
    TapeRows<X> rows;
    double* sums;  ///< [parts][numbers of all expressions]
    std::byte* scratch;
    bool staged;

    CLOSEDFORM_HOST_DEVICE std::size_t shares() const {
        const std::size_t most = equation_numbers(batch.most_constants);
        return most > threads ? most : threads;
    }
    CLOSEDFORM_HOST_DEVICE std::size_t space_bytes() const {
        return (shares() + (batch.most_constants + 1 + batch.most_operators) * stride) *
               sizeof(double);
    }

    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        double* share = reinterpret_cast<double*>(space_of(block, *this));
        double* columns = share + shares();
        for (std::size_t item = block.index(); item < rows.parts() * batch.expressions;
             item += block.count()) {
            const SlopeBatch::Begin begin = batch.begin[item % batch.expressions];
            const unsigned nodes = batch.begin[item % batch.expressions + 1].node - begin.node;
            const std::size_t part = item / batch.expressions;
            const std::size_t numbers = equation_numbers(begin.constants);
            unsigned slices = 1;  // of a tile's rows: as many as there are threads for
            while (2 * slices * numbers <= threads) {
                slices *= 2;
            }
            block.run([&](unsigned thread) {
                for (std::size_t i = thread; i < slices * numbers; i += threads) {
                    share[i] = 0;
                }
            });
            const std::size_t first = part * rows.part_rows;
            const std::size_t end =
                first + rows.part_rows < rows.rows ? first + rows.part_rows : rows.rows;
            for (std::size_t tile = first; tile < end; tile += threads) {
                block.run([&](unsigned thread) {
                    put_row(begin, nodes, tile + thread, end, columns + thread);
                });
                block.run([&](unsigned thread) {
                    for (std::size_t i = thread; i < slices * numbers; i += threads) {
                        share[i] +=
                            product(columns, i / slices, static_cast<unsigned>(i) % slices, slices);
                    }
                });
            }
            block.run([&](unsigned thread) {
                for (std::size_t i = thread; i < numbers; i += threads) {
                    double sum = 0;
                    for (unsigned s = 0; s < slices; ++s) {
                        sum += share[i * slices + s];
                    }
                    sums[part * batch.begin[batch.expressions].number + begin.number + i] = sum;
                }
            });
        }
    }

  private:
    /// Row i of [J r], zeros beyond the end; behind it the values of operators.
    CLOSEDFORM_HOST_DEVICE void put_row(const SlopeBatch::Begin& begin, unsigned nodes,
                                        std::size_t i, std::size_t end, double* columns) const {
        const kernels::Strided<double> slopes{columns, stride};
        const std::size_t constants = begin.constants;
        if (i >= end) {
            for (std::size_t k = 0; k <= constants; ++k) {
                slopes[k] = 0.0;
            }
            return;
        }
        const kernels::SlopeNode* tape = batch.nodes + begin.node;
        const kernels::Strided<double> values = slopes + (constants + 1);
        const double f = kernels::slopes_forward<double>(tape, nodes, rows.row(i), values);
        kernels::slopes_reverse<double>(tape, nodes, rows.row(i), values, slopes);
        const double scale = rows.weights[i];
        for (std::size_t k = 0; k < constants; ++k) {
            slopes[k] = scale * slopes[k];
        }
        slopes[constants] = scale * (f - rows.targets[i]);
    }

    /// The tile's part of number n, of every `slices`-th row.
    CLOSEDFORM_HOST_DEVICE static double product(const double* columns, std::size_t n,
                                                 unsigned first, unsigned slices) {
        std::size_t i = 0;
        while (equation_numbers(i) <= n) {
            ++i;
        }
        const double* left = columns + i * stride;
        const double* right = columns + (n - i * (i + 1) / 2) * stride;
        double sum = 0;
        for (unsigned r = first; r < threads; r += slices) {
            sum += left[r] * right[r];
        }
        return sum;
    }
};

}  // namespace closedform::gpu
