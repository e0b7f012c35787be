#include "closedform/surrogate/fit_surrogate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include "closedform/core/stop.hpp"
#include "core/parallel.hpp"
#include "surrogate/als.hpp"
#include "surrogate/cross_validation.hpp"
#include "surrogate/newton_step.hpp"
#include "surrogate/trial_fits.hpp"

namespace closedform {
namespace {

constexpr double worthwhile = 0.97;  // an added mode must lower the error at least this far
constexpr std::size_t patience = 2;  // modes that may fail to do so before growth stops
constexpr std::size_t most_modes = 24;
constexpr double choosing_share = 0.5;  // of the time; the last fit has what is left
// A mode an input, each with a factor for every input: with more of them that is too large to be
// one of many starts.
constexpr std::size_t most_additive = 128;
// Rows from which the threads share those of the last sweeps.
constexpr std::size_t least_rows_shared = 16384;

using Start = SurrogateStart;
using Step = SurrogateTrial::Step;

/// The same size of model on every fold.
struct SizeChoice {
    SurrogateSize size;
    std::size_t grown = 0;  ///< modes beyond the start
    std::vector<FittedTrial> folds;
    double error = std::numeric_limits<double>::infinity();
};

class Choice {
  public:
    Choice(const Table& x, std::span<const double> y, std::span<const double> weights,
           const SurrogateOptions& options)
        : inputs_(x.columns()),
          count_(y.size()),
          options_(options),
          trials_(x, y, weights, options),
          last_(options.stop.within(options.time)),
          choosing_(last_.within(choosing_share * options.time)) {}

    SurrogateFit run();

  private:
    bool stopped() const { return options_.stop.stopped(); }
    bool late() const { return choosing_.stopped(); }
    std::size_t folds() const { return trials_.held_out().train.size(); }
    std::vector<std::optional<FittedTrial>> fitted(std::span<const SurrogateTrial> trials,
                                                   std::size_t needed, const StopToken& stop) const;
    void advance(std::vector<SizeChoice>& candidates, Step step) const;
    std::vector<SizeChoice> first_candidates() const;
    void grow(std::vector<SizeChoice>& chain, std::vector<SizeChoice>& best_by_modes) const;
    SizeChoice refine(SizeChoice best) const;
    void finish(const SizeChoice& best, SurrogateFit& fit) const;
    TensorSurrogate settled(const SizeChoice& best) const;
    TensorSurrogate on_more_rows(const SizeChoice& best, SurrogateFit& fit) const;

    std::size_t inputs_;
    std::size_t count_;
    const SurrogateOptions& options_;
    TrialFits trials_;
    StopToken last_;      ///< or the time is over
    StopToken choosing_;  ///< or what is left of it is the last fit's
};

std::size_t start_modes(const SurrogateSize& size, std::size_t inputs) {
    return size.start == Start::additive ? inputs : 1;
}

/// Those of workers, where there are any, and the others here. Past the deadline only the first
/// `needed` are, without which there is no result.
std::vector<std::optional<FittedTrial>> Choice::fitted(std::span<const SurrogateTrial> trials,
                                                       std::size_t needed,
                                                       const StopToken& stop) const {
    std::vector<std::optional<FittedTrial>> found;
    if (options_.trials_there && trials.size() > 1 && !stop.stopped()) {
        found = options_.trials_there(trials, stop.left());
    }
    found.resize(trials.size());
    const bool inner = trials.size() == 1;
    parallel_for(trials.size(), options_.threads, [&](std::size_t task, unsigned) {
        if (!found[task] && !stopped() && (task < needed || !stop.stopped())) {
            found[task] = trials_.fit(trials[task], stop, inner);
        }
    });
    if (stopped()) {
        throw FitStopped();
    }
    return found;
}

/// Takes a step with every fold of every candidate, then scores them.
void Choice::advance(std::vector<SizeChoice>& candidates, Step step) const {
    std::vector<SurrogateTrial> trials;
    for (SizeChoice& c : candidates) {
        c.folds.resize(folds());
        for (std::size_t fold = 0; fold < folds(); ++fold) {
            const std::uint64_t seed = step == Step::grow
                                           ? options_.seed + 1000 * (c.grown + 1) + fold
                                           : options_.seed + fold;
            trials.push_back({step, c.size, fold, seed, std::move(c.folds[fold].model)});
        }
    }
    auto found = fitted(trials, folds(), choosing_);
    auto next = found.begin();
    for (SizeChoice& c : candidates) {
        double squares = 0;
        double total = 0;
        bool complete = true;
        for (FittedTrial& fold : c.folds) {
            std::optional<FittedTrial>& one = *next;
            if (complete && one.has_value()) {
                fold = *std::move(one);
                squares += fold.squares;
                total += fold.weight;
            } else {
                complete = false;
            }
            ++next;
        }
        const double error = std::sqrt(squares / total) / trials_.spread();
        c.error =
            complete && std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
    }
}

std::vector<SizeChoice> Choice::first_candidates() const {
    const std::size_t rows = trials_.held_out().train.front().size();
    std::vector<std::size_t> segments = {5, 10, 20};
    if (options_.segments != 0) {
        segments = {options_.segments};
    } else {
        std::erase_if(segments, [&](std::size_t s) { return s > 5 && s > rows / 3; });
    }
    const bool wide = inputs_ > 8;  // every size costs more, and rows are thinner
    if (wide && segments.size() > 2) {
        segments.pop_back();
    }
    std::vector<double> smoothing = {1e-5, 1e-3, 1e-7, 1e-10};
    if (wide) {
        smoothing.pop_back();
    }
    if (options_.smoothing >= 0) {
        smoothing = {options_.smoothing};
    }
    std::vector<Start> starts = {Start::plain, Start::centred};
    if (inputs_ > 2 && inputs_ <= most_additive &&
        (options_.modes == 0 || options_.modes >= inputs_)) {
        starts.push_back(Start::additive);
    }
    std::vector<SizeChoice> candidates;
    for (const Start start : starts) {
        for (const std::size_t s : segments) {
            for (const double l : smoothing) {
                candidates.push_back({{start, s, l}, 0, {}, 0});
            }
        }
    }
    return candidates;
}

/// The best candidates, at most `most`, none worse than `ratio` times the best.
std::vector<SizeChoice> survivors(std::vector<SizeChoice> candidates, std::size_t most,
                                  double ratio) {
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const SizeChoice& a, const SizeChoice& b) { return a.error < b.error; });
    const double limit = candidates.empty() ? 0.0 : ratio * candidates.front().error;
    std::erase_if(candidates, [&](const SizeChoice& c) {
        return !(c.error <= limit) || !std::isfinite(c.error);
    });
    if (candidates.size() > most) {
        candidates.resize(most);
    }
    return candidates;
}

void Choice::grow(std::vector<SizeChoice>& chain, std::vector<SizeChoice>& best_by_modes) const {
    double best = chain.front().error;
    std::size_t failures = 0;
    const auto wanted = [&](const SizeChoice& c) {
        const std::size_t modes = start_modes(c.size, inputs_) + c.grown;
        return options_.modes != 0 ? modes < options_.modes : c.grown + 1 < most_modes;
    };
    while (std::any_of(chain.begin(), chain.end(), wanted) && !late() &&
           (options_.modes != 0 || failures < patience)) {
        std::erase_if(chain, [&](const SizeChoice& c) { return !wanted(c); });
        advance(chain, Step::grow);
        for (SizeChoice& c : chain) {
            ++c.grown;
        }
        chain = survivors(std::move(chain), options_.modes != 0 ? 4 : 6, 3.0);
        if (chain.empty()) {
            return;
        }
        best_by_modes.push_back(chain.front());
        failures = chain.front().error < worthwhile * best ? 0 : failures + 1;
        best = std::min(best, chain.front().error);
    }
}

/// Other numbers of segments and other smoothing around the best, same modes.
SizeChoice Choice::refine(SizeChoice best) const {
    const std::size_t limit = std::max<std::size_t>(
        best.size.segments, std::min<std::size_t>(80, trials_.held_out().train.front().size() / 2));
    std::vector<SurrogateSize> tried = {best.size};
    for (int round = 0; round < 8 && !late(); ++round) {
        std::vector<SizeChoice> around;
        const auto consider = [&](double segment_ratio, double smoothing_ratio) {
            SurrogateSize size = best.size;
            if (options_.segments == 0) {
                size.segments = std::clamp<std::size_t>(
                    static_cast<std::size_t>(
                        std::lround(segment_ratio * static_cast<double>(size.segments))),
                    3, limit);
            }
            if (options_.smoothing < 0) {
                size.smoothing = std::clamp(size.smoothing * smoothing_ratio, 1e-14, 10.0);
            }
            for (const SurrogateSize& t : tried) {
                if (t.segments == size.segments &&
                    std::abs(std::log(t.smoothing / size.smoothing)) < 0.1) {
                    return;
                }
            }
            tried.push_back(size);
            around.push_back({size, best.grown, best.folds, 0});
        };
        consider(1, 0.1);
        consider(1, 10);
        consider(1.6, 1);
        consider(0.625, 1);
        consider(1.6, 0.1);
        if (around.empty()) {
            break;
        }
        advance(around, Step::move);
        around = survivors(std::move(around), 1, 1.0);
        if (around.empty() || !(around.front().error < 0.99 * best.error)) {
            break;
        }
        best = std::move(around.front());
    }
    return best;
}

void Choice::finish(const SizeChoice& best, SurrogateFit& fit) const {
    fit.segments = best.size.segments;
    fit.smoothing = best.size.smoothing;
    fit.held_out_error = best.error;
    fit.held_out_rows = trials_.held_out().description;
    fit.discrete = trials_.discrete();
    const HeldOut& held_out = trials_.held_out();
    const bool few = folds() > 1 || held_out.train[0].size() + held_out.test[0].size() == count_;
    fit.model = few ? settled(best) : on_more_rows(best, fit);
    if (stopped()) {
        throw FitStopped();
    }
}

/// Every fold's model is a start; the one that fits all rows best is kept.
TensorSurrogate Choice::settled(const SizeChoice& best) const {
    std::vector<SurrogateTrial> trials;
    for (std::size_t fold = 0; fold < folds(); ++fold) {
        trials.push_back({Step::finish, best.size, fold, 0, best.folds[fold].model});
    }
    auto finals = fitted(trials, trials.size(), last_);
    FittedTrial* chosen = nullptr;
    for (std::optional<FittedTrial>& one : finals) {
        if (one.has_value() && (chosen == nullptr || one->training < chosen->training)) {
            chosen = &*one;
        }
    }
    if (chosen == nullptr) {
        throw FitStopped();
    }
    return std::move(chosen->model);
}

/// Sizes were chosen on few rows. More of them first, at most 100,000, which settle the few
/// thousand parameters; there the error is taken. Every row has its say in the last step.
TensorSurrogate Choice::on_more_rows(const SizeChoice& best, SurrogateFit& fit) const {
    constexpr std::size_t some = 100000;
    TensorSurrogate model = best.folds[0].model;
    const FreeFactors free = free_factors(best.size.start, model.modes(), inputs_);
    const auto& test = trials_.held_out().test[0];
    const std::size_t others = count_ - test.size();
    std::vector<std::uint32_t> rest(std::min(others, some));
    auto next = test.begin();
    for (std::size_t i = 0; i < rest.size(); ++i) {
        // The k-th row that is not held out comes after as many that are as lie before it.
        const std::size_t k = others * i / rest.size();
        const auto before = [&] { return static_cast<std::size_t>(next - test.begin()); };
        while (next != test.end() && *next <= k + before()) {
            ++next;
        }
        rest[i] = static_cast<std::uint32_t>(k + before());
    }
    const AlsOptions last_sweeps =
        trials_.als(best.size.smoothing, 8, 2e-3, last_, count_ >= least_rows_shared);
    fit_als(model, free, trials_.rows(rest), last_sweeps);
    const ErrorSum sum = error_on(model, trials_.rows(test));
    fit.held_out_error = std::sqrt(sum.squares / sum.weight) / trials_.spread();
    fit_all_rows(model, free, trials_.all_rows(), rest, last_sweeps, options_.beyond);
    return model;
}

SurrogateFit Choice::run() {
    std::vector<SizeChoice> all = first_candidates();
    advance(all, Step::begin);
    std::vector<SizeChoice> best_by_modes;
    std::vector<std::vector<SizeChoice>> chains;
    for (const Start start : {Start::plain, Start::centred, Start::additive}) {
        std::vector<SizeChoice> chain;
        for (SizeChoice& c : all) {
            if (c.size.start == start) {
                chain.push_back(std::move(c));
            }
        }
        chain = survivors(std::move(chain), 6, 3.0);
        if (!chain.empty()) {
            chains.push_back(std::move(chain));
        }
    }
    // The most promising start first: the clock may leave no time for the others.
    std::stable_sort(chains.begin(), chains.end(), [](const auto& a, const auto& b) {
        return a.front().error < b.front().error;
    });
    for (auto& chain : chains) {
        if (!best_by_modes.empty() && late()) {
            break;
        }
        best_by_modes.push_back(chain.front());
        grow(chain, best_by_modes);
    }
    const auto modes = [&](const SizeChoice& c) { return start_modes(c.size, inputs_) + c.grown; };
    if (options_.modes != 0) {  // as many as the time allowed for
        std::size_t reached = 0;
        for (const SizeChoice& c : best_by_modes) {
            reached = std::max(reached, std::min(modes(c), options_.modes));
        }
        std::erase_if(best_by_modes, [&](const SizeChoice& c) { return modes(c) != reached; });
    }
    if (best_by_modes.empty()) {
        throw std::invalid_argument("y cannot be fitted: the held-out error is not finite");
    }
    // The sizes of the best structures are refined; then fewer modes win unless more of them are
    // clearly better.
    best_by_modes = survivors(std::move(best_by_modes), 4, 4.0);
    for (SizeChoice& c : best_by_modes) {
        c = refine(std::move(c));
    }
    best_by_modes = survivors(std::move(best_by_modes), 4, 1.0 / worthwhile);
    const auto best = std::min_element(
        best_by_modes.begin(), best_by_modes.end(),
        [&](const SizeChoice& a, const SizeChoice& b) { return modes(a) < modes(b); });
    SurrogateFit fit;
    finish(*best, fit);
    return fit;
}

}  // namespace

SurrogateFit fit_surrogate(const Table& x, std::span<const double> y,
                           std::span<const double> weights, const SurrogateOptions& options) {
    if (options.modes > most_surrogate_modes) {
        throw std::invalid_argument("modes: must be 1 to " + std::to_string(most_surrogate_modes) +
                                    ", not " + std::to_string(options.modes));
    }
    return Choice(x, y, weights, options).run();
}

}  // namespace closedform
