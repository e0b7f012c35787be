#pragma once
// When to end: the one clock of the library, and the one way to ask whether to go on.

#include <functional>
#include <memory>

namespace closedform {

/// A moment after which nothing new is begun, or whoever says so before. Copies are the same token:
/// what stops one stops all. Every loop that can last asks `stopped()`, from any thread; it costs
/// a reading of the clock at most.
class StopToken {
  public:
    /// Never stops, and never reads the clock: results cannot depend on it.
    StopToken() = default;

    /// So many seconds from now; infinity for never. `ask` is called from the thread that made the
    /// token alone, at most every 20 milliseconds, and ends all by returning true; may be empty.
    explicit StopToken(double seconds, std::function<bool()> ask = {});

    /// Stops with this one, or so many seconds from now, or by `ask` as above.
    StopToken within(double seconds, std::function<bool()> ask = {}) const;

    bool stopped() const;

    /// Whether `ask` (or stop()) ended it, not the clock.
    bool interrupted() const;

    /// Ends it now.
    void stop() const;

    /// Seconds until the clock ends it; infinity for never.
    double left() const;

  private:
    struct State;
    std::shared_ptr<State> state_;  ///< null: never
};

}  // namespace closedform
