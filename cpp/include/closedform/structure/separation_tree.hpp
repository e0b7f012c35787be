#pragma once
// A function written as nested sums and products of functions of disjoint blocks of inputs.

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "closedform/structure/pair_scores.hpp"

namespace closedform {

struct SeparationTree {
    enum class Kind { leaf, sum, product };
    Kind kind = Kind::leaf;
    std::vector<std::size_t> inputs;    ///< all inputs below, ascending
    std::vector<SeparationTree> parts;  ///< at least two, unless a leaf; blocks do not overlap

    static SeparationTree leaf(std::vector<std::size_t> inputs);
    static SeparationTree of(Kind kind, std::vector<SeparationTree> parts);
    bool operator==(const SeparationTree&) const = default;

    std::size_t leaves() const;
    std::size_t largest_leaf() const;  ///< inputs of the leaf with most
    /// For example "sum(product(0, sum(1, 2)), 3)".
    std::string text() const;
};

/// The scores of a block of inputs, the others held at an anchor; `inside_sum`: with a free offset.
using BlockScores =
    std::function<const PairScores&(const std::vector<std::size_t>& inputs, bool inside_sum)>;

/// Splits, recursively: components of pairs that are not additive make a sum, inside one of them
/// components of pairs that are not multiplicative make a product, and so on. A pair counts as
/// separable when both of its scores (median and rms) lie below the threshold; NaN does not.
/// Our own definition (section 5 of the reference).
SeparationTree split_by_scores(const std::vector<std::size_t>& inputs, double sum_threshold,
                               double product_threshold, const BlockScores& scores);

}  // namespace closedform
