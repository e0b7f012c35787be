#pragma once
// A separation tree fitted to data: one small tensor surrogate per leaf, each linear in the value
// of the whole when the others are fixed, so that they are fitted in turn. Comparing its error on
// rows held out with the free surrogate's decides whether the data are of the tree's form.

#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "closedform/core/stop.hpp"
#include "closedform/structure/separation_tree.hpp"
#include "closedform/surrogate/fit_surrogate.hpp"
#include "surrogate/als.hpp"
#include "surrogate/column_grids.hpp"
#include "surrogate/cross_validation.hpp"

namespace closedform {

/// At most this many rows are used: a tree has few parameters.
inline constexpr std::size_t tree_rows = 20000;

/// Rows drawn evenly from a table, gathered once for many tree fits.
struct TreeSample {
    /// Without a `y`, the model's own values are the target.
    TreeSample(const TensorSurrogate& model, const Table& x, std::span<const double> y,
               std::span<const double> weights, std::uint64_t seed, unsigned threads);
    std::size_t rows = 0;
    std::size_t inputs = 0;
    std::vector<double> x;  ///< [rows][inputs]
    std::vector<double> y;
    std::vector<double> weights;  ///< empty: ones
    double deviation = 0;         ///< standard deviation of y
    HeldOut held_out;
    Grids grids;
};

struct TreeFitOptions {
    std::size_t segments = 10;
    double smoothing = 1e-8;
    std::size_t patch = 2;
    std::size_t degree = 2;
    std::size_t sweeps = 30;
};

/// Where a fit starts: the surrogate, read along each block with the other inputs at `anchor`.
struct TreeStart {
    const TensorSurrogate& model;
    std::vector<double> anchor;
    /// The constant to take off the surrogate's slice to make it a product, for blocks inside a
    /// sum.
    std::map<std::vector<std::size_t>, double> offsets;
};

class FittedTree {
  public:
    /// Values from the surrogate's slices, not fitted yet.
    FittedTree(const SeparationTree& tree, const TreeStart& start, const TreeSample& sample,
               const TreeFitOptions& options);

    /// Fits to these rows of the sample.
    void fit(const TreeSample& sample, ChosenRows rows, const TreeFitOptions& options,
             const StopToken& stop);

    /// Value of every row of a table with all inputs.
    std::vector<double> value(const TreeSample& sample) const;

    const SeparationTree& tree() const { return tree_; }
    /// Leaves in the order they appear in the tree, each over its own inputs only.
    const std::vector<TensorSurrogate>& leaves() const { return leaves_; }
    const std::vector<std::vector<std::size_t>>& leaf_inputs() const { return leaf_inputs_; }

  private:
    struct Node {
        SeparationTree::Kind kind = SeparationTree::Kind::leaf;
        std::size_t parent = 0;
        std::vector<std::size_t> children;
        std::size_t leaf = 0;
        double constant = 0;  ///< of a sum
    };
    std::size_t build(const SeparationTree& tree, std::size_t parent, double scale, double shift,
                      const TreeStart& start, const TreeSample& sample,
                      const TreeFitOptions& options);
    class Fitting;

    void leaf_values(const TreeSample& sample, std::size_t leaf, std::vector<double>& out) const;
    void combine(std::vector<std::vector<double>>& values, std::size_t node) const;

    SeparationTree tree_;
    std::vector<Node> nodes_;  ///< parents before children
    std::vector<TensorSurrogate> leaves_;
    std::vector<std::vector<std::size_t>> leaf_inputs_;
};

/// The tree's value at every row that some fold holds out, fitted to that fold's other rows; NaN at
/// the others, and at all where it was stopped before every fold was fitted.
std::vector<double> held_out_values(const SeparationTree& tree, const TreeStart& start,
                                    const TreeSample& sample, const TreeFitOptions& options,
                                    unsigned threads, const StopToken& stop);

/// Errors on rows that were held out.
struct HeldOutErrors {
    /// Root of their weighted mean square, over the deviation of y; infinite where it is not
    /// finite.
    double relative = 0;
    /// One a row, in the folds' order, whose mean is the square of `relative`.
    std::vector<double> squares;
};

/// Errors of values at all rows of the sample, taken where a fold holds the row out.
HeldOutErrors errors_held_out(const std::vector<double>& values, const TreeSample& sample);

/// Standard error of the log of a's mean square over b's, both on the same rows. By the delta
/// method (Oehlert 1992) that is the standard error of the mean of the paired differences, each
/// square over its own mean: errors that go together row by row leave little standard_error. Of an
/// error that has no squares nothing is known row by row: it is taken as a number without error.
double standard_error(const HeldOutErrors& a, const HeldOutErrors& b);

/// Errors of the tree on the sample's held-out rows, fold by fold fitted to the others.
HeldOutErrors held_out_errors(const SeparationTree& tree, const TreeStart& start,
                              const TreeSample& sample, const TreeFitOptions& options,
                              unsigned threads, const StopToken& stop);

}  // namespace closedform
