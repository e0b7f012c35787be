#pragma once
// The hot loops of alternating least squares, compiled once per instruction set.

#include <cstddef>

#include "kernels/moments.hpp"
#include "kernels/tensor_row.hpp"

namespace closedform {

inline constexpr std::size_t als_block_rows = 512;
inline constexpr std::size_t als_tile_rows = 32;

/// A block of rows on the grids: places have stride als_block_rows from input to input.
struct AlsBlock {
    const int* cell;
    const double* t;
    const double* multiplier;  ///< null: ones
    std::size_t count;
};

struct AlsRowKernels {
    /// products[i][padded] = the row's multiplier times prod_{k != skip} f_mk, 0 beyond `modes`.
    void (*products)(const kernels::FactorView* factors, std::size_t inputs, std::size_t skip,
                     const AlsBlock& rows, std::size_t modes, double* products);
    /// The same from the products without input `in`, of which `divisor` is input `skip`'s part:
    /// its planes when it was multiplied in.
    void (*exchange)(const kernels::FactorView* factors, std::size_t inputs, std::size_t in,
                     std::size_t skip, const double* divisor, const AlsBlock& rows,
                     std::size_t modes, double* products);
    /// left[i] -= sum_m share[m] products[i][m] f_m.
    void (*subtract_modes)(kernels::FactorView factor, const int* cell, const double* t,
                           std::size_t count, const double* products, const double* share,
                           double* left);
    /// right[d][cell][5][padded] += w r t^k prod_{k != d} f_mk for every input d, and gives the sum
    /// of w r^2. r is what all modes leave of `target`; or, where there are `steps`, how the modes
    /// change when the factors move along them. `space` holds 2 als_tile_rows x
    /// inputs x padded.
    double (*add_slopes)(const kernels::FactorView* factors, const kernels::FactorView* steps,
                         std::size_t inputs, const AlsBlock& rows, const double* target,
                         const double* weight, double* space, double* const* right);
    /// Adds rows [0, count) of one cell: moments[m][k][padded] += w t^k g_m g_m' for m' <= m (and a
    /// few beyond), right[k][padded] += w t^k r g_m. `powers` [count][moment_count] is w t^k.
    void (*accumulate)(const double* g, const double* powers, const double* residual,
                       std::size_t count, std::size_t modes, std::size_t padded, double* moments,
                       double* right);
    /// Adds one cell's block of the normal matrix, unknowns ordered [node][mode], to the band
    /// below. `moments` [modes][moment_count][padded] of all pairs of modes, `weave`
    /// [moment_count][width] [width] the share of each moment in each pair of shape functions.
    void (*add_cell)(const double* moments, const double* weave, std::size_t width,
                     std::size_t modes, std::size_t padded, std::size_t first_node, double* band,
                     std::size_t bandwidth);
    /// Cholesky factor, in place, of a symmetric band matrix of `size` unknowns stored by columns:
    /// a[j * (bandwidth + 1) + k] is element (j + k, j). Of columns [first, last), where those
    /// before are done. False if it is not positive definite.
    bool (*factor_band)(double* a, std::size_t size, std::size_t bandwidth, std::size_t first,
                        std::size_t last);
    /// Solves with that factor, in place.
    void (*solve_band)(const double* a, std::size_t size, std::size_t bandwidth, double* b);
};

const AlsRowKernels& als_row_kernels();

}  // namespace closedform
