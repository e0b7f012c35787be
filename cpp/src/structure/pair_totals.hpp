#pragma once
// The sums and counts over rows that separability scores are made from (pair_scores.hpp).

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/pair_row.hpp"

namespace closedform {

/// Counts of at most 2^32 - 1 positive numbers in bins of constant ratio, mergeable in any order.
/// There is one for every pair of inputs, and most sizes lie within a few octaves: memory is taken
/// for those that occur.
class LogHistogram {
  public:
    static constexpr std::size_t bins = kernels::log_bins;

    /// NaN is not counted; the sign is ignored.
    void add(double value) {
        if (value == value) {
            const auto bin = static_cast<std::size_t>(kernels::log_bin(value));
            ++range(bin / range_bins)[bin % range_bins];
        }
    }
    void merge(const LogHistogram& other);
    /// Counts of the same bins, kept elsewhere.
    void merge(std::span<const unsigned> counts);
    void add(std::size_t bin, std::uint32_t count) {
        range(bin / range_bins)[bin % range_bins] += count;
    }
    /// f(bin, count) for those that have counts, in ascending order.
    template <class F>
    void each(const F& f) const {
        for (std::size_t bin = 0; bin < bins; ++bin) {
            const auto& range = ranges_[bin / range_bins];
            if (range != nullptr && (*range)[bin % range_bins] > 0) {
                f(bin, (*range)[bin % range_bins]);
            }
        }
    }
    std::uint64_t count() const;
    /// To half a bin (4 %); 0 without counts or if the quantile lies in the first bin.
    double quantile(double q) const;

  private:
    static constexpr std::size_t range_bins = 16 * std::size_t{kernels::bins_per_octave};
    using Range = std::array<std::uint32_t, range_bins>;

    void merge(std::size_t number, std::span<const std::uint32_t> counts);
    Range& range(std::size_t number) {
        auto& there = ranges_[number];
        if (there == nullptr) {
            there = std::make_unique<Range>();
        }
        return *there;
    }

    std::array<std::unique_ptr<Range>, bins / range_bins> ranges_;  ///< null: zeros
};

/// Sums over rows, with derivatives by n inputs scaled to [0,1]. Pair (i, j), i < j, is at
/// j (j - 1)/2 + i.
struct PairSums {
    explicit PairSums(std::size_t n)
        : slopes(n),
          curvatures(n * (n - 1) / 2),
          product_residual(curvatures.size()),
          residual_curvature(curvatures.size()) {}
    double rows = 0, value = 0, square = 0;  ///< of u - c
    std::vector<double> slopes;              ///< u_i^2
    std::vector<double> curvatures;          ///< u_ij^2
    std::vector<double> product_residual;    ///< ((u - c) u_ij - u_i u_j)^2
    std::vector<double> residual_curvature;  ///< ((u - c) u_ij - u_i u_j) u_ij
    void add(const PairSums& other);
};

/// Counts over rows of the same.
struct PairCounts {
    explicit PairCounts(std::size_t n)
        : curvature(n * (n - 1) / 2), product_residual(curvature.size()) {}
    LogHistogram size;  ///< |u - c|
    std::vector<LogHistogram> curvature, product_residual;
    void merge(const PairCounts& other);
};

/// What scores are made from.
struct PairTotals {
    explicit PairTotals(std::size_t n) : sums(n), counts(n) {}
    PairSums sums;
    PairCounts counts;
};

}  // namespace closedform
