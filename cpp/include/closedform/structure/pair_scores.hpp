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

#include <cstddef>
#include <memory>
#include <vector>

#include "closedform/core/row_sums.hpp"
#include "closedform/core/stop.hpp"
#include "closedform/core/table.hpp"
#include "closedform/surrogate/tensor_surrogate.hpp"

namespace closedform {

/// Scores of the pairs of some inputs, [inputs x inputs] row-major, symmetric, diagonal 0; NaN
/// where an input is discrete, for no second derivative is meant there, and where no row was seen.
struct PairScores {
    std::vector<std::size_t> inputs;
    std::vector<double> additive_median, additive_rms;
    std::vector<double> product_median, product_rms;
    double deviation = 0;  ///< std u
    double offset = 0;     ///< the c of the multiplicative scores
};

struct PairTotals;

/// What the scores are made from, for a given c.
using PairRowSums = RowSums<double, PairTotals>;

struct ScoreOptions {
    /// Inputs scored, ascending; the others are held at `anchor` (one value per input of the
    /// surrogate).
    std::vector<std::size_t> inputs;
    std::vector<double> anchor;
    std::vector<bool> discrete;  ///< per input of the surrogate
    bool free_offset = false;    ///< choose c; otherwise 0
    unsigned threads = 0;        ///< results do not depend on it
    StopToken stop = {};
    /// All inputs at all rows, where they lie elsewhere; null: the rows given, on the CPU.
    PairRowSums* pair_sums = nullptr;
    /// Of more rows, blocks are taken, evenly spaced: means over a million are as good as any.
    std::size_t most_rows = 1000000;
};

/// Of rows in this machine's memory; they and the options must live as long.
std::unique_ptr<PairRowSums> pair_sums(const TensorSurrogate& model, const Table& rows,
                                       const ScoreOptions& options);

/// One pass over the rows (two with free_offset), nothing kept of them. Where it is stopped, the
/// scores are of the rows seen so far.
PairScores score_pairs(const TensorSurrogate& model, const Table& rows,
                       const ScoreOptions& options);

}  // namespace closedform
