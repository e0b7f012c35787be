#pragma once
// The last stage of a search: what evolution found, made presentable and scored on all rows.

#include <vector>

#include "closedform/core/stop.hpp"
#include "closedform/expression/expression.hpp"
#include "closedform/objective/full_data.hpp"
#include "objective/objective.hpp"
#include "search/pareto_archive.hpp"

namespace closedform {

struct Finished {
    std::vector<Candidate> front;   ///< by complexity
    std::vector<Candidate> rivals;  ///< others that so many rows can hardly tell from it, likewise
};

/// The Pareto front of `found` and its reductions, by complexity: constants fitted (to `few`, the
/// target at some rows of X in the data's own units, and where there are more, to those as well)
/// and made simple, the sign turned where it is free, losses on all rows. Of `found` some may have
/// more than `max_size` nodes, for they may have smaller reductions; the front has none of them.
/// Taken in order of worth; those the stop token leaves out stay as they are. The same for any
/// number of threads (0: all cores).
Finished finish(std::vector<Tape> found, const WholeData& whole, const Objective& few,
                const OpSet& operators, const FormulaRules& rules, std::size_t max_size,
                unsigned threads, const StopToken& stop);

}  // namespace closedform
