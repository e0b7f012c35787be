#pragma once
// A structure with the constants that need no iteration laid open, and its fit.

#include <cstddef>

#include "closedform/expression/canonical_form.hpp"
#include "expression/workspace.hpp"
#include "objective/levenberg_marquardt.hpp"
#include "objective/objective.hpp"

namespace closedform {

struct OpenForm {
    /// The outermost sum with a factor for every term, and a constant term where that matters.
    LinearTape sum;
    /// The expression is first * exp(rest of the sum), opened as log(first) + rest: where a scale
    /// is free, its logarithm has the same gradient direction and is a sum.
    bool logarithm = false;
    /// Constants that do not enter linearly: their fit depends on where it starts.
    std::size_t inner = 0;
};

/// `form` must be the objective's representative of `tape`; constant_terms: whether a sum may have
/// one. Where the operators do not allow
/// factors and sums the tape is left as it is, all of its constants inner ones. Empty when it would
/// be too long.
OpenForm open_form(const Tape& tape, const Scaled& form, const OpSet& operators,
                   const Objective& objective, bool constant_terms = true);

/// Fits all constants; `tape` gets the simplest expression of the result, empty for none.
FitResult fit_open_form(OpenForm form, const OpSet& operators, const Objective& objective,
                        Workspace& workspace, const FitOptions& options, Tape& tape);

/// A tape whose constants are fitted, in its simplest form: those that are neutral up to rounding
/// (factors 1 and -1, terms 0) are exactly that. Empty for none.
Tape settled(Tape tape, const OpSet& operators, const Objective& objective);

}  // namespace closedform
