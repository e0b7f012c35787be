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

/// `tape` without one addend of one of its sums, for each of them in turn: those too that have no
/// constant which could vanish. x/(1 + 1e-17*y) is written 1e17*x/(1e17 + y) where that is shorter,
/// and then it is y that changes nothing.
std::vector<Tape> without_addends(const Tape& tape, const OpSet& allowed);

using Reductions = std::vector<Tape> (*)(const Tape& tape, const OpSet& allowed);

/// Of one part at a time, where the tape is several (`parts_of`).
std::vector<Tape> of_parts(Reductions reductions, const Tape& tape, const OpSet& allowed);

}  // namespace closedform
