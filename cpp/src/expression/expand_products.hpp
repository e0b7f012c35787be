#pragma once
// Products of sums multiplied out, and factors of sums taken out.

#include <optional>
#include <vector>

#include "closedform/expression/canonical_form.hpp"

namespace closedform {

/// Forms equal to the given one: with one product of sums multiplied out, for each that there is
/// anywhere in it, and with all of them. None where there is no such product; a product of more
/// than 16 terms stays. Like terms are not merged yet: simplify() the tape emitted.
std::vector<Scaled> expansions(const Scaled& form);

/// The form with what terms of a sum share as a factor in front of them, in every sum: x*y + x*z is
/// x*(y + z). Nothing where no terms share any. simplify() the tape emitted.
std::optional<Scaled> factored(const Scaled& form);

}  // namespace closedform
