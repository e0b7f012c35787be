#pragma once
// Functions of one input with an inner constant k, and their derivatives by it, compiled once per
// instruction set. Each is a shape of k times some u, which the input alone decides.

#include <cstddef>
#include <cstdint>

namespace closedform {

enum class Shape : std::uint8_t {
    plain,  ///< u itself
    exp,
    sin,
    cos,
    inverse,    ///< 1/(1 + k u)
    saturated,  ///< u/(1 + k u)
    log,        ///< log(1 + k u)
    tanh,
};

struct PieceKernels {
    /// Values at `rows` rows and, of all but the plain one, `slope`, their derivatives by k.
    void (*evaluate)(Shape shape, double k, const double* u, std::size_t rows, double* value,
                     double* slope);
};

/// The copy for this processor.
const PieceKernels& piece_kernels();

}  // namespace closedform
