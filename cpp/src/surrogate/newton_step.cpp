#include "surrogate/newton_step.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "surrogate/als_equations.hpp"
#include "surrogate/als_moments.hpp"
#include "surrogate/als_rows.hpp"
#include "surrogate/error_gradient.hpp"

namespace closedform {
namespace {

constexpr std::size_t iterations = 3;  // of conjugate gradients: most of the step, little more
constexpr int most_halvings = 4;       // of a step that goes too far

double total_weight(const FitRows& rows) {
    double sum = 0;
    for (std::size_t i = 0; i < rows.count(); ++i) {
        sum += rows.weight(rows.row(i));
    }
    return sum;
}

double dot(const NodeSums& a, const NodeSums& b) {
    double sum = 0;
    for (std::size_t d = 0; d < a.size(); ++d) {
        sum = std::inner_product(a[d].begin(), a[d].end(), b[d].begin(), sum);
    }
    return sum;
}

/// a += factor * b
void add(NodeSums& a, double factor, const NodeSums& b) {
    for (std::size_t d = 0; d < a.size(); ++d) {
        for (std::size_t i = 0; i < a[d].size(); ++i) {
            a[d][i] += factor * b[d][i];
        }
    }
}

NodeSums node_values(const TensorSurrogate& model) {
    NodeSums values;
    for (std::size_t d = 0; d < model.inputs(); ++d) {
        const std::size_t nodes = model.basis(d).node_count();
        values.emplace_back(nodes * model.modes());
        for (std::size_t i = 0; i < values[d].size(); ++i) {
            values[d][i] = model.factor(d)[i % model.modes() * nodes + i / model.modes()];
        }
    }
    return values;
}

TensorSurrogate with_node_values(TensorSurrogate model, const NodeSums& values) {
    for (std::size_t d = 0; d < model.inputs(); ++d) {
        const std::size_t nodes = model.basis(d).node_count();
        for (std::size_t i = 0; i < values[d].size(); ++i) {
            model.factor(d)[i % model.modes() * nodes + i / model.modes()] = values[d][i];
        }
    }
    model.refresh();
    return model;
}

/// How the squared error and the penalties of a sample curve around a model.
class Curvature {
  public:
    Curvature(const TensorSurrogate& model, const FreeFactors& free, const FitRows& sample,
              ErrorRowSums& sample_errors, const AlsOptions& options)
        : model_(model), sample_errors_(sample_errors), stop_(options.stop) {
        PlacedRows rows(sample, model.tables(), options.threads, options.stop);
        for (std::size_t d = 0; d < model.inputs(); ++d) {
            chosen_.emplace_back();
            if (options.stop.stopped()) {
                return;
            }
            for (std::size_t m = 0; m < model.modes(); ++m) {
                if (free(m, d)) {
                    chosen_[d].push_back(m);
                }
            }
            equations_.emplace_back(model.basis(d), options.smoothing);
            if (chosen_[d].empty()) {
                continue;
            }
            const std::size_t padded =
                (chosen_[d].size() + mode_padding - 1) / mode_padding * mode_padding;
            CellMoments moments;
            moments.clear(model.basis(d).cells(), chosen_[d].size(), padded);
            rows.add({d, model.tables(), chosen_[d], model.modes(), model.offset(), padded},
                     options.stop, moments);
            if (!equations_[d].take(moments, chosen_[d].size(), padded, options.stop)) {
                chosen_[d].clear();
            }
        }
    }

    /// f(equations, values of an input's free factors), back among zeros for the others.
    template <class F>
    NodeSums by_input(const NodeSums& values, const F& f) const {
        NodeSums out;
        const std::size_t modes = model_.modes();
        for (std::size_t d = 0; d < values.size(); ++d) {
            out.emplace_back(values[d].size(), 0.0);
            const std::size_t free = chosen_[d].size();
            if (free == 0) {
                continue;
            }
            const auto place = [&](std::size_t i) {
                return i / free * modes + chosen_[d][i % free];
            };
            std::vector<double> some(values[d].size() / modes * free);
            for (std::size_t i = 0; i < some.size(); ++i) {
                some[i] = values[d][place(i)];
            }
            some = f(equations_[d], some);
            for (std::size_t i = 0; i < some.size(); ++i) {
                out[d][place(i)] = some[i];
            }
        }
        return out;
    }
    NodeSums penalty_of(const NodeSums& values) const {
        return by_input(values, [](const InputEquations& equations, const auto& some) {
            return equations.penalty_of(some);
        });
    }
    /// What every input alone would do.
    NodeSums solve_apart(const NodeSums& right) const {
        return by_input(right, [](const InputEquations& equations, const auto& some) {
            return equations.solve(some);
        });
    }
    NodeSums times(const NodeSums& step) const {
        const TensorSurrogate along = with_node_values(model_, step);
        NodeSums product = error_curvature(model_, along, sample_errors_, stop_);
        add(product, 1, penalty_of(step));
        return product;
    }

  private:
    const TensorSurrogate& model_;
    ErrorRowSums& sample_errors_;
    const StopToken& stop_;
    std::vector<std::vector<std::size_t>> chosen_;
    std::vector<InputEquations> equations_;
};

/// Conjugate gradients for curvature * step = slopes.
NodeSums newton_step(const Curvature& curvature, NodeSums slopes, const StopToken& stop) {
    NodeSums step = slopes;
    add(step, -1, slopes);
    NodeSums along = curvature.solve_apart(slopes);
    double left = dot(slopes, along);
    for (std::size_t k = 0; k < iterations && left > 0 && !stop.stopped(); ++k) {
        const NodeSums curved = curvature.times(along);
        const double length = left / dot(along, curved);
        add(step, length, along);
        add(slopes, -length, curved);
        NodeSums next = curvature.solve_apart(slopes);
        const double now = dot(slopes, next);
        add(next, now / left, along);
        along = std::move(next);
        left = now;
    }
    return step;
}

}  // namespace

void fit_all_rows(TensorSurrogate& model, const FreeFactors& free, const FitRows& all,
                  std::span<const std::uint32_t> sample, const AlsOptions& options,
                  const RowsBeyond& beyond) {
    std::unique_ptr<ErrorRowSums> of_given;
    if (beyond.errors == nullptr) {
        auto there = options.rows_there ? options.rows_there(all) : nullptr;
        of_given = there ? error_sums(std::move(there)) : error_sums(all, options.threads);
    }
    ErrorRowSums& of_all = beyond.errors != nullptr ? *beyond.errors : *of_given;
    const std::optional<ErrorSlopes> here = error_slopes(model, of_all, options.stop);
    if (!here || options.stop.stopped()) {
        return;
    }
    FitRows some = all;
    some.rows = sample;
    const auto of_some = error_sums(some, options.threads);
    const Curvature curvature(model, free, some, *of_some, options);
    if (options.stop.stopped()) {  // which may have been left halfway
        return;
    }
    const NodeSums values = node_values(model);
    const double share =
        total_weight(some) / (beyond.errors != nullptr ? beyond.weight : total_weight(all));
    NodeSums slopes = curvature.penalty_of(values);
    add(slopes, -share, here->by_node);
    for (auto& of_input : slopes) {
        std::transform(of_input.begin(), of_input.end(), of_input.begin(), std::negate<>());
    }
    const NodeSums step = newton_step(curvature, slopes, options.stop);

    const auto moved = [&](double length) {
        NodeSums to = values;
        add(to, length, step);
        return with_node_values(model, to);
    };

    // How far to go, the sample tells: by its squared error with the slopes of all rows.
    const std::optional<ErrorSlopes> at = error_slopes(model, *of_some, options.stop);
    if (!at) {
        return;
    }
    const double tilt = 2 * (dot(at->by_node, step) - share * dot(here->by_node, step));
    int halvings = most_halvings + 1;
    double least = std::numeric_limits<double>::infinity();
    for (int tried = 0; tried <= most_halvings && !options.stop.stopped(); ++tried) {
        const double length = std::ldexp(1.0, -tried);
        const std::optional<ErrorSlopes> there =
            error_slopes(moved(length), *of_some, options.stop);
        if (there && there->squares + length * tilt < least) {
            least = there->squares + length * tilt;
            halvings = tried;
        }
    }
    // All rows have the last word.
    for (; halvings <= most_halvings && !options.stop.stopped(); ++halvings) {
        TensorSurrogate stepped = moved(std::ldexp(1.0, -halvings));
        const std::optional<ErrorSlopes> there = error_slopes(stepped, of_all, options.stop);
        if (!there) {
            return;
        }
        if (there->squares < here->squares && !options.stop.stopped()) {
            model = std::move(stepped);
            return;
        }
    }
}

}  // namespace closedform
