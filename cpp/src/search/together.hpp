#pragma once
// Islands whose candidates are scored together, many at a time.

#include <memory>
#include <span>

#include "search/batch_scorer.hpp"
#include "search/island.hpp"

namespace closedform {

/// Has islands that were begun (Island::begin) spend what they were granted. Each goes on when all
/// that it has asked for is a round further, so that what it does depends on its own scores alone
/// and is the same for any number of threads (0: all cores); rounds take in whoever waits, and
/// others propose meanwhile.
void evolve_together(std::span<const std::unique_ptr<Island>> islands, BatchScorer& scorer,
                     unsigned threads, const StopToken& stop);

}  // namespace closedform
