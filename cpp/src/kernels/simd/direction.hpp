#pragma once
// Loops of the gradient objective over one block of rows, one copy per instruction set
// (kernels/simd/direction.cpp). A gradient is given by its components: pointers to
// block_rows numbers each.

#include <cstddef>

namespace closedform {

struct DirectionKernels {
    /// out = adjoint * scale, or out += adjoint * scale
    void (*add_scaled)(const double* adjoint, const double* scale, bool first, double* out);

    /// In place: g /= f, the component of the logarithm's gradient.
    void (*divide)(double* g, const double* f);

    /// inverse[i] = 1 / |g_i|, or 0 where the gradient counts as zero beside the value f_i: there
    /// it is rounding (kernels/direction.hpp). Not finite where g or f is not.
    void (*inverse_norms)(const double* const* g, std::size_t count, const double* f,
                          double* inverse);

    /// Adds sum w |u - v|^2 and sum w |u + v|^2 over components, v = g * inverse.
    void (*differences)(const double* g, const double* inverse, const double* u,
                        const double* weight, double* minus, double* plus);
    /// The same where g is zero.
    double (*squares)(const double* u, const double* weight);

    /// In place: tangents of g become those of its unit vector v, (tangent - v (v . tangent)) /
    /// |g|.
    void (*turn)(const double* const* g, const double* inverse, double* const* tangent,
                 std::size_t count);

    /// sum a * b * c
    double (*dot3)(const double* a, const double* b, const double* c);
};

/// The copy for this processor.
const DirectionKernels& direction_kernels();

}  // namespace closedform
