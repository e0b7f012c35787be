#include "closedform/structure/separation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <stdexcept>

#include "closedform/core/stop.hpp"
#include "core/parallel.hpp"
#include "structure/input_effects.hpp"
#include "structure/link_search.hpp"
#include "structure/pair_totals.hpp"
#include "structure/tree_fit.hpp"

namespace closedform {
namespace {

/// Thresholds at which the scores propose trees; which proposal holds is decided by held-out error.
constexpr double thresholds[] = {1e-3, 4e-3, 1e-2, 3e-2, 0.1, 0.3};
/// A simpler tree may be worse than the best by so many standard errors of their difference, so
/// that few rows cannot refuse a tree by chance, or by this factor, which the choice among a few
/// grids explains with any number of rows.
constexpr double standard_errors = 2;
constexpr double indulgence = 1.05;
/// Where both are exact but for the grids' interpolation error, by this factor.
constexpr double exact = 3e-4;
constexpr double exact_indulgence = 10;
/// Error up to which fits differ by rounding.
constexpr double rounding = 1e-7;
/// Pairs of more inputs are not scored: what is kept of them grows with the square.
constexpr std::size_t most_scored = 256;
/// Shares of the time: for scores at the rows themselves, and for all but the last fit.
constexpr double scoring = 0.3;
constexpr double trying = 0.9;

class Separator {
  public:
    Separator(const TensorSurrogate& model, const Table& rows, std::span<const double> y,
              std::span<const double> weights, const SeparationOptions& options)
        : model_(model),
          rows_(rows),
          options_(options),
          fitted_to_surrogate_(y.empty()),
          sample_(model, rows, y, weights, options.seed, options.threads),
          last_(options.stop.within(options.time)),
          stop_(last_.within(trying * options.time)) {}

    Separation run();

  private:
    void choose_anchor();
    void measure_effects();
    void screen();
    void score();
    void choose_tree();
    void fit_leaves();
    const PairScores& block(const std::vector<std::size_t>& inputs, bool inside_sum);
    std::vector<SeparationTree> proposals();
    HeldOutErrors errors_of(const SeparationTree& tree, TreeFitOptions& best, double reference);
    bool holds(const HeldOutErrors& errors, const HeldOutErrors& best) const;
    TreeStart start() const;
    bool late() const { return stop_.stopped(); }

    const TensorSurrogate& model_;
    const Table& rows_;
    const SeparationOptions& options_;
    bool fitted_to_surrogate_;
    TreeSample sample_;
    StopToken last_;  ///< or the time is over
    StopToken stop_;  ///< or what is left of it is the last fit's
    Separation result_;
    std::vector<std::size_t> inputs_;  ///< the active ones
    std::map<std::vector<std::size_t>, PairScores> blocks_[2];
    TreeFitOptions chosen_;  ///< of the tree
};

/// A row near the middle of the data at which u is not small: slices through it represent the data,
/// and ratios to it are safe.
void Separator::choose_anchor() {
    const std::size_t d = model_.inputs();
    std::vector<double> middle(d);
    std::vector<double> range(d);
    for (std::size_t k = 0; k < d; ++k) {
        const auto& sorted = sample_.grids.sorted[k];
        middle[k] = sorted[sorted.size() / 2];
        range[k] = std::max(sorted.back() - sorted.front(), std::numeric_limits<double>::min());
    }
    std::vector<double> u(sample_.rows);
    model_.value(MatrixView<const double>(sample_.x.data(), sample_.rows, d), u.data(),
                 options_.threads);
    std::vector<double> size(u.size());
    std::transform(u.begin(), u.end(), size.begin(), [](double v) { return std::abs(v); });
    std::nth_element(size.begin(), size.begin() + static_cast<std::ptrdiff_t>(size.size() / 2),
                     size.end());
    const double typical = size[size.size() / 2];
    double least = std::numeric_limits<double>::infinity();
    std::size_t chosen = 0;
    for (std::size_t i = 0; i < sample_.rows; ++i) {
        double distance = std::abs(u[i]) < typical / 2 ? 1.0 : 0.0;
        for (std::size_t k = 0; k < d; ++k) {
            const double step = (sample_.x[i * d + k] - middle[k]) / range[k];
            distance += step * step / static_cast<double>(d);
        }
        if (distance < least) {
            least = distance;
            chosen = i;
        }
    }
    const auto row = sample_.x.begin() + static_cast<std::ptrdiff_t>(chosen * d);
    result_.anchor.assign(row, row + static_cast<std::ptrdiff_t>(d));
}

const PairScores& Separator::block(const std::vector<std::size_t>& inputs, bool inside_sum) {
    auto& known = blocks_[inside_sum ? 1 : 0];
    auto found = known.find(inputs);
    if (found == known.end()) {
        // Rows beyond the sample would not change a proposal.
        const Table rows = MatrixView<const double>(sample_.x.data(), sample_.rows, sample_.inputs);
        found = known
                    .emplace(inputs, score_pairs(model_, rows,
                                                 {inputs,
                                                  result_.anchor,
                                                  options_.discrete,
                                                  inside_sum,
                                                  options_.threads,
                                                  stop_,
                                                  {}}))
                    .first;
    }
    return found->second;
}

TreeStart Separator::start() const {
    TreeStart start{model_, result_.anchor, {}};
    for (const auto& [inputs, scores] : blocks_[1]) {
        start.offsets[inputs] = scores.offset;
    }
    return start;
}

/// The tree's errors at the best of a few sizes, which `best` names afterwards. The search of sizes
/// is given up early on trees far worse than `reference`. Infinite where the time was over before
/// one was fitted.
HeldOutErrors Separator::errors_of(const SeparationTree& tree, TreeFitOptions& best,
                                   double reference) {
    const TreeStart from = start();
    const auto errors = [&](const TreeFitOptions& o) {
        return late() ? HeldOutErrors{std::numeric_limits<double>::infinity(), {}}
                      : held_out_errors(tree, from, sample_, o, options_.threads, stop_);
    };
    best = {};
    best.segments = options_.segments;
    best.smoothing = options_.smoothing;
    HeldOutErrors least = errors(best);
    const auto consider = [&](std::size_t segments, double smoothing) {
        TreeFitOptions o = best;
        o.segments = segments;
        o.smoothing = smoothing;
        HeldOutErrors e = errors(o);
        if (e.relative < least.relative) {
            least = std::move(e);
            best = o;
        }
    };
    for (const double smoothing : {1e-4, 1e-6, 1e-8, 1e-11}) {
        consider(options_.segments, smoothing);
    }
    if (least.relative < 10 * reference) {
        const std::size_t limit = std::max<std::size_t>(options_.segments, sample_.rows / 3);
        for (const double ratio : {0.5, 2.0, 4.0}) {
            const auto segments = static_cast<std::size_t>(
                std::lround(ratio * static_cast<double>(options_.segments)));
            if (segments >= 3 && segments <= std::min<std::size_t>(limit, 100)) {
                consider(segments, best.smoothing);
            }
        }
        if (least.relative > reference) {
            best.sweeps *= 4;
            consider(best.segments, best.smoothing / 100);
            consider(best.segments, best.smoothing);
        }
    }
    return least;
}

void Separator::measure_effects() {
    const MatrixView<const double> x(sample_.x.data(), sample_.rows, model_.inputs());
    std::vector<double> u(sample_.rows);
    model_.value(x, u.data(), options_.threads);
    const double deviation =
        std::max(weighted_moments(u, {}).deviation, std::numeric_limits<double>::min());
    result_.effect = input_effects(model_, x, options_.threads, stop_);
    for (double& effect : result_.effect) {
        effect /= deviation;
    }
}

/// Inputs whose effect the surrogate's error hides are dropped when the fit does without them.
void Separator::screen() {
    const std::size_t d = model_.inputs();
    result_.active.assign(d, true);
    const double noise = std::min(options_.held_out_error, 1.0);
    std::vector<std::size_t> kept;
    std::vector<std::size_t> strongest;
    for (std::size_t k = 0; k < d; ++k) {
        const double effect = result_.effect[k];
        if (effect > std::min(3 * noise, 0.3) + 1e-9) {
            kept.push_back(k);
        }
        if (effect > 0.3 * noise + 1e-9) {
            strongest.push_back(k);
        }
    }
    if (kept.size() < d && !kept.empty() && kept != strongest) {
        // An effect as large as the error itself would raise it by 40 %.
        TreeFitOptions sizes;
        const double without = errors_of(SeparationTree::leaf(kept), sizes, noise).relative;
        const double limit = std::max((fitted_to_surrogate_ ? 1.5 : 1.2) * noise + 1e-9,
                                      std::min(exact, exact_indulgence * noise));
        if (!(without <= limit)) {
            kept = strongest;
        }
    }
    if (kept.empty()) {
        const auto& effect = result_.effect;
        kept = {static_cast<std::size_t>(std::max_element(effect.begin(), effect.end()) -
                                         effect.begin())};
    }
    inputs_ = kept;
    for (std::size_t k = 0; k < d; ++k) {
        result_.active[k] = std::find(kept.begin(), kept.end(), k) != kept.end();
    }
}

/// Of all pairs at the rows themselves: shown, and not what trees are proposed by.
void Separator::score() {
    const std::size_t d = model_.inputs();
    if (d > most_scored) {
        return;
    }
    std::vector<std::size_t> all(d);
    std::iota(all.begin(), all.end(), std::size_t{0});
    result_.scores = score_pairs(model_, rows_,
                                 {all, result_.anchor, options_.discrete, false, options_.threads,
                                  stop_.within(scoring * options_.time), options_.pair_sums});
}

std::vector<SeparationTree> Separator::proposals() {
    std::vector<SeparationTree> found;
    if (inputs_.size() > most_scored) {
        return found;
    }
    const auto propose = [&](SeparationTree tree) {
        if (std::find(found.begin(), found.end(), tree) == found.end()) {
            found.push_back(std::move(tree));
        }
    };
    const BlockScores scores = [this](const std::vector<std::size_t>& inputs,
                                      bool inside_sum) -> const PairScores& {
        return block(inputs, inside_sum);
    };
    for (const double sums : thresholds) {
        for (const double products : thresholds) {
            propose(split_by_scores(inputs_, sums, products, scores));
        }
    }
    const bool levels = std::any_of(inputs_.begin(), inputs_.end(),
                                    [&](std::size_t k) { return options_.discrete[k]; });
    if (inputs_.size() > 1 && inputs_.size() <= 12 && !levels) {
        std::vector<SeparationTree> singles;
        for (const std::size_t k : inputs_) {
            singles.push_back(SeparationTree::leaf({k}));
        }
        propose(SeparationTree::of(SeparationTree::Kind::product, singles));
        propose(SeparationTree::of(SeparationTree::Kind::sum, singles));
    }
    std::erase(found, SeparationTree::leaf(inputs_));
    // The simplest first: small leaves, then many.
    std::stable_sort(
        found.begin(), found.end(), [](const SeparationTree& a, const SeparationTree& b) {
            return a.largest_leaf() != b.largest_leaf() ? a.largest_leaf() < b.largest_leaf()
                                                        : a.leaves() > b.leaves();
        });
    return found;
}

/// Whether a fit is as good as the free surrogate and as the best tree, as far as the rows held out
/// can tell. What the surrogate leaves unexplained is known as a number only.
bool Separator::holds(const HeldOutErrors& errors, const HeldOutErrors& best) const {
    const double reference = std::min(options_.held_out_error, best.relative) + rounding;
    if (!std::isfinite(errors.relative)) {
        return false;
    }
    if (errors.relative <= exact && errors.relative <= exact_indulgence * reference) {
        return true;
    }
    if (fitted_to_surrogate_) {
        return errors.relative <= 1.5 * reference;
    }
    const auto as_good_as = [&](const HeldOutErrors& other) {
        return 2 * std::log(errors.relative / (other.relative + rounding)) <=
               std::max(2 * std::log(indulgence), standard_errors * standard_error(errors, other));
    };
    return as_good_as({options_.held_out_error, {}}) && as_good_as(best);
}

void Separator::choose_tree() {
    // What a tree's error is measured against: the free surrogate's, or what the surrogate itself
    // leaves unexplained if trees are fitted to it.
    double reference = options_.held_out_error + rounding;
    std::vector<TreeFitOptions> sizes;
    std::vector<HeldOutErrors> errors;
    HeldOutErrors least{std::numeric_limits<double>::infinity(), {}};
    for (const SeparationTree& tree : proposals()) {
        TreeFitOptions best;
        HeldOutErrors found = errors_of(tree, best, reference);
        if (late() && !std::isfinite(found.relative)) {
            break;
        }
        const double error = found.relative;
        errors.push_back(std::move(found));
        result_.tried.push_back({tree, error});
        sizes.push_back(best);
        if (!fitted_to_surrogate_ && error < least.relative) {
            least = errors.back();
            reference = std::min(reference, error + rounding);
        }
    }
    result_.tree = SeparationTree::leaf(inputs_);
    chosen_.segments = options_.segments;
    chosen_.smoothing = options_.smoothing;
    for (std::size_t i = 0; i < result_.tried.size(); ++i) {
        if (holds(errors[i], least)) {
            result_.tree = result_.tried[i].tree;
            chosen_ = sizes[i];
            break;
        }
    }
    const bool levels = std::any_of(inputs_.begin(), inputs_.end(),
                                    [&](std::size_t k) { return options_.discrete[k]; });
    if (result_.tree.parts.empty() && inputs_.size() > 1 && inputs_.size() <= 12 && !levels) {
        const FoundLink behind = find_link(
            inputs_, sample_, std::min<std::size_t>(20, sample_.rows / (3 * inputs_.size()) + 3),
            options_.threads, stop_);
        if (std::isfinite(behind.errors.relative)) {
            result_.link_error = behind.errors.relative;
            result_.link = holds(behind.errors, least) ? behind.link : Link::identity;
        }
    }
    result_.complete = !late();
}

void Separator::fit_leaves() {
    if (!(inputs_.size() > 1 && result_.tree.parts.empty()) || inputs_.size() < model_.inputs()) {
        FittedTree fitted(result_.tree, start(), sample_, chosen_);
        fitted.fit(sample_, {}, chosen_, last_);
        result_.leaves = fitted.leaves();
        result_.leaf_inputs = fitted.leaf_inputs();
    } else {
        result_.leaves = {model_};
        result_.leaf_inputs = {inputs_};
    }
}

Separation Separator::run() {
    choose_anchor();
    measure_effects();
    score();
    result_.general_error = fitted_to_surrogate_ ? 0.0 : options_.held_out_error;
    screen();
    choose_tree();
    fit_leaves();
    if (options_.stop.stopped()) {
        throw FitStopped();
    }
    return std::move(result_);
}

}  // namespace

Separation separate(const TensorSurrogate& model, const Table& rows, std::span<const double> y,
                    std::span<const double> weights, const SeparationOptions& options) {
    if (rows.columns() != model.inputs() || options.discrete.size() != model.inputs() ||
        (!y.empty() && y.size() != rows.rows()) ||
        (!weights.empty() && weights.size() != rows.rows()) || rows.rows() < 2) {
        throw std::invalid_argument("separability: sizes of rows, y and surrogate do not match");
    }
    return Separator(model, rows, y, weights, options).run();
}

}  // namespace closedform
