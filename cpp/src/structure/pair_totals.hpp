#pragma once
// The sums and counts over rows that separability scores are made from (pair_scores.hpp).

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/pair_row.hpp"

namespace closedform {

/// Counts of positive numbers in bins of constant ratio: constant memory, mergeable in any order.
class LogHistogram {
  public:
    static constexpr std::size_t bins = kernels::log_bins;

    /// NaN is not counted; the sign is ignored.
    void add(double value) {
        if (value == value) {
            ++counts_[static_cast<std::size_t>(kernels::log_bin(value))];
        }
    }
    void merge(const LogHistogram& other);
    /// Counts of the same bins, kept elsewhere.
    void merge(std::span<const unsigned> counts);
    std::uint64_t count() const;
    /// To half a bin (4 %); 0 without counts or if the quantile lies in the first bin.
    double quantile(double q) const;

  private:
    std::array<std::uint64_t, bins> counts_{};
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
