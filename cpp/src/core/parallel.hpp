#pragma once
// Threads for loops over independent pieces of work. Nothing here owns a pool: a call starts its
// workers and joins them, so the library keeps no threads alive behind its user's back.

#include <cstddef>
#include <functional>

namespace closedform {

/// Number of threads to use for a request: 0 means all cores of the machine.
unsigned resolve_threads(unsigned requested);

/// Calls `work(piece, worker)` once for every piece in [0, pieces), pieces handed out in order to
/// `threads` workers (0: all cores), worker in [0, threads), 0 the caller's own thread. Which
/// worker gets a piece is not deterministic: a caller that reduces keeps one result per piece and
/// merges them in piece order. The first exception thrown by any piece is rethrown here after all
/// workers have stopped.
void parallel_for(std::size_t pieces, unsigned threads,
                  const std::function<void(std::size_t piece, unsigned worker)>& work);

}  // namespace closedform
