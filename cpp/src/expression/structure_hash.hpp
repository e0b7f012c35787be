#pragma once
// What two expressions share when they differ in their constants alone.

#include <cstdint>

#include "closedform/expression/canonical_form.hpp"

namespace closedform {

/// Hash of the structure with every constant left open, and the factors of the outermost sum and
/// its constant term ignored: equal for expressions that a fit of all constants makes equal.
std::uint64_t skeleton(const Scaled& expression);

/// Of a tape; of several parts (`parts_of`) that of all, in order.
std::uint64_t skeleton(const Tape& tape);

}  // namespace closedform
