#pragma once
// The last stage of a search: what evolution found, made presentable and scored on all rows.

#include <vector>

#include "closedform/core/stop.hpp"
#include "closedform/expression/expression.hpp"
#include "closedform/objective/full_data.hpp"
#include "objective/objective.hpp"
#include "search/pareto_archive.hpp"

namespace closedform {

/// The Pareto front of `found` and its reductions, by complexity: constants fitted (to `few`, the
/// target at some rows of X in the data's own units, and where there are more, to those as well)
/// and made simple, the sign turned where it is free (which can add two nodes), losses on all rows.
/// Taken in order of worth; those the stop token leaves out stay as they are. The same for any
/// number of threads (0: all cores).
std::vector<Candidate> finish(std::vector<Tape> found, const WholeData& whole, const Objective& few,
                              const OpSet& operators, unsigned threads, const StopToken& stop);

}  // namespace closedform
