#pragma once
// Rounding fitted constants to the simplest values the data cannot tell from them.

#include "closedform/core/stop.hpp"
#include "closedform/expression/expression.hpp"
#include "expression/workspace.hpp"
#include "objective/objective.hpp"

namespace closedform {

/// Gives every constant the fewest decimal digits that keep the loss, the other constants refitted,
/// at or below `allowed`. Neutral values (0 and 1) are tried first; once
/// stopped, the constants left stay as they are. Returns the final loss.
double snap_constants(Tape& tape, const ConstantsLoss& objective, Workspace& workspace,
                      double allowed, const StopToken& stop);

}  // namespace closedform
