#pragma once
// How the squared error of a tensor surrogate changes with all of its node values at once: one pass
// over the rows, from prefixes and suffixes of the products, linear in rows, inputs and modes.

#include <vector>

#include "closedform/surrogate/tensor_surrogate.hpp"
#include "surrogate/als.hpp"
#include "surrogate/als_moments.hpp"

namespace closedform {

/// Numbers that belong to node values: per input [nodes][modes].
using NodeSums = std::vector<std::vector<double>>;

struct ErrorSlopes {
    /// Sum of w r g_m B_j, r what the model leaves of y, g_m the product of the mode's other
    /// factors, B_j the node's shape function: minus half the derivative of `squares`.
    NodeSums by_node;
    double squares = 0;  ///< sum of w r^2
};

/// Of the options, here and below, only threads and stop matter: sums do not depend on the number
/// of threads, and once stopped they are unfinished.
ErrorSlopes error_slopes(const TensorSurrogate& model, const FitRows& rows,
                         const AlsOptions& options);
/// The same of rows on a device, which takes a pass an input.
ErrorSlopes error_slopes(const TensorSurrogate& model, MomentRows& there,
                         const AlsOptions& options);

/// J' W J times `step`, J the derivatives of the model by its node values: half the second
/// derivative of `squares` but for what the residuals add. `step` has the model's grids and modes.
NodeSums error_curvature(const TensorSurrogate& model, const TensorSurrogate& step,
                         const FitRows& rows, const AlsOptions& options);

}  // namespace closedform
