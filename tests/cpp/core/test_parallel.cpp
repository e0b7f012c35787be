#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

#include "core/parallel.hpp"

using closedform::parallel_for;

// .ci/run repeats the tests with "thread" or "worker" in their names under ThreadSanitizer.

TEST_CASE("every piece runs once, for any number of threads") {
    for (const unsigned threads : {1U, 2U, 7U}) {
        for (const std::size_t pieces : {std::size_t{0}, std::size_t{1}, std::size_t{1000}}) {
            std::vector<int> hits(pieces, 0);
            parallel_for(pieces, threads, [&](std::size_t piece, unsigned) { ++hits[piece]; });
            CHECK(hits == std::vector<int>(pieces, 1));
        }
    }
}

TEST_CASE("an exception in a worker reaches the caller") {
    CHECK_THROWS_AS(parallel_for(100, 2,
                                 [](std::size_t piece, unsigned) {
                                     if (piece == 57) {
                                         throw std::runtime_error("piece 57");
                                     }
                                 }),
                    std::runtime_error);
}
