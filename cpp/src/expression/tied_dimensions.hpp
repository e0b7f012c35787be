#pragma once
// Dimensions of expressions that have a constant in several places, as a template's functions do:
// it is of one unit in all of them.

#include <optional>

#include "closedform/expression/dimensions.hpp"

namespace closedform {

/// Whether constants stand in several places: those with the same number in `variable`, from 0.
bool has_tied_constants(const Tape& tape);

/// As `consistent`, and of the target where there is one, with constants that are of anything.
bool ties_agree(const Tape& tape, const Dimensions& dimensions,
                const std::optional<Dimension>& target);

}  // namespace closedform
