#pragma once
// Rows drawn at random, in memory that depends on how many are drawn and not on how many there are.

#include <algorithm>
#include <cstddef>
#include <unordered_map>
#include <vector>

#include "core/random.hpp"

namespace closedform {

/// `wanted` different numbers below `count` (all of them where there are fewer), in random order:
/// the first steps of a Fisher-Yates shuffle that remembers only the places it has touched.
inline std::vector<std::size_t> draw(std::size_t count, std::size_t wanted, Random& random) {
    wanted = std::min(wanted, count);
    std::vector<std::size_t> drawn;
    drawn.reserve(wanted);
    std::unordered_map<std::size_t, std::size_t> moved;
    const auto at = [&](std::size_t place) {
        const auto found = moved.find(place);
        return found == moved.end() ? place : found->second;
    };
    for (std::size_t i = 0; i < wanted; ++i) {
        const std::size_t other = i + random.below(count - i);
        drawn.push_back(at(other));
        moved[other] = at(i);
    }
    return drawn;
}

}  // namespace closedform
