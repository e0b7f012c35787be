#include "search/generations.hpp"

#include <iterator>
#include <utility>
#include <vector>

#include "core/parallel.hpp"

namespace closedform {

void evolve_together(std::span<const std::unique_ptr<Island>> islands, Scorer& scorer,
                     unsigned threads, const StopToken& stop) {
    const std::size_t count = islands.size();
    std::vector<std::vector<ScoreTask>> proposed(count);
    std::vector<std::size_t> sizes(count, 0);       // of what is scored now, by island
    std::vector<std::vector<Score>> scored(count);  // of the generation before
    std::vector<ScoreTask> generation;
    bool any = true;
    while (any && !stop.stopped()) {
        std::vector<Score> scores;
        parallel_for(count + 1, threads, [&](std::size_t piece, unsigned) {
            if (piece == 0) {
                scores = scorer.score(generation, ScoreRows::sample);
                return;
            }
            Island& island = *islands[piece - 1];
            island.take(std::move(scored[piece - 1]));
            proposed[piece - 1] = island.propose_generation();
        });
        any = !generation.empty();
        generation.clear();
        auto next = std::make_move_iterator(scores.begin());
        for (std::size_t i = 0; i < count; ++i) {
            const auto end = next + static_cast<std::ptrdiff_t>(sizes[i]);
            scored[i].assign(next, end);
            next = end;
            sizes[i] = proposed[i].size();
            generation.insert(generation.end(), std::make_move_iterator(proposed[i].begin()),
                              std::make_move_iterator(proposed[i].end()));
        }
        any = any || !generation.empty();
    }
}

}  // namespace closedform
