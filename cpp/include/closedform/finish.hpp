#pragma once
// The last stage of a search: what evolution found, made presentable and scored on all rows.

#include <functional>
#include <span>
#include <vector>

#include "closedform/archive.hpp"
#include "closedform/deadline.hpp"
#include "closedform/expression.hpp"
#include "closedform/objective.hpp"

namespace closedform {

/// The Pareto front of `found` and its reductions, by complexity: constants refitted with `few`
/// (the goal at some rows of X, in the data's own units) and made simple, the sign turned where it
/// is free (which can add two nodes), losses from losses_of, which gets all expressions at once.
/// Taken in order of worth; those the deadline leaves out stay as they are. The same for any number
/// of threads (0: all cores).
std::vector<Candidate> finish(
    std::vector<Tape> found,
    const std::function<std::vector<double>(std::span<const Tape>)>& losses_of,
    const Objective& few, const OpSet& operators, unsigned threads, const Deadline& deadline);

}  // namespace closedform
