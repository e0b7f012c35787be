#pragma once

#include "closedform/expression/canonical_form.hpp"

/// Operators applied to canonical forms; what they give is canonical.
namespace closedform {

/// s to a whole power.
Scaled power(Scaled s, int exponent);
/// A function of one operand that is no whole power of it.
Scaled apply_unary(Op op, Scaled a);
Scaled apply_pow(Scaled base, Scaled exponent);
Scaled apply_binary(Op op, Scaled a, Scaled b);

}  // namespace closedform
