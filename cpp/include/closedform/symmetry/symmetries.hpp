#pragma once
// Inputs that a field of unit gradients G lets merge before any formula is searched. The rules are
// our own: for T = g(a f1(z1) + b f2(z2), others) the ratio G1/G2 is a f1'(z1) / (b f2'(z2)), so
//     unused    G_k = 0               T does not depend on z_k
//     linear    G_1 = c G_2           on c z1 + z2
//     product   z1 G_1 = c z2 G_2     on z1^c z2, c the ratio of small integers
//     radius    G_1/z1 = c G_2/z2     on c z1^2 + z2^2
//     mixed     one side of one rule, the other of another: c z1 + z2^2, z1 exp(c z2), ...
// A merged input is an input again, so merges nest.
//
// No fixed bound tells true pairs from false: exact gradients of x1^2 + 3 x1 x2 + 2 x2^2 satisfy
// G_1 = c G_2 to 1 %, trained networks miss true symmetries by up to 10 %. A pair merges when it
// holds to rounding, or when what it misses cannot be predicted from the inputs (noise). What is
// small but predictable is a network's smooth error or a false pair; the gradients alone cannot
// tell, so such merges are proposed apart, to be judged by the loss they lead to.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/core/stop.hpp"
#include "closedform/expression/expression.hpp"
#include "closedform/symmetry/merged_input.hpp"

namespace closedform {

struct Merge {
    MergeKind kind = MergeKind::unused;
    Tape tape;                 ///< the merged input (of unused: the input that is left out)
    std::vector<Tape> inputs;  ///< what was merged
    /// mean |a - b| / mean(|a| + |b|), where a and b are the two sides of the rule as they enter
    /// the component of the unit gradient that the merge gives up, a - b. Of unused: mean |U_k|.
    double statistic = 0.0;
    double noise = 0.0;  ///< the part of the statistic that the inputs do not predict
    double loss = 0.0;   ///< what the merge adds to Merging::loss
};

struct Merging {
    std::vector<Merge> merges;        ///< in order
    std::vector<MergedInput> inputs;  ///< what is left, with all rows
    /// Weighted mean of 2 - 2 |u projected on the span of the inputs' gradients|, over rows whose
    /// gradient is not zero: no formula of the merged inputs has a smaller cosine loss.
    double loss = 0.0;
    bool exact = true;  ///< every merge holds to rounding
};

struct Symmetries {
    Merging certain;
    /// The same and further merges that only a search can judge. None when there are no such, or
    /// when a merge holds to rounding: then the data are exact, and what does not is false.
    std::optional<Merging> tentative;
};

/// x, u: rows x inputs, u the unit gradients (rows of zeros say nothing and are left out of every
/// test). scales: the units of the inputs in which they are of length 1, a column each, or empty:
/// u_k is parallel to scale_k dT/dx_k. weights: one a row, not negative, or empty. Tests on at most
/// 2,048 rows drawn by `seed`, then checks every merge on all rows and drops those, with all that
/// follow, that hold less well there. Stopped, it has those merges that were found and checked
/// until then. Throws std::invalid_argument when shapes differ or no row has a gradient.
Symmetries find_symmetries(MatrixView<const double> x, MatrixView<const double> u,
                           std::span<const double> scales, std::span<const double> weights,
                           const OpSet& operators, std::uint64_t seed, const StopToken& stop = {});

}  // namespace closedform
