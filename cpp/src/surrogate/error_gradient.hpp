#pragma once
// How the squared error of a tensor surrogate changes with all of its node values at once: one pass
// over the rows, from prefixes and suffixes of the products, linear in rows, inputs and modes.

#include <memory>
#include <optional>
#include <vector>

#include "closedform/surrogate/moment_sums.hpp"
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

/// What a model leaves; or, with a step, of the model's grids and modes, how that changes along it:
/// by_node is J' W J times the step then, J the derivatives of the model by its node values, half
/// the second derivative of `squares` but for what the residuals add.
struct ErrorQuestion {
    const TensorSurrogate& model;
    const TensorSurrogate* step = nullptr;
};

/// Of rows in this machine's memory, the same for any number of threads.
std::unique_ptr<ErrorRowSums> error_sums(const FitRows& rows, unsigned threads);
/// Of rows that answer with moments, in a pass an input; asked without a step alone.
std::unique_ptr<ErrorRowSums> error_sums(std::unique_ptr<MomentRowSums> moments);

/// Nothing where the rows gave no answer, or it was stopped.
std::optional<ErrorSlopes> error_slopes(const TensorSurrogate& model, ErrorRowSums& rows,
                                        const StopToken& stop);
/// Unfinished once stopped.
NodeSums error_curvature(const TensorSurrogate& model, const TensorSurrogate& step,
                         ErrorRowSums& rows, const StopToken& stop);

}  // namespace closedform
