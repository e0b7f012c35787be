#include "core/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace closedform {
namespace {

/// Leaves no piece to be begun when it goes.
class Last {
  public:
    Last(std::atomic<std::size_t>& next, std::size_t pieces) : next_(next), pieces_(pieces) {}
    Last(const Last&) = delete;
    Last& operator=(const Last&) = delete;
    ~Last() { next_ = pieces_; }

  private:
    std::atomic<std::size_t>& next_;
    std::size_t pieces_;
};

}  // namespace

unsigned resolve_threads(unsigned requested) {
    return requested != 0 ? requested : std::max(1U, std::thread::hardware_concurrency());
}

void parallel_for(std::size_t pieces, unsigned threads,
                  const std::function<void(std::size_t, unsigned)>& work) {
    const auto workers = static_cast<unsigned>(
        std::min<std::size_t>(resolve_threads(threads), std::max<std::size_t>(pieces, 1)));
    std::atomic<std::size_t> next{0};
    std::exception_ptr failure;
    std::mutex failure_guard;
    const auto run = [&](unsigned worker) {
        for (std::size_t piece = next++; piece < pieces; piece = next++) {
            work(piece, worker);
        }
    };
    const auto run_other = [&](unsigned worker) {
        try {
            run(worker);
        } catch (...) {
            next = pieces;  // the others stop at their next piece
            const std::scoped_lock lock(failure_guard);
            if (!failure) {
                failure = std::current_exception();
            }
        }
    };
    {
        // Joined however this scope is left. What ends the caller's own thread is never caught: it
        // may be no exception at all but the system unwinding a thread that must end.
        std::vector<std::jthread> others;
        const Last last(next, pieces);
        others.reserve(workers - 1);
        for (unsigned worker = 1; worker < workers; ++worker) {
            try {
                others.emplace_back(run_other, worker);
            } catch (const std::exception&) {
                break;  // no thread or memory is left: those that started do all pieces
            }
        }
        run(0);
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace closedform
