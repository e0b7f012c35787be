#pragma once
// Threads that stay from one piece of work to the next: the rows of a call are packed and unpacked
// a chunk at a time, and to start threads for each of them takes as long as the copying. They end
// with the call (core/parallel.hpp says why).

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <system_error>
#include <thread>
#include <vector>

#include "core/parallel.hpp"

namespace closedform::gpu {

/// Used by one thread at a time.
class Team {
  public:
    Team() = default;
    ~Team() { dismiss(); }
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    /// Calls work(first, end) for pieces of `piece` out of `count` items on all cores, the caller's
    /// thread among them. The work must not throw. Threads start when there are two pieces.
    template <class Work>
    void in_pieces(std::size_t count, std::size_t piece, const Work& work) {
        const std::size_t pieces = (count + piece - 1) / piece;
        const auto one = [&](std::size_t p) { work(p * piece, std::min(count, (p + 1) * piece)); };
        if (pieces < 2 || pieces > UINT32_MAX || resolve_threads(0) == 1) {
            for (std::size_t p = 0; p < pieces; ++p) {
                one(p);
            }
            return;
        }
        work_ = [&](std::size_t left) { one(pieces - left); };
        start(pieces);
        done_ = 0;
        // Only now may they take pieces: what is written above is theirs to read.
        ticket_ = (ticket_ >> 32U << 32U) + next_round + pieces;
        ticket_.notify_all();
        take_pieces();
        for (std::size_t done = done_; done != pieces; done = done_) {
            done_.wait(done);
        }
    }

    /// Ends the threads; new ones start when they are needed.
    void dismiss() {
        if (threads_.empty()) {
            return;
        }
        ending_ = true;
        ticket_ += next_round;
        ticket_.notify_all();
        for (std::thread& thread : threads_) {
            thread.join();
        }
        threads_.clear();
        ending_ = false;
    }

  private:
    static constexpr std::uint64_t next_round = std::uint64_t{1} << 32U;
    /// Copying needs no more to reach the memory's bandwidth.
    static constexpr unsigned most_threads = 32;

    void start(std::size_t pieces) {
        const std::size_t wanted =
            std::min<std::size_t>({pieces, resolve_threads(0), most_threads}) - 1;
        while (threads_.size() < wanted) {
            try {
                threads_.emplace_back([this] {
                    while (!ending_) {
                        take_pieces();
                        const std::uint64_t seen = ticket_;
                        if (static_cast<std::uint32_t>(seen) == 0 && !ending_) {
                            ticket_.wait(seen);
                        }
                    }
                });
            } catch (const std::system_error&) {
                break;  // the system has no thread left: those that started do all pieces
            }
        }
    }

    void take_pieces() {
        std::uint64_t seen = ticket_;
        while (static_cast<std::uint32_t>(seen) != 0) {
            if (ticket_.compare_exchange_weak(seen, seen - 1)) {
                // The round cannot end before this piece is done.
                work_(static_cast<std::uint32_t>(seen));
                ++done_;
                done_.notify_one();
                seen = ticket_;
            }
        }
    }

    std::vector<std::thread> threads_;
    std::function<void(std::size_t left)> work_;
    /// The round, and below it how many of its pieces nobody has taken: a thread that wakes late
    /// cannot take one of an earlier round.
    std::atomic<std::uint64_t> ticket_{0};
    std::atomic<std::size_t> done_{0};
    std::atomic<bool> ending_{false};
};

}  // namespace closedform::gpu
