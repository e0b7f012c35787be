#pragma once
// Islands whose candidates are scored together, many at a time.

#include <memory>
#include <span>

#include "search/batch_scorer.hpp"
#include "search/island.hpp"

namespace closedform {

/// Has islands that were begun (Island::begin) spend what they were granted. Each has a number of
/// candidates on their way and takes their scores in the order it proposed them, whenever they
/// come: so rounds of the scorer go on while islands propose, neither waits for the other, and the
/// result is the same for any number of threads (0: all cores).
void evolve_together(std::span<const std::unique_ptr<Island>> islands, BatchScorer& scorer,
                     unsigned threads, const StopToken& stop);

}  // namespace closedform
