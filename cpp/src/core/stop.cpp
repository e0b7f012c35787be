#include "closedform/core/stop.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>
#include <utility>

namespace closedform {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double longest = 1e9;  // seconds; more would overflow the clock's count
constexpr std::chrono::milliseconds ask_period{20};

}  // namespace

struct StopToken::State {
    std::atomic<bool> ended{false};  ///< by whoever was asked
    std::atomic<Clock::rep> end{Clock::time_point::max().time_since_epoch().count()};
    std::function<bool()> ask;
    std::thread::id owner = std::this_thread::get_id();
    Clock::time_point asked;  ///< read and written by the owner alone
    std::shared_ptr<State> above;

    void end_in(double seconds) {
        if (std::isfinite(seconds)) {
            const std::chrono::duration<double> span(std::min(seconds, longest));
            end = (Clock::now() + std::chrono::duration_cast<Clock::duration>(span))
                      .time_since_epoch()
                      .count();
        }
    }
    bool timed() const { return end != Clock::time_point::max().time_since_epoch().count(); }

    bool stopped() {
        if (ended || (above != nullptr && above->stopped())) {
            return true;
        }
        const bool asks = ask != nullptr && std::this_thread::get_id() == owner;
        if (!asks && !timed()) {
            return false;
        }
        const auto now = Clock::now();
        if (asks && now - asked >= ask_period) {
            asked = now;
            try {
                ended = ended || ask();
            } catch (...) {
                ended = true;  // for the other threads
                throw;
            }
            if (ended) {
                return true;
            }
        }
        return now.time_since_epoch().count() > end;
    }
};

StopToken::StopToken(double seconds, std::function<bool()> ask) {
    if (std::isfinite(seconds) || ask) {
        state_ = std::make_shared<State>();
        state_->end_in(seconds);
        state_->ask = std::move(ask);
    }
}

StopToken StopToken::within(double seconds, std::function<bool()> ask) const {
    StopToken result;
    result.state_ = std::make_shared<State>();
    result.state_->above = state_;
    result.state_->end_in(seconds);
    result.state_->ask = std::move(ask);
    return result;
}

bool StopToken::stopped() const { return state_ != nullptr && state_->stopped(); }

bool StopToken::interrupted() const {
    for (const State* at = state_.get(); at != nullptr; at = at->above.get()) {
        if (at->ended) {
            return true;
        }
    }
    return false;
}

void StopToken::stop() const {
    if (state_ != nullptr) {
        state_->ended = true;
    }
}

double StopToken::left() const {
    double least = std::numeric_limits<double>::infinity();
    for (const State* at = state_.get(); at != nullptr; at = at->above.get()) {
        if (at->timed()) {
            const Clock::duration left(at->end - Clock::now().time_since_epoch().count());
            least = std::min(least, std::chrono::duration<double>(left).count());
        }
    }
    return least;
}

}  // namespace closedform
