#pragma once
// The derivative of an expression by one of its inputs, as an expression.

#include "closedform/expression/expression.hpp"

namespace closedform {

/// Zeros and ones are left out, no other constants are folded: those of the tape are still to be
/// recognised. Empty where it would be longer than an expression can be.
Tape derivative(const Tape& tape, int input);

}  // namespace closedform
