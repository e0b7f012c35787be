#include "closedform/symmetry/symmetries.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "core/random.hpp"
#include "symmetry/merge_chooser.hpp"

namespace closedform {
namespace {

constexpr std::size_t most_rows = 2048;
constexpr double choosing = 0.7;  // of the time; then come all rows

/// The problem in the original inputs on some of the rows.
MergeProblem problem(MatrixView<const double> x, MatrixView<const double> u,
                     std::span<const double> scales, std::span<const double> weights,
                     const std::vector<std::size_t>& rows) {
    MergeProblem out;
    double total = 0;
    for (const std::size_t r : rows) {
        out.weights.push_back(weights[r]);
        total += out.weights.back();
    }
    for (double& w : out.weights) {
        w /= total;
    }
    for (std::size_t k = 0; k < x.columns; ++k) {
        MergedInput input;
        input.tape = {Node::input(static_cast<int>(k))};
        input.s.assign(rows.size(), scales.empty() ? 1.0 : scales[k]);
        for (const std::size_t r : rows) {
            input.z.push_back(x(r, k));
            input.u.push_back(u(r, k));
        }
        out.inputs.push_back(std::move(input));
    }
    return out;
}

/// Takes the steps on all rows, up to the first that holds less well there than on the sample, or
/// that is not looked at any more.
Merging apply(MergeProblem all, const std::vector<MergeStep>& steps, const StopToken& stop) {
    Merging out;
    std::vector<double> kept(all.weights.size());  // square of the projected unit gradient
    for (const MergedInput& input : all.inputs) {
        for (std::size_t r = 0; r < kept.size(); ++r) {
            kept[r] += input.u[r] * input.u[r];
        }
    }
    for (const MergeStep& step : steps) {
        if (stop.stopped()) {
            break;
        }
        std::vector<MergedInput>& inputs = all.inputs;
        Merge merge{step.kind, step.tape, {inputs[step.first].tape}, 0.0, step.noise, 0.0};
        Combined pair;
        std::span<const double> lost = inputs[step.first].u;
        double sides = 1.0;
        if (step.kind != MergeKind::unused) {
            merge.inputs.push_back(inputs[step.second].tape);
            pair = combined_rows(inputs[step.first], inputs[step.second], step.how);
            lost = pair.lost;
            sides = mean_absolute_value(pair.sides, all.weights);
        }
        merge.statistic = sides > 0 ? mean_absolute_value(lost, all.weights) / sides : 0.0;
        // Rows drawn at random differ by far less. A row not drawn may divide by zero.
        const bool holds = merge.statistic <= std::max(1.5 * step.statistic, exact_statistic);
        if (!holds || !finite(pair.input)) {
            break;
        }
        for (std::size_t r = 0; r < kept.size(); ++r) {
            const double left = std::max(0.0, kept[r] - lost[r] * lost[r]);
            merge.loss += 2.0 * all.weights[r] * (std::sqrt(kept[r]) - std::sqrt(left));
            kept[r] = left;
        }
        out.loss += merge.loss;
        out.exact = out.exact && merge.statistic <= exact_statistic;
        if (step.kind == MergeKind::unused) {
            inputs.erase(inputs.begin() + static_cast<std::ptrdiff_t>(step.first));
        } else {
            pair.input.tape = step.tape;
            replace_pair(inputs, step.first, step.second, std::move(pair.input));
        }
        out.merges.push_back(std::move(merge));
    }
    out.inputs = std::move(all.inputs);
    return out;
}

/// Rows that say something, in order; at most `most`, one out of each of equal pieces.
std::vector<std::size_t> drawn(const std::vector<std::size_t>& rows, std::size_t most,
                               std::uint64_t seed) {
    if (rows.size() <= most) {
        return rows;
    }
    Random random(seed, 0);
    std::vector<std::size_t> out;
    for (std::size_t k = 0; k < most; ++k) {
        const std::size_t first = k * rows.size() / most;
        const std::size_t last = (k + 1) * rows.size() / most;
        out.push_back(rows[first + random.below(last - first)]);
    }
    return out;
}

}  // namespace

Symmetries find_symmetries(MatrixView<const double> x, MatrixView<const double> u,
                           std::span<const double> scales, std::span<const double> weights,
                           const OpSet& operators, std::uint64_t seed, const StopToken& stop) {
    if (u.rows != x.rows || u.columns != x.columns) {
        throw std::invalid_argument("U: needs the shape of X");
    }
    if (!scales.empty() && scales.size() != x.columns) {
        throw std::invalid_argument("scales: need one for each column of X");
    }
    if (!weights.empty() && weights.size() != x.rows) {
        throw std::invalid_argument("weights: needs one value a row of X");
    }
    std::vector<double> counted(x.rows);  // weights, 0 for rows that say nothing
    std::vector<std::size_t> all(x.rows);
    std::vector<std::size_t> rows;
    for (std::size_t r = 0; r < x.rows; ++r) {
        const double* g = u.row(r);
        const bool pointing = std::any_of(g, g + u.columns, [](double v) { return v != 0.0; });
        counted[r] = !pointing ? 0.0 : weights.empty() ? 1.0 : weights[r];
        all[r] = r;
        if (counted[r] > 0) {
            rows.push_back(r);
        }
    }
    if (rows.empty()) {
        throw std::invalid_argument("U: no row has both a gradient and a positive weight");
    }
    MergeChooser chooser(problem(x, u, scales, counted, drawn(rows, most_rows, seed)), operators,
                         stop.within(choosing * stop.left()));
    chooser.run(false);
    const auto apply_all = [&] {
        return apply(problem(x, u, scales, counted, all), chooser.steps(), stop);
    };
    Symmetries found{apply_all(), std::nullopt};
    const std::size_t certain = found.certain.merges.size();
    if (certain == chooser.steps().size() && !chooser.exact_data() && !stop.stopped()) {
        chooser.run(true);
        if (chooser.steps().size() > certain) {
            found.tentative = apply_all();
            if (found.tentative->merges.size() == certain) {
                found.tentative.reset();
            }
        }
    }
    return found;
}

}  // namespace closedform
