#pragma once
// Fitting the constants of an expression: Levenberg-Marquardt on the objective's exact derivatives.

#include <cstddef>
#include <limits>
#include <span>

#include "closedform/core/stop.hpp"
#include "closedform/expression/expression.hpp"
#include "expression/workspace.hpp"
#include "objective/objective.hpp"

namespace closedform {

struct FitOptions {
    int max_iterations = 20;
    /// Stop when a step lowers the loss by less than this share.
    double tolerance = 1e-6;
    /// Stop after six steps when the loss is still above this and falls by less than a tenth a
    /// step.
    double give_up_above = std::numeric_limits<double>::infinity();
    /// Losses at or below this are rounding: stop.
    double floor = 0.0;
    /// No further step is begun after it.
    StopToken stop;
};

struct FitResult {
    double loss = std::numeric_limits<double>::infinity();
    int passes = 0;  ///< passes over the rows, the measure of work
};

/// Improves the constants of `tape` at `positions` in place. Those listed in `linear` (a subset)
/// enter linearly and are solved for first. The loss never ends above where it began; infinity
/// when the expression is not finite at the start.
FitResult fit_constants(Tape& tape, std::span<const std::size_t> positions,
                        std::span<const std::size_t> linear, const ConstantsLoss& objective,
                        Workspace& workspace, const FitOptions& options);

}  // namespace closedform
