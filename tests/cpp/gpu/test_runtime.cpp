// What the drivers of cuda/ share: memory that is kept from call to call, and threads that stay.

#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

#include "cuda/runtime/kept_blocks.hpp"
#include "cuda/runtime/team.hpp"

using namespace closedform;
using gpu::KeptBlocks;

namespace {

constexpr std::size_t mega = std::size_t{1} << 20U;

KeptBlocks::Block block(char& byte, std::size_t bytes, int device = 0) {
    return {&byte, bytes, device};
}

}  // namespace

TEST_CASE("grid: kept memory goes to those who need about as much") {
    char bytes[3];
    KeptBlocks kept(100 * mega);
    CHECK(kept.take(0, mega).address == nullptr);
    CHECK(kept.give(block(bytes[0], 20 * mega)).empty());
    CHECK(kept.give(block(bytes[1], 18 * mega)).empty());
    CHECK(kept.give(block(bytes[2], 18 * mega, 1)).empty());
    CHECK(kept.bytes(0) == 38 * mega);
    CHECK(kept.take(0, 10 * mega).address == nullptr);  // too large for that
    CHECK(kept.take(0, 30 * mega).address == nullptr);
    CHECK(kept.take(0, 17 * mega).address == &bytes[1]);  // the smallest
    CHECK(kept.take(0, 17 * mega).address == &bytes[0]);
    CHECK(kept.take(0, 17 * mega).address == nullptr);  // another device's
    CHECK(kept.bytes(0) == 0);
    CHECK(kept.clear().size() == 1);
    CHECK(kept.bytes(1) == 0);
    CHECK(KeptBlocks::rounded(1) == 256);
    CHECK(KeptBlocks::rounded(257) == 512);
    CHECK(KeptBlocks::rounded(mega + 1) == 2 * mega);
    CHECK(KeptBlocks::rounded(5 * mega) == 6 * mega);
    CHECK(KeptBlocks::rounded(6 * mega) == 6 * mega);
}

TEST_CASE("grid: kept memory is bounded, and the oldest goes first") {
    char bytes[3];
    KeptBlocks kept(100 * mega);
    CHECK(kept.give(block(bytes[0], 60 * mega)).empty());
    CHECK(kept.give(block(bytes[1], 40 * mega)).empty());
    const auto dropped = kept.give(block(bytes[2], 10 * mega));
    REQUIRE(dropped.size() == 1);
    CHECK(dropped[0].address == &bytes[0]);
    CHECK(kept.bytes(0) == 50 * mega);
    CHECK(kept.give(block(bytes[0], 101 * mega)).size() == 3);  // itself too
    CHECK(kept.bytes(0) == 0);
}

TEST_CASE("grid: a team does every piece once, round after round") {
    gpu::Team team;
    std::vector<unsigned> done(1000, 0);
    for (unsigned round = 1; round <= 300; ++round) {
        const std::size_t count = round % 7 == 0 ? 0 : 1 + round * 37 % done.size();
        team.in_pieces(count, 1 + round % 90, [&](std::size_t first, std::size_t end) {
            for (std::size_t i = first; i < end; ++i) {
                ++done[i];
            }
        });
        for (std::size_t i = 0; i < done.size(); ++i) {
            REQUIRE(done[i] == (i < count ? 1U : 0U));
            done[i] = 0;
        }
        if (round % 100 == 0) {
            team.dismiss();
        }
    }
}
