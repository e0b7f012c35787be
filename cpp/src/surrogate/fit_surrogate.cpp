#include "closedform/surrogate/fit_surrogate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <stdexcept>

#include "closedform/core/stop.hpp"
#include "core/parallel.hpp"
#include "core/random.hpp"
#include "surrogate/als.hpp"
#include "surrogate/als_moments.hpp"
#include "surrogate/column_grids.hpp"
#include "surrogate/cross_validation.hpp"
#include "surrogate/newton_step.hpp"

namespace closedform {
namespace {

constexpr std::size_t sample_rows = 20000;  // for nodes and for the choice of sizes
constexpr double worthwhile = 0.97;         // an added mode must lower the error at least this far
constexpr std::size_t patience = 2;         // modes that may fail to do so before growth stops
constexpr std::size_t most_modes = 24;
constexpr double choosing_share = 0.5;  // of the time; the last fit has what is left
// A mode an input, each with a factor for every input: with more of them that is too large to be
// one of many starts.
constexpr std::size_t most_additive = 128;

/// How a chain of ever larger models starts.
enum class Start {
    plain,     ///< offset 0: a single mode is a product
    centred,   ///< offset = mean of y
    additive,  ///< offset = mean, one mode per input that varies with that input only
};

struct Size {
    Start start = Start::plain;
    std::size_t segments = 0;
    double smoothing = 0;
};

/// A model on the way, fitted to one fold's training rows.
struct Partial {
    TensorSurrogate model;
    FreeFactors free{0, 1};
    double training = 0;
};

/// The same size of model on every fold.
struct SizeChoice {
    Size size;
    std::size_t grown = 0;  ///< modes beyond the start
    std::vector<Partial> folds;
    double error = std::numeric_limits<double>::infinity();
};

class Choice {
  public:
    Choice(const Table& x, std::span<const double> y, std::span<const double> weights,
           const SurrogateOptions& options)
        : x_(x),
          y_(y),
          weights_(weights),
          options_(options),
          grids_(column_grids(x, options.beyond)),
          held_out_(hold_out_rows(y.size(), options.seed)),
          last_(options.stop.within(options.time)),
          choosing_(last_.within(choosing_share * options.time)) {
        spread_ = weighted_moments(y, weights).deviation;
        if (!(spread_ > 0)) {
            throw std::invalid_argument("y is constant: there is nothing to fit");
        }
    }

    SurrogateFit run();

  private:
    bool stopped() const { return options_.stop.stopped(); }
    bool late() const { return choosing_.stopped(); }
    AlsOptions als(double smoothing, std::size_t sweeps, double tolerance, bool inner) const {
        AlsOptions a;
        a.smoothing = smoothing;
        a.max_sweeps = sweeps;
        a.tolerance = tolerance;
        a.threads = inner ? options_.threads : 1;
        a.stop = last_;
        if (inner && options_.rows_there) {
            a.rows_there = [this](const FitRows& rows) {
                return rows.count() < options_.least_rows_there ? nullptr
                                                                : options_.rows_there(rows);
            };
        }
        return a;
    }
    /// The same while sizes are chosen.
    AlsOptions trial(double smoothing, std::size_t sweeps, double tolerance) const {
        AlsOptions a = als(smoothing, sweeps, tolerance, inner_);
        a.stop = choosing_;
        return a;
    }
    FitRows rows(std::span<const std::uint32_t> chosen) const {
        return {x_, y_, weights_, {}, chosen};
    }
    FitRows all_rows() const { return {x_, y_, weights_}; }
    Partial begin(const Size& size, std::span<const std::uint32_t> train, std::uint64_t seed) const;
    void add_mode(Partial& partial, const Size& size, std::span<const std::uint32_t> train,
                  std::uint64_t seed) const;
    void settle(Partial& partial, const Size& size, std::span<const std::uint32_t> train) const;
    void evaluate(SizeChoice& candidate) const;
    /// Applies `change` to every fold of every candidate, then scores them.
    void advance(std::vector<SizeChoice>& candidates,
                 const std::function<void(SizeChoice&, std::size_t fold)>& change);
    std::vector<SizeChoice> first_candidates() const;
    void grow(std::vector<SizeChoice>& chain, std::vector<SizeChoice>& best_by_modes);
    SizeChoice refine(SizeChoice best);
    void finish(const SizeChoice& best, SurrogateFit& fit) const;

    const Table& x_;
    std::span<const double> y_;
    std::span<const double> weights_;
    const SurrogateOptions& options_;
    Grids grids_;
    HeldOut held_out_;
    StopToken last_;      ///< or the time is over
    StopToken choosing_;  ///< or what is left of it is the last fit's
    double spread_ = 0;
    bool inner_ = false;  ///< threads go to rows: there is a single model to fit at the moment
};

std::size_t start_modes(const Size& size, std::size_t inputs) {
    return size.start == Start::additive ? inputs : 1;
}

Partial Choice::begin(const Size& size, std::span<const std::uint32_t> train,
                      std::uint64_t seed) const {
    const std::size_t inputs = x_.columns();
    Partial partial;
    auto bases = grids_.bases(size.segments, options_.patch, options_.degree);
    double offset = 0;
    if (size.start != Start::plain) {
        double sum = 0;
        double total = 0;
        for (const std::uint32_t row : train) {
            const double w = weights_.empty() ? 1.0 : weights_[row];
            sum += w * y_[row];
            total += w;
        }
        offset = sum / total;
    }
    if (size.start == Start::additive) {
        partial.model = TensorSurrogate(std::move(bases), inputs);
        partial.free = FreeFactors(inputs, inputs, false);
        for (std::size_t d = 0; d < inputs; ++d) {
            auto factor = partial.model.factor(d);
            std::fill(factor.begin(), factor.end(), 1.0);
            const std::size_t nodes = partial.model.basis(d).node_count();
            std::fill_n(factor.begin() + static_cast<std::ptrdiff_t>(d * nodes), nodes, 0.0);
            partial.free.set(d, d, true);
        }
        partial.model.set_offset(offset);
        partial.model.refresh();
        settle(partial, size, train);
        return partial;
    }
    partial.model = TensorSurrogate(std::move(bases), 1);
    partial.model.set_offset(offset);
    partial.free = FreeFactors(1, inputs);
    start_mode(partial.model, 0, rows(train), trial(size.smoothing, 6, 1e-3), seed);
    settle(partial, size, train);
    return partial;
}

void Choice::add_mode(Partial& partial, const Size& size, std::span<const std::uint32_t> train,
                      std::uint64_t seed) const {
    partial.model = with_extra_mode(partial.model);
    partial.free.add_mode(true);
    start_mode(partial.model, partial.model.modes() - 1, rows(train),
               trial(size.smoothing, 6, 1e-3), seed);
    settle(partial, size, train);
}

void Choice::settle(Partial& partial, const Size& size,
                    std::span<const std::uint32_t> train) const {
    // Back-fitting many one-input modes is slow and nearly done after a few sweeps; modes on the
    // way to a number that was asked for need not be settled either.
    const bool on_the_way = partial.model.modes() < options_.modes;
    const std::size_t sweeps = train.size() >= 4096 && on_the_way                  ? 4
                               : train.size() >= 4096 || partial.model.modes() > 8 ? 15
                                                                                   : 60;
    const AlsResult result =
        fit_als(partial.model, partial.free, rows(train), trial(size.smoothing, sweeps, 2e-3));
    partial.training = result.rmse;
}

void Choice::evaluate(SizeChoice& candidate) const {
    double squares = 0;
    double total = 0;
    for (std::size_t f = 0; f < candidate.folds.size(); ++f) {
        const ErrorSum sum = error_on(candidate.folds[f].model, rows(held_out_.test[f]));
        squares += sum.squares;
        total += sum.weight;
    }
    const double error = std::sqrt(squares / total) / spread_;
    candidate.error = std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
}

void Choice::advance(std::vector<SizeChoice>& candidates,
                     const std::function<void(SizeChoice&, std::size_t)>& change) {
    const std::size_t folds = held_out_.train.size();
    std::vector<char> done(candidates.size() * folds, 0);
    inner_ = done.size() == 1;
    parallel_for(done.size(), options_.threads, [&](std::size_t task, unsigned) {
        // Past the deadline, only what is needed to have a result.
        if (!stopped() && (task < folds || !late())) {
            change(candidates[task / folds], task % folds);
            done[task] = 1;
        }
    });
    if (stopped()) {
        throw FitStopped();
    }
    for (std::size_t c = 0; c < candidates.size(); ++c) {
        const auto first = done.begin() + static_cast<std::ptrdiff_t>(c * folds);
        if (std::count(first, first + static_cast<std::ptrdiff_t>(folds), 1) ==
            static_cast<std::ptrdiff_t>(folds)) {
            evaluate(candidates[c]);
        } else {
            candidates[c].error = std::numeric_limits<double>::infinity();
        }
    }
}

std::vector<SizeChoice> Choice::first_candidates() const {
    const std::size_t rows = held_out_.train.front().size();
    std::vector<std::size_t> segments = {5, 10, 20};
    if (options_.segments != 0) {
        segments = {options_.segments};
    } else {
        std::erase_if(segments, [&](std::size_t s) { return s > 5 && s > rows / 3; });
    }
    const bool wide = x_.columns() > 8;  // every size costs more, and rows are thinner
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
    if (x_.columns() > 2 && x_.columns() <= most_additive &&
        (options_.modes == 0 || options_.modes >= x_.columns())) {
        starts.push_back(Start::additive);
    }
    std::vector<SizeChoice> candidates;
    for (const Start start : starts) {
        for (const std::size_t s : segments) {
            for (const double l : smoothing) {
                candidates.push_back({{start, s, l}, 0, {}, 0});
                candidates.back().folds.resize(held_out_.train.size());
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

void Choice::grow(std::vector<SizeChoice>& chain, std::vector<SizeChoice>& best_by_modes) {
    const std::size_t inputs = x_.columns();
    double best = chain.front().error;
    std::size_t failures = 0;
    const auto wanted = [&](const SizeChoice& c) {
        const std::size_t modes = start_modes(c.size, inputs) + c.grown;
        return options_.modes != 0 ? modes < options_.modes : c.grown + 1 < most_modes;
    };
    while (std::any_of(chain.begin(), chain.end(), wanted) && !late() &&
           (options_.modes != 0 || failures < patience)) {
        std::erase_if(chain, [&](const SizeChoice& c) { return !wanted(c); });
        advance(chain, [&](SizeChoice& c, std::size_t fold) {
            add_mode(c.folds[fold], c.size, held_out_.train[fold],
                     options_.seed + 1000 * (c.grown + 1) + fold);
        });
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
SizeChoice Choice::refine(SizeChoice best) {
    const std::size_t limit = std::max<std::size_t>(
        best.size.segments, std::min<std::size_t>(80, held_out_.train.front().size() / 2));
    std::vector<Size> tried = {best.size};
    for (int round = 0; round < 8 && !late(); ++round) {
        std::vector<SizeChoice> around;
        const auto consider = [&](double segment_ratio, double smoothing_ratio) {
            Size size = best.size;
            if (options_.segments == 0) {
                size.segments = std::clamp<std::size_t>(
                    static_cast<std::size_t>(
                        std::lround(segment_ratio * static_cast<double>(size.segments))),
                    3, limit);
            }
            if (options_.smoothing < 0) {
                size.smoothing = std::clamp(size.smoothing * smoothing_ratio, 1e-14, 10.0);
            }
            for (const Size& t : tried) {
                if (t.segments == size.segments &&
                    std::abs(std::log(t.smoothing / size.smoothing)) < 0.1) {
                    return;
                }
            }
            tried.push_back(size);
            around.push_back({size, best.grown, {}, 0});
            around.back().folds.resize(held_out_.train.size());
        };
        consider(1, 0.1);
        consider(1, 10);
        consider(1.6, 1);
        consider(0.625, 1);
        consider(1.6, 0.1);
        if (around.empty()) {
            break;
        }
        advance(around, [&](SizeChoice& c, std::size_t fold) {
            // Same modes on another grid: a warm start.
            Partial& to = c.folds[fold];
            to = best.folds[fold];
            to.model =
                on_other_grid(best.folds[fold].model,
                              grids_.bases(c.size.segments, options_.patch, options_.degree));
            settle(to, c.size, held_out_.train[fold]);
        });
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
    fit.held_out_rows = held_out_.description;
    fit.discrete = grids_.discrete;
    const std::size_t n = y_.size();
    const bool inner = n >= 16384;
    // Every fold's model is a start; the one that fits all rows best is kept.
    std::vector<Partial> finals = best.folds;
    if (finals.size() == 1 && held_out_.train[0].size() + held_out_.test[0].size() < n) {
        // Sizes were chosen on few rows. More of them first, at most 100,000, which settle the few
        // thousand parameters; there the error is taken. Every row has its say in the last step.
        constexpr std::size_t some = 100000;
        Partial& last = finals[0];
        const auto& test = held_out_.test[0];
        const std::size_t others = n - test.size();
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
        const AlsOptions last_sweeps = als(best.size.smoothing, 8, 2e-3, inner);
        fit_als(last.model, last.free, rows(rest), last_sweeps);
        const ErrorSum sum = error_on(last.model, rows(held_out_.test[0]));
        fit.held_out_error = std::sqrt(sum.squares / sum.weight) / spread_;
        fit_all_rows(last.model, last.free, all_rows(), rest, last_sweeps, options_.beyond);
    } else {
        parallel_for(finals.size(), inner ? 1 : options_.threads, [&](std::size_t f, unsigned) {
            finals[f].training =
                fit_als(finals[f].model, finals[f].free, all_rows(),
                        als(best.size.smoothing, inner ? 10 : 300, inner ? 1e-3 : 1e-5, inner))
                    .rmse;
        });
    }
    if (stopped()) {
        throw FitStopped();
    }
    const auto chosen = std::min_element(
        finals.begin(), finals.end(),
        [](const Partial& a, const Partial& b) { return a.training < b.training; });
    fit.model = std::move(chosen->model);
}

SurrogateFit Choice::run() {
    std::vector<SizeChoice> all = first_candidates();
    advance(all, [&](SizeChoice& c, std::size_t fold) {
        c.folds[fold] = begin(c.size, held_out_.train[fold], options_.seed + fold);
    });
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
    const auto modes = [&](const SizeChoice& c) {
        return start_modes(c.size, x_.columns()) + c.grown;
    };
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

std::vector<GridBasis> Grids::bases(std::size_t segments, std::size_t patch,
                                    std::size_t degree) const {
    std::vector<GridBasis> all;
    for (std::size_t d = 0; d < sorted.size(); ++d) {
        all.push_back(basis(d, segments, patch, degree));
    }
    return all;
}

GridBasis Grids::basis(std::size_t column, std::size_t segments, std::size_t patch,
                       std::size_t degree) const {
    ColumnNodes nodes = nodes_from_sorted(sorted[column], segments);
    return {std::move(nodes.nodes), discrete[column] ? 0 : patch, discrete[column] ? 0 : degree};
}

Grids column_grids(const Table& x, const RowsBeyond& beyond) {
    Grids grids;
    const std::size_t step = std::max<std::size_t>(1, x.rows() / sample_rows);
    std::vector<std::vector<double>> samples(x.columns());
    std::vector<std::vector<double>> levels(x.columns());
    std::vector<double> lows = beyond.low;
    std::vector<double> highs = beyond.high;
    lows.resize(x.columns(), std::numeric_limits<double>::infinity());
    highs.resize(x.columns(), -std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < x.rows(); ++i) {
        for (std::size_t d = 0; d < x.columns(); ++d) {
            const double v = x(i, d);
            lows[d] = std::min(lows[d], v);
            highs[d] = std::max(highs[d], v);
            if (i % step == 0) {
                samples[d].push_back(v);
            }
            // Every level of a column of few, even one the sample misses.
            if (levels[d].size() <= max_levels &&
                std::find(levels[d].begin(), levels[d].end(), v) == levels[d].end()) {
                levels[d].push_back(v);
            }
        }
    }
    for (std::size_t d = 0; d < x.columns(); ++d) {
        std::vector<double>& sample = samples[d];
        sample.push_back(lows[d]);
        sample.push_back(highs[d]);
        if (levels[d].size() <= max_levels) {
            sample.insert(sample.end(), levels[d].begin(), levels[d].end());
        }
        std::sort(sample.begin(), sample.end());
        grids.discrete.push_back(nodes_from_sorted(sample, 1).discrete);
        grids.sorted.push_back(std::move(sample));
    }
    return grids;
}

SurrogateFit fit_surrogate(const Table& x, std::span<const double> y,
                           std::span<const double> weights, const SurrogateOptions& options) {
    if (x.rows() != y.size() || (!weights.empty() && weights.size() != y.size())) {
        throw std::invalid_argument("X, y and weights must have the same number of rows");
    }
    if (x.rows() < 2 || x.columns() == 0) {
        throw std::invalid_argument("X must have at least two rows and one column");
    }
    if (options.modes > most_surrogate_modes) {
        throw std::invalid_argument("modes: must be 1 to " + std::to_string(most_surrogate_modes) +
                                    ", not " + std::to_string(options.modes));
    }
    return Choice(x, y, weights, options).run();
}

}  // namespace closedform
