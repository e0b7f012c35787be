#pragma once
// Activations of blocks of rows, compiled once per instruction set.

#include <cstddef>

#include "kernels/activations.hpp"

namespace closedform {

struct ActivationKernels {
    /// z [rows x columns] += bias [columns], then z becomes the activation's value and `slope`
    /// [rows x columns], if not null, its derivative.
    void (*doubles)(Activation kind, double parameter, const double* bias, std::size_t rows,
                    std::size_t columns, double* z, double* slope);
    void (*floats)(Activation kind, double parameter, const float* bias, std::size_t rows,
                   std::size_t columns, float* z, float* slope);
};

const ActivationKernels& activation_kernels();

}  // namespace closedform
