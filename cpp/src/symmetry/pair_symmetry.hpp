#pragma once
// Tests whether the target's gradient lets two inputs merge, and into what.

#include <optional>
#include <span>
#include <vector>

#include "closedform/expression/expression.hpp"
#include "closedform/symmetry/merged_input.hpp"

namespace closedform {

/// The law T = g(c f1(z1) + f2(z2)) for one pair of inputs.
struct PairSymmetry {
    InputFunction first = InputFunction::identity;
    InputFunction second = InputFunction::identity;
    double c = 0.0;
    /// mean |a - b| / mean(|a| + |b|) with a, b as in Combined.
    double statistic = 0.0;
    double square = 0.0;  ///< mean (a - b)^2, nearly what the merge adds to the loss
};

/// The laws whose statistic is at most `largest`, c fitted by minimising the mean square of a - b.
/// weights: one a row, not negative.
std::vector<PairSymmetry> pair_symmetries(const MergedInput& first, const MergedInput& second,
                                          std::span<const double> weights, double largest);

/// a - b of every row.
std::vector<double> residual(const MergedInput& first, const MergedInput& second,
                             const PairSymmetry& law);

/// A law in the form in which it is written.
struct SettledPair {
    bool swapped = false;  ///< `how` takes the second input first
    Combination how;
    Combined rows;  ///< with the tape
    double statistic = 0.0;
};

/// How far off a simple number may be to be taken for c.
struct Tolerance {
    double share = 0.0;      ///< by which it may raise the mean square of a - b
    double statistic = 0.0;  ///< or up to which the statistic may come with it
};

/// Scales the law, takes a simple number for c if one is near, and writes it with `allowed`
/// operators.
/// Products take small integer powers, others only with pow and positive values. None when that
/// cannot be done, or only with a statistic above `largest`.
std::optional<SettledPair> settle(const MergedInput& first, const MergedInput& second,
                                  const PairSymmetry& law, std::span<const double> weights,
                                  const Tolerance& tolerance, double largest, const OpSet& allowed);

}  // namespace closedform
