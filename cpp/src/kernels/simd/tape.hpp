#pragma once
// The interpreter's inner loops, one copy per instruction set (kernels/simd/tape.cpp).
// All work is done on blocks of block_rows rows: one operator over the whole block, then the next.

#include <cstddef>

#include "closedform/core/node.hpp"

namespace closedform {

inline constexpr std::size_t block_rows = 128;
/// Where a block holds fewer rows, so many of them at a time are computed.
inline constexpr std::size_t row_group = 8;
/// Columns of a Jacobian: a tape has at most 255 nodes, every other one a constant.
inline constexpr std::size_t most_columns = 128;

/// `rows` is a multiple of row_group, at most block_rows, everywhere. The numbers of a node are
/// block_rows behind those of the node before.
struct TapeKernels {
    /// Values of a tape at one block of rows. `columns[j]` holds block_rows values of input j.
    /// `at[i]` is set to where node i's values were: the column itself for a variable, else a slot
    /// of `scratch`; slots are reused like a stack's.
    void (*forward)(const Node* tape, std::size_t nodes, const double* const* columns,
                    std::size_t rows, double* scratch, const double** at);

    /// As forward, every node with its own slot of `kept`, and of `slopes` where it has a slope for
    /// the work of its value, as the passes below need them. Only nodes marked in `moved` are
    /// computed: what is of the others is there.
    void (*forward_kept)(const Node* tape, std::size_t nodes, const double* const* columns,
                         std::size_t rows, const bool* moved, double* kept, double* slopes,
                         const double** at);

    /// Adjoints of the nodes marked in `wanted`; adjoint of node i at `adjoint + i * block_rows`.
    /// Those of the root and of nodes above that are not marked must be there on entry.
    void (*reverse)(const Node* tape, std::size_t nodes, const double* const* at,
                    const double* slopes, std::size_t rows, const bool* wanted, double* adjoint);

    /// Tangents of the nodes marked in `varies` (those above what varies; never a variable), at
    /// `tangent + i * block_rows`. Those of the marked constants must be there on entry.
    void (*forward_tangent)(const Node* tape, std::size_t nodes, const double* const* at,
                            const double* slopes, const bool* varies, double* tangent);

    /// After reverse and forward_tangent: how the adjoints of the nodes in `active` change with the
    /// tangent, mixed second derivatives. live[i] says whether node i's changes at all; only then
    /// is `adjoint_tangent + i * block_rows` written.
    void (*reverse_tangent)(const Node* tape, std::size_t nodes, const double* const* at,
                            const double* slopes, const bool* active, const double* adjoint,
                            const bool* varies, const double* tangent, bool* live,
                            double* adjoint_tangent);

    /// sum over a block of (scale * (f - y))^2
    double (*square_error)(const double* f, const double* y, const double* scale, std::size_t rows);

    /// Adds one block to the normal equations of `count` Jacobian columns: gram (lower triangle by
    /// rows, count*(count+1)/2) += J^T J and gradient += J^T r, with J's and r's rows times
    /// `scale`. Scales the columns marked in `moved` in place; the others are scaled, and nothing
    /// is added for two of them. Returns the block's sum of r^2.
    double (*normal_equations)(const double* f, const double* y, const double* scale,
                               std::size_t rows, double* const* jacobian, const bool* moved,
                               std::size_t count, double* gram, double* gradient);
};

/// The copy for this processor.
const TapeKernels& tape_kernels();

}  // namespace closedform
