#pragma once
// Losses of a whole batch of expressions in one launch. The rows are cut into parts; a block takes
// one expression over one part, a thread a row, so that no two threads of a block ever differ in
// the operator they are at. Nothing but two sums leaves a block.
//
// X of s bytes a number, arithmetic of r bytes. Per expression of N nodes and row of D inputs:
//   values, labels  reads s D + 16, from the second-level cache where many blocks share a part
//                   some 8 N instructions and N operators (+ 1, exp about 30, sin about 40 flops)
//   directions      reads s D + 8 (D + 1), about three times the operators (value, slopes,
//   products)
// The operators decide: at N = 15 and s = 4 some 300 operations for 28 bytes, which the device's
// own memory gives but once a part and batch.

#include <cstddef>

#include "cuda/runtime/block.hpp"
#include "kernels/direction.hpp"
#include "kernels/hinge.hpp"
#include "kernels/tape_row.hpp"
#include "kernels/tensor_row.hpp"

namespace closedform::gpu {

/// Expressions one after the other: e has the nodes from begin[e] to begin[e + 1].
struct TapeBatch {
    const Node* nodes;
    const unsigned* begin;
    unsigned expressions;
    unsigned most_nodes;  ///< of one of them
};

/// A chunk of rows, column after column, `rows` numbers each.
template <class X>
struct TapeRows {
    const X* x;
    const double* targets;  ///< one column, or for directions one of each input
    const double* scales;   ///< of the gradient's components; null: ones
    const double* weights;  ///< for values their square roots
    std::size_t rows;
    unsigned inputs;
    unsigned part_rows;

    CLOSEDFORM_HOST_DEVICE std::size_t parts() const { return (rows + part_rows - 1) / part_rows; }
    CLOSEDFORM_HOST_DEVICE kernels::Strided<const X> row(std::size_t i) const {
        return {x + i, rows};
    }
};

// What is summed over rows. Each has numbers(batch, inputs), the space of a row, and add(rows, i,
// tape, nodes, space, sum), which adds row i to both sums: of the expression and of its negative.

/// A loss of the value alone, at(f, target, weight); the second sum stays 0.
template <class Loss>
struct OfValues {
    CLOSEDFORM_HOST_DEVICE static std::size_t numbers(const TapeBatch& batch, unsigned /*inputs*/) {
        return batch.most_nodes / 2 + 1;
    }
    template <class Real, class X>
    CLOSEDFORM_HOST_DEVICE static void add(const TapeRows<X>& rows, std::size_t i, const Node* tape,
                                           unsigned nodes, const kernels::Strided<Real>& space,
                                           Real* sum) {
        const Real f = kernels::tape_value<Real>(tape, nodes, rows.row(i), space);
        sum[0] +=
            Loss::at(f, static_cast<Real>(rows.targets[i]), static_cast<Real>(rows.weights[i]));
    }
};

struct SquaredError {
    template <class Real>
    CLOSEDFORM_HOST_DEVICE static Real at(Real f, Real y, Real scale) {
        return kernels::square_error(f, y, scale);
    }
};

struct Hinge {
    template <class Real>
    CLOSEDFORM_HOST_DEVICE static Real at(Real f, Real label, Real weight) {
        return kernels::hinge(f, label, weight);
    }
};

/// w |u - v|^2 and w |u + v|^2, v the unit input gradient (gradient_objective.hpp).
struct DirectionDifferences {
    CLOSEDFORM_HOST_DEVICE static std::size_t numbers(const TapeBatch& batch, unsigned inputs) {
        return inputs + kernels::tape_gradient_space(batch.most_nodes);
    }
    template <class Real, class X>
    CLOSEDFORM_HOST_DEVICE static void add(const TapeRows<X>& rows, std::size_t i, const Node* tape,
                                           unsigned nodes, const kernels::Strided<Real>& space,
                                           Real* sum) {
        const unsigned inputs = rows.inputs;
        for (unsigned j = 0; j < inputs; ++j) {
            space[j] = Real(0);
        }
        bool reads = false;
        const Real f =
            kernels::tape_gradient<Real>(tape, nodes, rows.row(i), space + inputs, space, reads);
        Real squares = 0;
        for (unsigned j = 0; j < inputs; ++j) {
            if (rows.scales != nullptr) {
                space[j] = space[j] * static_cast<Real>(rows.scales[j * rows.rows + i]);
            }
            squares += space[j] * space[j];
        }
        // Without any input the gradient is zero whatever the value is.
        const Real inverse = reads ? kernels::inverse_norm(squares, f) : Real(0);
        for (unsigned j = 0; j < inputs; ++j) {
            kernels::add_differences(static_cast<Real>(rows.targets[j * rows.rows + i]),
                                     space[j] * inverse, static_cast<Real>(rows.weights[i]), sum[0],
                                     sum[1]);
        }
    }
};

/// Both sums of every expression over every part. The threads' sums come first in the space, after
/// them the numbers of a row.
template <class X, class Real, class Loss>
struct TapeSums {
    static constexpr unsigned threads = 128;
    static constexpr unsigned resident = 4;
    static constexpr std::size_t stride = threads + 1;
    TapeBatch batch;
    TapeRows<X> rows;
    Real* sums;  ///< [parts][expressions][2]
    std::byte* scratch;
    bool staged;

    CLOSEDFORM_HOST_DEVICE std::size_t space_bytes() const {
        return (2 + Loss::numbers(batch, rows.inputs)) * stride * sizeof(Real);
    }
    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        Real* columns = reinterpret_cast<Real*>(space_of(block, *this));
        // Blocks that run together read the same rows.
        for (std::size_t item = block.index(); item < rows.parts() * batch.expressions;
             item += block.count()) {
            const std::size_t expression = item % batch.expressions;
            const unsigned begin = batch.begin[expression];
            const unsigned nodes = batch.begin[expression + 1] - begin;
            block.run([&](unsigned thread) {
                Real sum[2] = {Real(0), Real(0)};
                const kernels::Strided<Real> space{columns + 2 * stride + thread, stride};
                const std::size_t first = item / batch.expressions * rows.part_rows;
                const std::size_t end =
                    first + rows.part_rows < rows.rows ? first + rows.part_rows : rows.rows;
                for (std::size_t i = first + thread; i < end; i += threads) {
                    Loss::template add<Real>(rows, i, batch.nodes + begin, nodes, space, sum);
                }
                columns[thread] = sum[0];
                columns[stride + thread] = sum[1];
            });
            sum_columns<threads>(block, columns, 2, stride);
            block.run([&](unsigned thread) {
                if (thread < 2) {
                    sums[2 * item + thread] = columns[thread * stride];
                }
            });
        }
    }
};

}  // namespace closedform::gpu
