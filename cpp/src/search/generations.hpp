#pragma once
// Islands whose candidates are scored together, a generation at a time.

#include <memory>
#include <span>

#include "search/island.hpp"
#include "search/scorer.hpp"

namespace closedform {

/// Has islands that were begun (Island::begin) spend what they were granted. While a generation of
/// all of them is scored they take in the scores of the one before and propose the next, so that
/// whoever scores is never waited for and never waits longer than that takes. The result is the
/// same for any number of threads (0: all cores).
void evolve_together(std::span<const std::unique_ptr<Island>> islands, Scorer& scorer,
                     unsigned threads, const StopToken& stop);

}  // namespace closedform
