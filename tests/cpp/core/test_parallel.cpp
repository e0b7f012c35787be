#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <new>
#include <stdexcept>
#include <vector>

#include "core/parallel.hpp"

using closedform::parallel_for;

namespace {

/// How many allocations of this thread succeed before one fails; negative: all of them.
thread_local int allocations_left = -1;

}  // namespace

void* operator new(std::size_t size) {
    void* memory = allocations_left == 0 ? nullptr : std::malloc(std::max<std::size_t>(size, 1));
    allocations_left -= allocations_left >= 0 ? 1 : 0;
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

// Of one kind with the others for AddressSanitizer, whose own it would be.
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
    return std::malloc(std::max<std::size_t>(size, 1));
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }

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

TEST_CASE("memory that ends while threads start: fewer workers, or an exception") {
    constexpr std::size_t pieces = 64;
    int failures = 0;
    bool enough = false;
    for (int allocations = 0; !enough; ++allocations) {
        std::vector<int> hits(pieces, 0);
        const std::function<void(std::size_t, unsigned)> work = [&](std::size_t piece, unsigned) {
            ++hits[piece];
        };
        bool thrown = false;
        allocations_left = allocations;
        try {
            parallel_for(pieces, 5, work);
        } catch (const std::bad_alloc&) {
            thrown = true;
        }
        enough = allocations_left >= 0;  // none failed
        allocations_left = -1;
        failures += thrown ? 1 : 0;
        CHECK(hits == std::vector<int>(pieces, thrown ? 0 : 1));
    }
    CHECK(failures > 0);
}
