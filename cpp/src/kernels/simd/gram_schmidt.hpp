#pragma once
// Gram-Schmidt's inner loop, compiled once per instruction set.

#include <cstddef>

namespace closedform {

struct GramSchmidtKernels {
    /// Takes from `column` its parts along `count` orthonormal (or zero) columns of `rows` rows
    /// that follow each other in `basis`, one after another, and adds them to `parts`. Returns the
    /// sum of squares of what is left.
    double (*project_out)(const double* basis, std::size_t count, std::size_t rows, double* column,
                          double* parts);
};

/// The copy for this processor.
const GramSchmidtKernels& gram_schmidt_kernels();

}  // namespace closedform
