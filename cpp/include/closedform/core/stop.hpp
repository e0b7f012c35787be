#pragma once
// A moment after which nothing new is begun.

#include <chrono>
#include <cmath>

namespace closedform {

class Deadline {
  public:
    /// Never passes, and never reads the clock: results cannot depend on it.
    Deadline() = default;

    /// So many seconds from now; infinity for never.
    explicit Deadline(double seconds) : never_(!std::isfinite(seconds)) {
        if (!never_) {
            at_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                     std::chrono::duration<double>(std::fmin(seconds, longest)));
        }
    }

    bool passed() const { return !never_ && Clock::now() > at_; }

    /// The sooner of the two.
    static Deadline earlier(const Deadline& a, const Deadline& b) {
        return b.never_ || (!a.never_ && a.at_ < b.at_) ? a : b;
    }

  private:
    using Clock = std::chrono::steady_clock;
    static constexpr double longest = 1e9;  // seconds; more would overflow the clock's count
    bool never_ = true;
    Clock::time_point at_;
};

}  // namespace closedform
