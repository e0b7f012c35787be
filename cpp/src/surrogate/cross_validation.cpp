#include "surrogate/cross_validation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <stdexcept>

#include "core/random.hpp"
#include "core/sample_rows.hpp"

namespace closedform {
namespace {

constexpr std::size_t fold_limit = 600;
constexpr std::size_t most_test = 20000;
constexpr std::size_t most_train = 8000;
constexpr std::size_t start_rows = 1000;
constexpr int starts = 4;

}  // namespace

HeldOut hold_out_rows(std::size_t rows, std::uint64_t seed) {
    if (rows > std::numeric_limits<std::uint32_t>::max()) {
        throw std::invalid_argument("X: has more than 4,294,967,295 rows; give a sample of them");
    }
    Random random(seed, 4000000);
    std::vector<std::size_t> shuffled;
    if (rows < fold_limit) {  // every row has its fold
        shuffled.resize(rows);
        std::iota(shuffled.begin(), shuffled.end(), std::size_t{0});
        for (std::size_t i = rows; i > 1; --i) {
            std::swap(shuffled[i - 1], shuffled[random.below(i)]);
        }
    } else {
        shuffled = draw(rows, most_test + most_train, random);
    }
    HeldOut held_out;
    const auto at = [&](std::size_t i) {
        return shuffled.begin() + static_cast<std::ptrdiff_t>(i);
    };
    if (rows < fold_limit) {
        const std::size_t folds = std::min<std::size_t>(rows, rows < 50 ? 10 : rows < 200 ? 5 : 3);
        for (std::size_t f = 0; f < folds; ++f) {
            const std::size_t from = rows * f / folds;
            const std::size_t to = rows * (f + 1) / folds;
            held_out.test.emplace_back(at(from), at(to));
            held_out.train.emplace_back(at(0), at(from));
            held_out.train.back().insert(held_out.train.back().end(), at(to), shuffled.end());
        }
        held_out.description = std::to_string(folds) + "-fold cross-validation";
    } else {
        const std::size_t test = std::min(rows / 5, most_test);
        const std::size_t train = std::min(rows - test, most_train);
        held_out.test.emplace_back(at(0), at(test));
        held_out.train.emplace_back(at(test), at(test + train));
        held_out.description = std::to_string(test) + " rows drawn at random";
    }
    for (auto* side : {&held_out.train, &held_out.test}) {
        for (auto& fold : *side) {
            std::sort(fold.begin(), fold.end());  // rows are read in the order they lie
        }
    }
    return held_out;
}

Moments2 weighted_moments(std::span<const double> y, std::span<const double> weights) {
    double total = 0;
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
        const double w = weights.empty() ? 1.0 : weights[i];
        total += w;
        sum += w * y[i];
    }
    Moments2 result;
    result.mean = sum / total;
    double squares = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
        const double w = weights.empty() ? 1.0 : weights[i];
        squares += w * (y[i] - result.mean) * (y[i] - result.mean);
    }
    result.deviation = std::sqrt(squares / total);
    if (result.deviation <= 1e-14 * std::abs(result.mean)) {
        result.deviation = 0;  // rounding
    }
    return result;
}

ErrorSum error_on(const TensorSurrogate& model, const FitRows& rows) {
    constexpr std::size_t block = 512;
    const std::size_t inputs = model.inputs();
    std::vector<double> x(inputs * block);
    std::vector<double> u(block);
    std::vector<std::uint32_t> names(block);
    ErrorSum sum;
    for (std::size_t first = 0; first < rows.count(); first += block) {
        const std::size_t count = std::min(block, rows.count() - first);
        for (std::size_t i = 0; i < count; ++i) {
            names[i] = static_cast<std::uint32_t>(rows.row(first + i));
        }
        rows.x.read_rows({names.data(), count}, x.data(), block);
        model.evaluate_block(x.data(), count, block, u.data(), nullptr, nullptr);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t row = names[i];
            const double scale = rows.multiplier.empty() ? 1.0 : rows.multiplier[row];
            const double error = rows.y[row] - model.offset() - scale * (u[i] - model.offset());
            sum.squares += rows.weight(row) * error * error;
            sum.weight += rows.weight(row);
        }
    }
    return sum;
}

TensorSurrogate with_extra_mode(const TensorSurrogate& model) {
    TensorSurrogate larger(model.bases(), model.modes() + 1);
    for (std::size_t d = 0; d < model.inputs(); ++d) {
        std::copy(model.factor(d).begin(), model.factor(d).end(), larger.factor(d).begin());
    }
    larger.set_offset(model.offset());
    larger.set_outside(model.outside());
    return larger;
}

TensorSurrogate on_other_grid(const TensorSurrogate& model, std::vector<GridBasis> bases) {
    TensorSurrogate moved(std::move(bases), model.modes());
    for (std::size_t d = 0; d < model.inputs(); ++d) {
        const std::size_t from = model.basis(d).node_count();
        const std::size_t to = moved.basis(d).node_count();
        for (std::size_t m = 0; m < model.modes(); ++m) {
            for (std::size_t j = 0; j < to; ++j) {
                moved.factor(d)[m * to + j] = model.basis(d).evaluate(
                    model.factor(d).subspan(m * from, from), moved.basis(d).nodes()[j]);
            }
        }
    }
    moved.set_offset(model.offset());
    moved.set_outside(model.outside());
    return moved;
}

void start_mode(TensorSurrogate& model, std::size_t mode, const FitRows& rows,
                const AlsOptions& options, std::uint64_t seed) {
    const std::size_t inputs = model.inputs();
    FreeFactors only(model.modes(), inputs, false);
    for (std::size_t d = 0; d < inputs; ++d) {
        only.set(mode, d, true);
    }
    FitRows few = rows;
    std::vector<std::uint32_t> chosen;
    const std::size_t step = (rows.count() + start_rows - 1) / start_rows;
    if (step > 1) {
        for (std::size_t i = 0; i < rows.count(); i += step) {
            chosen.push_back(static_cast<std::uint32_t>(rows.row(i)));
        }
        few.rows = chosen;
    }
    Random random(seed, 4000001);
    double best = std::numeric_limits<double>::infinity();
    TensorSurrogate best_model = model;
    // The first one counts even where it is cut short: there must be some mode.
    for (int start = 0; start < starts && (start == 0 || !options.stop.stopped()); ++start) {
        TensorSurrogate trial = model;
        for (std::size_t d = 0; d < inputs; ++d) {
            const GridBasis& basis = trial.basis(d);
            const double range = basis.high() > basis.low() ? basis.high() - basis.low() : 1.0;
            // The first start is nearly constant, the others slopes and waves.
            const double level = start == 0 ? 1.0 : 0.5 + random.uniform();
            const double slope = (start == 0 ? 0.1 : 1.5) * random.bell();
            const double wave = (start == 0 ? 0.0 : 1.5) * random.bell();
            for (std::size_t j = 0; j < basis.node_count(); ++j) {
                const double t = 2 * (basis.nodes()[j] - basis.low()) / range - 1;
                trial.factor(d)[mode * basis.node_count() + j] =
                    level + slope * t + wave * std::cos(std::numbers::pi * t);
            }
        }
        trial.refresh();
        const double rmse = fit_als(trial, only, few, options).rmse;
        if (start == 0 || rmse < best) {
            best = rmse;
            best_model = std::move(trial);
        }
    }
    model = std::move(best_model);
    if (step > 1 && !options.stop.stopped()) {
        fit_als(model, only, rows, options);
    }
}

}  // namespace closedform
