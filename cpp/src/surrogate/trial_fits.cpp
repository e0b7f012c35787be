#include "surrogate/trial_fits.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace closedform {
namespace {

constexpr std::size_t start_sweeps = 6;
constexpr double start_tolerance = 1e-3;

void check(const Table& x, std::span<const double> y, std::span<const double> weights) {
    if (x.rows() != y.size() || (!weights.empty() && weights.size() != y.size())) {
        throw std::invalid_argument("X, y and weights must have the same number of rows");
    }
    if (x.rows() < 2 || x.columns() == 0) {
        throw std::invalid_argument("X must have at least two rows and one column");
    }
}

}  // namespace

FreeFactors free_factors(SurrogateStart start, std::size_t modes, std::size_t inputs) {
    FreeFactors free(modes, inputs);
    if (start == SurrogateStart::additive) {  // of the first ones, one an input
        for (std::size_t m = 0; m < inputs; ++m) {
            for (std::size_t d = 0; d < inputs; ++d) {
                free.set(m, d, m == d);
            }
        }
    }
    return free;
}

TrialFits::TrialFits(const Table& x, std::span<const double> y, std::span<const double> weights,
                     const SurrogateOptions& options)
    : x_(x),
      y_(y),
      weights_(weights),
      options_(options),
      grids_((check(x, y, weights), column_grids(x, options.beyond))),
      held_out_(hold_out_rows(y.size(), options.seed)),
      spread_(weighted_moments(y, weights).deviation) {
    if (!(spread_ > 0)) {
        throw std::invalid_argument("y is constant: there is nothing to fit");
    }
}

AlsOptions TrialFits::als(double smoothing, std::size_t sweeps, double tolerance,
                          const StopToken& stop, bool inner) const {
    AlsOptions a;
    a.smoothing = smoothing;
    a.max_sweeps = sweeps;
    a.tolerance = tolerance;
    a.threads = inner ? options_.threads : 1;
    a.stop = stop;
    if (inner && options_.rows_there) {
        a.rows_there = [this](const FitRows& rows) {
            return rows.count() < options_.least_rows_there ? nullptr : options_.rows_there(rows);
        };
    }
    return a;
}

TensorSurrogate TrialFits::begun(const SurrogateSize& size,
                                 std::span<const std::uint32_t> train) const {
    const std::size_t inputs = x_.columns();
    const bool additive = size.start == SurrogateStart::additive;
    TensorSurrogate model(grids_.bases(size.segments, options_.patch, options_.degree),
                          additive ? inputs : 1);
    if (size.start != SurrogateStart::plain) {
        double sum = 0;
        double total = 0;
        for (const std::uint32_t row : train) {
            const double w = weights_.empty() ? 1.0 : weights_[row];
            sum += w * y_[row];
            total += w;
        }
        model.set_offset(sum / total);
    }
    if (additive) {
        for (std::size_t d = 0; d < inputs; ++d) {
            auto factor = model.factor(d);
            std::fill(factor.begin(), factor.end(), 1.0);
            const std::size_t nodes = model.basis(d).node_count();
            std::fill_n(factor.begin() + static_cast<std::ptrdiff_t>(d * nodes), nodes, 0.0);
        }
        model.refresh();
    }
    return model;
}

FittedTrial TrialFits::fit(const SurrogateTrial& trial, const StopToken& stop, bool inner) const {
    using Step = SurrogateTrial::Step;
    const SurrogateSize& size = trial.size;
    const auto& train = held_out_.train.at(trial.fold);
    const FitRows fitted = trial.step == Step::finish ? all_rows() : rows(train);
    FittedTrial found;
    switch (trial.step) {
        case Step::begin:
            found.model = begun(size, train);
            break;
        case Step::grow:
            found.model = with_extra_mode(trial.model);
            break;
        case Step::move:  // a warm start
            found.model = on_other_grid(
                trial.model, grids_.bases(size.segments, options_.patch, options_.degree));
            break;
        case Step::finish:
            found.model = trial.model;
            break;
    }
    const std::size_t modes = found.model.modes();
    const bool started = trial.step == Step::begin && size.start != SurrogateStart::additive;
    if (started || trial.step == Step::grow) {
        start_mode(found.model, modes - 1, fitted,
                   als(size.smoothing, start_sweeps, start_tolerance, stop, inner), trial.seed);
    }
    // Back-fitting many one-input modes is slow and nearly done after a few sweeps; modes on the
    // way to a number that was asked for need not be settled either.
    const bool on_the_way = modes < options_.modes;
    const std::size_t sweeps = train.size() >= 4096 && on_the_way  ? 4
                               : train.size() >= 4096 || modes > 8 ? 15
                                                                   : 60;
    const AlsOptions options = trial.step == Step::finish
                                   ? als(size.smoothing, 300, 1e-5, stop, inner)
                                   : als(size.smoothing, sweeps, 2e-3, stop, inner);
    found.training =
        fit_als(found.model, free_factors(size.start, modes, x_.columns()), fitted, options).rmse;
    const ErrorSum sum = error_on(found.model, rows(held_out_.test[trial.fold]));
    found.squares = sum.squares;
    found.weight = sum.weight;
    return found;
}

}  // namespace closedform
