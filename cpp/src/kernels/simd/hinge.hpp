#pragma once
// Loops of the margin objective over one block of rows, one copy per instruction set
// (kernels/simd/hinge.cpp).

namespace closedform {

struct HingeKernels {
    /// sum of weight * max(0, 1 - label * f); not finite where a value is not.
    double (*loss)(const double* f, const double* label, const double* weight);

    /// The same, and a squared error for every row, (scale * (f - target))^2, that lies above its
    /// hinge, up to a constant, and touches it where f is.
    double (*squares_above)(const double* f, const double* label, const double* weight,
                            double* target, double* scale);

    /// Minus the hinge's derivative by the value: the label inside the margin, else 0.
    void (*pull)(const double* f, const double* label, double* out);

    /// Adds sum weight * f, sum weight * f * f and sum weight * f * r.
    void (*products)(const double* f, const double* r, const double* weight, double* sums);
};

/// The copy for this processor.
const HingeKernels& hinge_kernels();

}  // namespace closedform
