#pragma once
// Smaller neighbours of a fitted expression: what noise in the data keeps from being exact.

#include <vector>

#include "closedform/expression/expression.hpp"

namespace closedform {

/// Of larger expressions with their dozens of constants, all reductions of all reductions, and
/// fitting after every rounding, would take longer than the search.
inline constexpr std::size_t reduced_fully = 40;

/// Expressions with fewer nodes than `tape`, each with one constant set to a value that makes it
/// vanish (0, 1 or -1) or two nearly equal factors of a sum tied to each other, so that
/// 9.98*x - 10.01*y becomes c*(x - y), or a square completed, or products of sums multiplied out.
/// Their constants are to be fitted anew.
std::vector<Tape> reductions(const Tape& tape, const OpSet& allowed);

/// Of one part at a time, where the tape is several (`parts_of`).
std::vector<Tape> reductions_of_parts(const Tape& tape, const OpSet& allowed);

}  // namespace closedform
