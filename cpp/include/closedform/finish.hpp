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

/// All rows of the data, as the last stage asks for them: all expressions at once, for every ask
/// is a pass over the rows.
struct WholeData {
    std::function<std::vector<double>(std::span<const Tape>)> losses;
    /// As equations_on_all_rows, or nothing once its deadline has passed. Empty where `few` has all
    /// rows anyway, and where the loss is no sum of squares.
    std::function<std::vector<NormalEquations>(std::span<const Tape>)> equations;
    std::size_t equation_rows = 0;  ///< how many of the rows those are taken on
};

/// The Pareto front of `found` and its reductions, by complexity: constants fitted (to `few`, the
/// goal at some rows of X in the data's own units, and where there are more, to those as well) and
/// made simple, the sign turned where it is free (which can add two nodes), losses on all rows.
/// Taken in order of worth; those the deadline leaves out stay as they are. The same for any number
/// of threads (0: all cores).
std::vector<Candidate> finish(std::vector<Tape> found, const WholeData& whole, const Objective& few,
                              const OpSet& operators, unsigned threads, const Deadline& deadline);

}  // namespace closedform
