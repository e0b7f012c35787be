#pragma once
// Small, seeded, the same on every platform (std's distributions are not).

#include <cstddef>
#include <cstdint>

namespace closedform {

/// SplitMix64 (Steele, Lea, Flood 2014).
class SmallRandom {
  public:
    explicit SmallRandom(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31U);
    }
    /// In [0, 1).
    double uniform() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
    /// In [-1, 1), bell-shaped.
    double bell() { return (uniform() + uniform() + uniform()) * 2 / 3 - 1; }
    std::size_t below(std::size_t n) {
        return static_cast<std::size_t>(uniform() * static_cast<double>(n));
    }

  private:
    std::uint64_t state_;
};

}  // namespace closedform
