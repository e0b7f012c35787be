#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <thread>

#include "closedform/core/stop.hpp"
#include "core/parallel.hpp"

using closedform::StopToken;

constexpr double never = std::numeric_limits<double>::infinity();

TEST_CASE("a stop token without limits never stops; one whose time is over has stopped") {
    CHECK_FALSE(StopToken().stopped());
    CHECK(std::isinf(StopToken().left()));
    CHECK_FALSE(StopToken(never).stopped());
    const StopToken over(-1.0);
    CHECK(over.stopped());
    CHECK_FALSE(over.interrupted());
    CHECK(over.left() < 0.0);
    CHECK_FALSE(StopToken(1e300).stopped());  // more than the clock can count
}

TEST_CASE("who is asked ends all copies and what was made from them, and is not asked again") {
    int asked = 0;
    const StopToken token(never, [&] { return ++asked > 0; });
    const StopToken copy = token;
    const StopToken part = token.within(1e6);
    CHECK_FALSE(copy.interrupted());
    CHECK(part.stopped());
    CHECK(copy.stopped());
    CHECK(token.interrupted());
    CHECK(part.interrupted());
    CHECK(asked == 1);
}

TEST_CASE("a part ends without the whole; the whole ends its parts") {
    const StopToken whole(1e6);
    const StopToken part = whole.within(-1.0);
    CHECK(part.stopped());
    CHECK_FALSE(whole.stopped());
    CHECK(whole.within(1e9).left() <= 1e6);
    const StopToken other = whole.within(1e6);
    part.stop();
    CHECK_FALSE(other.stopped());
    whole.stop();
    CHECK(other.interrupted());
}

TEST_CASE("only the thread that made a token asks; what is thrown there ends the other threads") {
    std::thread::id asked;
    const StopToken token(never, [&]() -> bool {
        asked = std::this_thread::get_id();
        throw std::runtime_error("no more");
    });
    CHECK_THROWS_WITH(closedform::parallel_for(4, 2,
                                               [&](std::size_t, unsigned) {
                                                   while (!token.stopped()) {
                                                       std::this_thread::yield();
                                                   }
                                               }),
                      "no more");
    CHECK(asked == std::this_thread::get_id());
    CHECK(token.interrupted());
}
