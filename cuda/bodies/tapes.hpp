#pragma once
// Objectives of a whole batch of expressions in one launch. The rows are cut into parts; a block
// takes one expression over one part, a thread a row, so that no two threads of a block ever differ
// in the operator they are at. Nothing but two sums leaves a block.
//
// Per expression of N nodes and row of D inputs, Real of s bytes:
//   values      reads s (D + 2), from the second-level cache where many blocks share a part
//               some 8 N instructions and N operators (+ 1, exp about 30, sin about 40 flops)
//   directions  reads s (2 D + 1), about three times the operators (value, slopes, products)
// The operators decide: at N = 15 some 300 operations for 20 bytes.

#include <cstddef>

#include "block.hpp"
#include "closedform/kernels/direction.hpp"
#include "closedform/kernels/tape_row.hpp"
#include "closedform/kernels/tensor_row.hpp"

namespace closedform::gpu {

/// Expressions one after the other: e has the nodes from begin[e] to begin[e + 1].
struct TapeBatch {
    const Node* nodes;
    const unsigned* begin;
    unsigned expressions;
};

/// A chunk of rows, number j of row i at column_step * j + row_step * i.
template <class Real>
struct TapeRows {
    const Real* x;
    std::size_t row_step;
    std::size_t column_step;
    std::size_t rows;
    unsigned columns;
    unsigned part_rows;

    CLOSEDFORM_HOST_DEVICE std::size_t parts() const { return (rows + part_rows - 1) / part_rows; }
    CLOSEDFORM_HOST_DEVICE kernels::Strided<const Real> row(std::size_t i) const {
        return {x + row_step * i, column_step};
    }
};

/// Runs row_sums(tape, nodes, row, space of the thread, both sums) over all rows of a part, and
/// writes the part's two sums of each expression, [expressions][parts][2]. The threads' sums come
/// first in the space, after them `numbers` a row.
template <class Real, unsigned Threads>
struct TapeBlocks {
    static constexpr std::size_t stride = Threads + 1;
    CLOSEDFORM_HOST_DEVICE static std::size_t bytes(std::size_t numbers) {
        return (2 + numbers) * stride * sizeof(Real);
    }

    template <class Block, class RowSums>
    CLOSEDFORM_HOST_DEVICE static void run(Block& block, const TapeBatch& batch,
                                           const TapeRows<Real>& rows, std::byte* memory,
                                           Real* sums, const RowSums& row_sums) {
        Real* columns = reinterpret_cast<Real*>(memory);
        const std::size_t parts = rows.parts();
        // Blocks that run together read the same rows.
        for (std::size_t item = block.index(); item < parts * batch.expressions;
             item += block.count()) {
            const std::size_t expression = item % batch.expressions;
            const std::size_t part = item / batch.expressions;
            const unsigned begin = batch.begin[expression];
            const unsigned nodes = batch.begin[expression + 1] - begin;
            block.run([&](unsigned thread) {
                Real sum[2] = {Real(0), Real(0)};
                const kernels::Strided<Real> space{columns + 2 * stride + thread, stride};
                const std::size_t first = part * rows.part_rows;
                const std::size_t end =
                    first + rows.part_rows < rows.rows ? first + rows.part_rows : rows.rows;
                for (std::size_t i = first + thread; i < end; i += Threads) {
                    row_sums(batch.nodes + begin, nodes, i, space, sum);
                }
                columns[thread] = sum[0];
                columns[stride + thread] = sum[1];
            });
            sum_columns<Threads>(block, columns, 2, stride);
            block.run([&](unsigned thread) {
                if (thread < 2) {
                    sums[(expression * parts + part) * 2 + thread] = columns[thread * stride];
                }
            });
        }
    }
};

/// sum (scale (f - y))^2; the second sum stays 0.
template <class Real>
struct TapeValueSums {
    static constexpr unsigned threads = 128;
    static constexpr unsigned resident = 4;
    using Blocks = TapeBlocks<Real, threads>;
    TapeBatch batch;
    TapeRows<Real> rows;
    const Real* y;
    const Real* scale;  ///< the weights' square roots
    Real* sums;
    unsigned most_nodes;  ///< of an expression in the batch
    std::byte* scratch;
    bool staged;

    CLOSEDFORM_HOST_DEVICE std::size_t space_bytes() const {
        return Blocks::bytes(most_nodes / 2 + 1);
    }
    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        std::byte* memory =
            scratch == nullptr ? block.shared() : scratch + block.index() * space_bytes();
        Blocks::run(block, batch, rows, memory, sums,
                    [&](const Node* tape, unsigned nodes, std::size_t i,
                        const kernels::Strided<Real>& space, Real* sum) {
                        const Real f = kernels::tape_value<Real>(tape, nodes, rows.row(i), space);
                        sum[0] += kernels::square_error(f, y[i], scale[i]);
                    });
    }
};

/// sum w |u - v|^2 and sum w |u + v|^2, v the unit input gradient (gradient_objective.hpp).
template <class Real>
struct TapeDirectionSums {
    static constexpr unsigned threads = 128;
    static constexpr unsigned resident = 4;
    using Blocks = TapeBlocks<Real, threads>;
    TapeBatch batch;
    TapeRows<Real> rows;
    TapeRows<Real> directions;
    TapeRows<Real> scales;  ///< of the components; x null: ones
    const Real* weight;
    Real* sums;
    unsigned most_nodes;
    std::byte* scratch;
    bool staged;

    CLOSEDFORM_HOST_DEVICE std::size_t space_bytes() const {
        return Blocks::bytes(rows.columns + kernels::tape_gradient_space(most_nodes));
    }
    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        std::byte* memory =
            scratch == nullptr ? block.shared() : scratch + block.index() * space_bytes();
        Blocks::run(block, batch, rows, memory, sums,
                    [&](const Node* tape, unsigned nodes, std::size_t i,
                        const kernels::Strided<Real>& space, Real* sum) {
                        for (unsigned j = 0; j < rows.columns; ++j) {
                            space[j] = Real(0);
                        }
                        bool reads = false;
                        const Real f = kernels::tape_gradient<Real>(
                            tape, nodes, rows.row(i), space + rows.columns, space, reads);
                        Real squares = 0;
                        for (unsigned j = 0; j < rows.columns; ++j) {
                            if (scales.x != nullptr) {
                                space[j] = space[j] * scales.row(i)[j];
                            }
                            squares += space[j] * space[j];
                        }
                        // Without any input the gradient is zero whatever the value is.
                        const Real inverse = reads ? kernels::inverse_norm(squares, f) : Real(0);
                        for (unsigned j = 0; j < rows.columns; ++j) {
                            kernels::add_differences(directions.row(i)[j], space[j] * inverse,
                                                     weight[i], sum[0], sum[1]);
                        }
                    });
    }
};

}  // namespace closedform::gpu
