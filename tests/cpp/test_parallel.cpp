#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

#include "closedform/parallel.hpp"

using closedform::parallel_for;

// Suite "threads": what .ci/run repeats under ThreadSanitizer.
TEST_SUITE_BEGIN("threads");

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

TEST_SUITE_END();
