#include "search/together.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "core/parallel.hpp"

namespace closedform {
namespace {

/// An island, and what is on its way to it.
struct Side {
    enum class State { may_run, running, waits, scored, spent };
    Island* island = nullptr;
    std::vector<Island::Answer> answers;
    std::size_t asked = 0;  ///< candidates without an answer
    State state = State::may_run;
};

/// What the workers share: each runs an island until it has to wait, or a round of the scorer.
class Workplace {
  public:
    Workplace(std::span<const std::unique_ptr<Island>> islands, BatchScorer& scorer,
              const StopToken& stop)
        : scorer_(scorer), stop_(stop) {
        for (const auto& island : islands) {
            sides_.emplace_back().island = island.get();
        }
    }

    /// Returns when all is spent, or it is to stop.
    void work() {
        Lock lock(mutex_);
        try {
            while (!failed_ && !stop_.stopped()) {
                const auto side = first(Side::State::may_run);
                const std::size_t waiting = count(Side::State::waits);
                // Half of them are enough for a round, and while it lasts the others go on.
                if (!scoring_ && waiting > 0 &&
                    (side == sides_.end() || 2 * waiting >= sides_.size())) {
                    round(lock);
                } else if (side != sides_.end()) {
                    run(*side, lock);
                } else if (scoring_ || count(Side::State::running) > 0) {
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

    std::vector<Side>::iterator first(Side::State state) {
        return std::find_if(sides_.begin(), sides_.end(),
                            [&](const Side& side) { return side.state == state; });
    }
    std::size_t count(Side::State state) const {
        return static_cast<std::size_t>(
            std::count_if(sides_.begin(), sides_.end(),
                          [&](const Side& side) { return side.state == state; }));
    }

    void round(Lock& lock) {
        scoring_ = true;
        std::vector<bool> takes_part;
        for (Side& side : sides_) {
            takes_part.push_back(side.state == Side::State::waits);
            side.state = takes_part.back() ? Side::State::scored : side.state;
        }
        for (BatchScorer::Asked& asked : std::exchange(handed_, {})) {
            scorer_.add(std::move(asked));
        }
        lock.unlock();
        std::vector<BatchScorer::Scored> scored = scorer_.advance(takes_part);
        lock.lock();
        for (BatchScorer::Scored& one : scored) {
            Side& side = sides_[one.ticket.sender];
            side.answers.push_back({one.ticket.number, std::move(one.score)});
            --side.asked;
        }
        for (Side& side : sides_) {
            side.state =
                side.state == Side::State::scored ? Side::State::may_run : side.state;
        }
        scoring_ = false;
        changed_.notify_all();
    }

    void run(Side& side, Lock& lock) {
        side.state = Side::State::running;
        std::vector<Island::Answer> answers = std::exchange(side.answers, {});
        lock.unlock();
        std::vector<Island::Question> questions = side.island->go_on(std::move(answers));
        lock.lock();
        const auto sender = static_cast<std::size_t>(&side - sides_.data());
        for (Island::Question& question : questions) {
            handed_.push_back({{sender, question.number}, std::move(question.task)});
        }
        side.asked += questions.size();
        side.state = side.asked > 0 ? Side::State::waits : Side::State::spent;
        changed_.notify_all();
    }

    BatchScorer& scorer_;
    const StopToken& stop_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Side> sides_;
    std::vector<BatchScorer::Asked> handed_;  ///< not yet in a round
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
