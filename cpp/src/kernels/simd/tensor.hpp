#pragma once
// Blocks of rows of a tensor surrogate, compiled once per instruction set.

#include <cstddef>

#include "kernels/tensor_row.hpp"

namespace closedform {

/// Rows handled at once: their places stay in the L1 and L2 caches.
inline constexpr std::size_t tensor_block_rows = 128;

struct GridView {
    const double* nodes;  ///< [node_count]
    std::size_t node_count;
    const double* center;         ///< [node_count + 1]
    const double* inverse_width;  ///< [node_count + 1]
};

struct TensorRowKernels {
    /// Cell and local coordinate of x[0..count); NaN falls left of the grid and keeps t NaN.
    void (*locate)(GridView grid, const double* x, std::size_t count, int* cell, double* t,
                   double* inverse_width);
    /// Places have stride tensor_block_rows from input to input; count <= tensor_block_rows.
    void (*values)(const kernels::FactorView* factors, std::size_t inputs, const int* cell,
                   const double* t, std::size_t count, double offset, double* out);
    /// `space`: derivative_space(inputs) doubles, aligned to 64 bytes. `value`, `hessian` may be
    /// null.
    void (*derivatives)(const kernels::FactorView* factors, std::size_t inputs, const int* cell,
                        const double* t, const double* inverse_width, std::size_t count,
                        double offset, double* space, double* value, double* gradient,
                        double* hessian);
};

inline constexpr std::size_t widest_pack = 8;

const TensorRowKernels& tensor_row_kernels();

}  // namespace closedform
