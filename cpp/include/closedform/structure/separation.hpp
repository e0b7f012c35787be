#pragma once
// From a surrogate to the structure of the function behind it: inputs without effect, pairwise
// scores, candidate trees, and the decision between them by error on rows held out.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "closedform/core/link_function.hpp"
#include "closedform/core/stop.hpp"
#include "closedform/structure/pair_scores.hpp"
#include "closedform/structure/separation_tree.hpp"

namespace closedform {

struct SeparationOptions {
    std::vector<bool> discrete;  ///< per input: no second derivative is meant
    double held_out_error = 0;   ///< the surrogate's
    std::size_t segments = 10;   ///< the surrogate's
    double smoothing = 1e-8;     ///< the surrogate's
    std::uint64_t seed = 0;
    unsigned threads = 0;
    double time = 10;  ///< seconds; what was found until then is the result
    StopToken stop = {};
    /// As ScoreOptions::pair_sums, of the model and the rows.
    PairRowSums* pair_sums = nullptr;
};

/// A tree that was tried, with its error on rows held out.
struct TriedTree {
    SeparationTree tree;
    double error = 0;
};

struct Separation {
    PairScores scores;  ///< of all inputs, at the rows themselves; of none where they are over 256
    /// Per input, the rms change of u when the input alone is taken from another row, over
    /// sqrt(2) std u: the root of its total Sobol index.
    std::vector<double> effect;
    std::vector<bool> active;
    SeparationTree tree;  ///< over the active inputs
    std::vector<double> anchor;
    std::vector<TriedTree> tried;
    bool complete = true;  ///< the time was not over before all was tried
    /// Where nothing splits: the link behind which the function is additive in its inputs, or
    /// identity if there is none, and the held-out error of that fit (0 if none was tried).
    Link link = Link::identity;
    double link_error = 0;
    double general_error = 0;  ///< of the surrogate without structure, on the same kind of rows
    std::vector<TensorSurrogate> leaves;  ///< of the tree, fitted to all rows
    std::vector<std::vector<std::size_t>> leaf_inputs;
};

/// `y` may be empty: then trees are fitted to the surrogate's own values, and one whose misfit the
/// surrogate's held-out error explains is accepted.
Separation separate(const TensorSurrogate& model, const Table& rows, std::span<const double> y,
                    std::span<const double> weights, const SeparationOptions& options);

}  // namespace closedform
