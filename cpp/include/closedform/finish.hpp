#pragma once
// The last stage of a search: what evolution found, made presentable and scored on all rows.

#include <vector>

#include "closedform/archive.hpp"
#include "closedform/array_view.hpp"
#include "closedform/deadline.hpp"
#include "closedform/expression.hpp"
#include "closedform/goal.hpp"
#include "closedform/objective.hpp"

namespace closedform {

/// The Pareto front of `found` and its reductions, by complexity: constants refitted with `few`
/// (the goal at some rows of X, in the data's own units) and made simple, the sign turned where it
/// is free (which can add two nodes), losses on all rows of X. Taken in order of worth; those the
/// deadline leaves out stay as they are. The same for any number of threads (0: all cores).
template <class T>
std::vector<Candidate> finish(std::vector<Tape> found, MatrixView<const T> x, const Goal& goal,
                              const Objective& few, const OpSet& operators, unsigned threads,
                              const Deadline& deadline);

}  // namespace closedform
