#pragma once
// How nearly a surrogate is a sum or a product in each pair of its inputs, reduced row by row.
//
// The scores are our own definition (Ex-HiDeNN, arXiv 2507.05498, gives only the idea). Inputs are
// scaled to [0,1] by the grid's ends and u keeps its units:
//     additive pair        u_ij = 0                   s = q(|u_ij|) / (12 std u)
//     multiplicative pair  (u-c) u_ij - u_i u_j = 0   s = q(|(u-c) u_ij - u_i u_j|) / (12
//     median|u-c| std u)
// with q the median and the root mean square: the median alone misses coupling in a corner, the rms
// alone is ruled by the boundary. c is 0 where the function's own zero is known; inside a sum,
// where each part is only known up to a constant, c is the one of the pair it makes most nearly a
// product.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "closedform/core/table.hpp"
#include "closedform/surrogate/tensor_surrogate.hpp"
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

/// Scores of the pairs of some inputs, [inputs x inputs] row-major, symmetric, diagonal 0; NaN
/// where an input is discrete, for no second derivative is meant there.
struct PairScores {
    std::vector<std::size_t> inputs;
    std::vector<double> additive_median, additive_rms;
    std::vector<double> product_median, product_rms;
    double deviation = 0;  ///< std u
    double offset = 0;     ///< the c of the multiplicative scores
};

/// Sums over rows, with derivatives by n inputs scaled to [0,1]. Pair (i, j), i < j, is at
/// j (j - 1)/2 + i.
struct PairSums {
    explicit PairSums(std::size_t n)
        : slopes(n), bends(n * (n - 1) / 2), crossed(bends.size()), lean(bends.size()) {}
    double rows = 0, value = 0, square = 0;  ///< of u - c
    std::vector<double> slopes;              ///< u_i^2
    std::vector<double> bends;               ///< u_ij^2
    std::vector<double> crossed;             ///< ((u - c) u_ij - u_i u_j)^2
    std::vector<double> lean;                ///< ((u - c) u_ij - u_i u_j) u_ij
    void add(const PairSums& other);
};

/// Counts over rows of the same.
struct PairCounts {
    explicit PairCounts(std::size_t n) : bend(n * (n - 1) / 2), crossed(bend.size()) {}
    LogHistogram size;  ///< |u - c|
    std::vector<LogHistogram> bend, crossed;
    void merge(const PairCounts& other);
};

/// What scores are made from.
struct PairTotals {
    explicit PairTotals(std::size_t n) : sums(n), counts(n) {}
    PairSums sums;
    PairCounts counts;
};

struct ScoreOptions {
    /// Inputs scored; the others are held at `anchor` (one value per input of the surrogate).
    std::vector<std::size_t> inputs;
    std::vector<double> anchor;
    std::vector<bool> discrete;  ///< per input of the surrogate
    bool free_offset = false;    ///< choose c; otherwise 0
    unsigned threads = 0;        ///< results do not depend on it
    std::function<bool()> stop = {};
    /// Where the totals for a given c come from; empty: from the rows, on the CPU.
    std::function<PairTotals(double)> totals = {};
};

/// One pass over the rows (two with free_offset), nothing kept of them; of more than a million,
/// over blocks of them, evenly spaced, a million rows in all.
PairScores score_pairs(const TensorSurrogate& model, const Table& rows,
                       const ScoreOptions& options);

}  // namespace closedform
