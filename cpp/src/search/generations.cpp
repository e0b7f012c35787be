#include "search/generations.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/parallel.hpp"

namespace closedform {
namespace {

/// Candidates that an island hands over at once: few, so that the first rounds begin soon.
constexpr std::size_t handed_at_once = 32;

/// An island, and what is on its way to it.
struct Side {
    Island* island = nullptr;
    std::deque<std::optional<Score>> scores;  ///< of its candidates, in their order, as they come
    std::size_t first = 0;                    ///< number of the candidate at their front
    bool busy = false;
    bool waits = false;  ///< for the score at the front
    bool may_run() const {
        return !busy && (!waits || (!scores.empty() && scores.front().has_value()));
    }
};

/// What the workers share: each runs an island until it has to wait, or a round of the scorer.
class Workplace {
  public:
    Workplace(std::span<const std::unique_ptr<Island>> islands, BatchScorer& scorer,
              const StopToken& stop)
        : scorer_(scorer), stop_(stop) {
        for (const auto& island : islands) {
            sides_.emplace_back().island = island.get();
            half_ += island->most_on_their_way() / 2;
        }
    }

    /// Returns when all is spent, or it is to stop.
    void work() {
        std::unique_lock lock(mutex_);
        try {
            while (!failed_ && !stop_.stopped()) {
                Side* side = next();
                if (!scoring_ && waiting() > 0 && (side == nullptr || waiting() >= half_)) {
                    round(lock);
                } else if (side != nullptr) {
                    run(*side, lock);
                } else if (busy_ > 0) {
                    changed_.wait(lock);
                } else {
                    break;
                }
            }
        } catch (...) {
            if (!lock.owns_lock()) {
                lock.lock();
            }
            failed_ = true;
            changed_.notify_all();
            throw;
        }
        changed_.notify_all();
    }

  private:
    using Lock = std::unique_lock<std::mutex>;
    struct Handed {
        BatchScorer::Ticket ticket;
        ScoreTask task;
    };

    std::size_t waiting() const { return handed_.size() + (scoring_ ? 0 : scorer_.going()); }

    Side* next() {
        const auto found = std::find_if(sides_.begin(), sides_.end(),
                                        [](const Side& side) { return side.may_run(); });
        return found == sides_.end() ? nullptr : &*found;
    }

    void round(Lock& lock) {
        scoring_ = true;
        ++busy_;
        for (Handed& handed : std::exchange(handed_, {})) {
            scorer_.add(handed.ticket, std::move(handed.task));
        }
        lock.unlock();
        std::vector<BatchScorer::Scored> scored = scorer_.advance();
        lock.lock();
        for (BatchScorer::Scored& one : scored) {
            Side& side = sides_[one.ticket.sender];
            side.scores[one.ticket.number - side.first] = std::move(one.score);
        }
        scoring_ = false;
        --busy_;
        changed_.notify_all();
    }

    void run(Side& side, Lock& lock) {
        std::deque<Score> ready;
        while (!side.scores.empty() && side.scores.front()) {
            ready.push_back(std::move(*side.scores.front()));
            side.scores.pop_front();
            ++side.first;
        }
        side.busy = true;
        ++busy_;
        lock.unlock();
        std::vector<ScoreTask> tasks = side.island->go_on(ready, handed_at_once);
        lock.lock();
        while (!ready.empty()) {  // not yet looked at
            side.scores.push_front(std::move(ready.back()));
            ready.pop_back();
            --side.first;
        }
        const auto sender = static_cast<std::size_t>(&side - sides_.data());
        for (ScoreTask& task : tasks) {
            handed_.push_back({{sender, side.first + side.scores.size()}, std::move(task)});
            side.scores.emplace_back();
        }
        side.waits = tasks.size() < handed_at_once;
        side.busy = false;
        --busy_;
        changed_.notify_all();
    }

    BatchScorer& scorer_;
    const StopToken& stop_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Side> sides_;
    std::vector<Handed> handed_;  ///< not yet in a round
    std::size_t half_ = 0;        ///< of the candidates that are on their way at most
    std::size_t busy_ = 0;        ///< workers
    bool scoring_ = false;
    bool failed_ = false;
};

}  // namespace

void evolve_together(std::span<const std::unique_ptr<Island>> islands, BatchScorer& scorer,
                     unsigned threads, const StopToken& stop) {
    Workplace place(islands, scorer, stop);
    parallel_for(islands.size() + 1, threads, [&](std::size_t, unsigned) { place.work(); });
    scorer.drop();
}

}  // namespace closedform
