#pragma once
// The interpreter's inner loops, one copy per instruction set (kernels/simd/tape.cpp).
// All work is done on blocks of block_rows rows: one operator over the whole block, then the next.

#include <cstddef>

#include "closedform/core/node.hpp"

namespace closedform {

inline constexpr std::size_t block_rows = 128;

struct TapeKernels {
    /// Values of all nodes of a tape at one block of rows. `columns[j]` holds block_rows values of
    /// input j. `at[i]` is set to where node i's values are: the column itself for a variable, else
    /// a slot of `scratch`. keep: every node keeps its own slot (nodes * block_rows doubles), as
    /// the reverse pass needs; otherwise slots are reused like a stack's.
    void (*forward)(const Node* tape, std::size_t nodes, const double* const* columns,
                    double* scratch, const double** at, bool keep);

    /// Adjoints of the nodes marked in `active`; adjoint of node i at `adjoint + i * block_rows`.
    /// The root's adjoint must be there on entry. A node below an inactive one is not visited.
    void (*reverse)(const Node* tape, std::size_t nodes, const double* const* at,
                    const bool* active, double* adjoint);

    /// Tangents of the nodes marked in `varies` (those above what varies; never a variable), at
    /// `tangent + i * block_rows`. Those of the marked constants must be there on entry.
    void (*forward_tangent)(const Node* tape, std::size_t nodes, const double* const* at,
                            const bool* varies, double* tangent);

    /// After reverse and forward_tangent: how the adjoints of the nodes in `active` change with the
    /// tangent, mixed second derivatives. live[i] says whether node i's changes at all; only then
    /// is `adjoint_tangent + i * block_rows` written.
    void (*reverse_tangent)(const Node* tape, std::size_t nodes, const double* const* at,
                            const bool* active, const double* adjoint, const bool* varies,
                            const double* tangent, bool* live, double* adjoint_tangent);

    /// sum over a block of (scale * (f - y))^2
    double (*square_error)(const double* f, const double* y, const double* scale);

    /// Adds one block to the normal equations of `count` Jacobian columns: gram (lower triangle by
    /// rows, count*(count+1)/2) += J^T J and gradient += J^T r, with J's and r's rows times
    /// `scale`. Scales the columns in place. Returns the block's sum of r^2.
    double (*normal_equations)(const double* f, const double* y, const double* scale,
                               double* const* jacobian, std::size_t count, double* gram,
                               double* gradient);
};

/// The copy for this processor.
const TapeKernels& tape_kernels();

}  // namespace closedform
