#include "closedform/goal.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "closedform/gradient_objective.hpp"
#include "closedform/margin_objective.hpp"
#include "closedform/parallel.hpp"
#include "closedform/value_objective.hpp"

namespace closedform {
namespace {

constexpr std::size_t part_rows = 8192;
constexpr std::size_t parts_at_once = 64;  // so that what is kept of them is bounded

std::vector<double> gather(std::span<const double> values, std::span<const std::size_t> rows,
                           double factor = 1.0) {
    std::vector<double> result;
    if (!values.empty()) {
        result.reserve(rows.size());
        for (const std::size_t row : rows) {
            result.push_back(factor * values[row]);
        }
    }
    return result;
}

void check_weights(std::size_t rows, std::span<const double> weights) {
    if (rows == 0) {
        throw std::invalid_argument("X: has no rows");
    }
    if (!weights.empty() && weights.size() != rows) {
        throw std::invalid_argument("weights: need one value for every row");
    }
}

}  // namespace

ValueGoal::ValueGoal(std::span<const double> y, std::span<const double> weights)
    : y_(y), weights_(weights) {
    check_weights(y.size(), weights);
}

GoalArrays ValueGoal::arrays() const {
    return {GoalArrays::Kind::values, {y_.data(), y_.size(), 1}, {}, weights_, true};
}

std::unique_ptr<Objective> ValueGoal::at(RowBlocks blocks, std::span<const std::size_t> which,
                                         const Units& units) const {
    return std::make_unique<ValueObjective>(std::move(blocks), gather(y_, which, units.y),
                                            gather(weights_, which));
}

double ValueGoal::mean_square() const {
    double sum = 0.0;
    for (const double value : y_) {
        sum += value * value;
    }
    return sum / static_cast<double>(y_.size());
}

GradientGoal::GradientGoal(MatrixView<const double> directions, MatrixView<const double> scales,
                           std::span<const double> weights, bool is_signed)
    : directions_(directions), scales_(scales), weights_(weights), signed_(is_signed) {
    check_weights(directions.rows, weights);
}

GoalArrays GradientGoal::arrays() const {
    return {GoalArrays::Kind::directions, directions_, scales_, weights_, signed_};
}

std::unique_ptr<Objective> GradientGoal::at(RowBlocks blocks, std::span<const std::size_t> which,
                                            const Units& units) const {
    const std::size_t columns = directions_.columns;
    if (blocks.columns() != columns) {
        throw std::invalid_argument("gradients: need one component for each column of X");
    }
    std::vector<double> directions;
    std::vector<double> scales;
    directions.reserve(which.size() * columns);
    scales.reserve(which.size() * columns);
    for (const std::size_t row : which) {
        for (std::size_t j = 0; j < columns; ++j) {
            directions.push_back(directions_(row, j));
            // dT/dx = unit * dT/d(unit * x)
            scales.push_back(units.x[j] * (scales_.rows == 0 ? 1.0 : scales_(row, j)));
        }
    }
    return std::make_unique<GradientObjective>(
        std::move(blocks), MatrixView<const double>(directions.data(), which.size(), columns),
        MatrixView<const double>(scales.data(), which.size(), columns), gather(weights_, which),
        signed_);
}

MarginGoal::MarginGoal(std::span<const double> labels, std::span<const double> weights)
    : labels_(labels), weights_(weights) {
    check_weights(labels.size(), weights);
}

GoalArrays MarginGoal::arrays() const {
    return {GoalArrays::Kind::labels, {labels_.data(), labels_.size(), 1}, {}, weights_, true};
}

std::unique_ptr<Objective> MarginGoal::at(RowBlocks blocks, std::span<const std::size_t> which,
                                          const Units& /*units*/) const {
    return std::make_unique<MarginObjective>(std::move(blocks), gather(labels_, which),
                                             gather(weights_, which));
}

template <class T>
std::vector<double> losses_on_all_rows(std::span<const Tape> tapes, MatrixView<const T> x,
                                       const Goal& goal, unsigned threads) {
    if (x.rows != goal.rows()) {
        throw std::invalid_argument("X: needs as many rows as there are targets");
    }
    for (const Tape& tape : tapes) {
        if (static_cast<std::size_t>(inputs_needed(tape)) > x.columns) {
            throw std::invalid_argument("X: has fewer columns than the expression reads");
        }
    }
    Units units;
    units.x.assign(x.columns, 1.0);
    LossSums none;
    none.negated = 0.0;
    std::vector<LossSums> totals(tapes.size(), none);
    const std::size_t parts = tapes.empty() ? 0 : (x.rows + part_rows - 1) / part_rows;
    std::vector<std::vector<LossSums>> sums(std::min(parts, parts_at_once));
    for (std::size_t first = 0; first < parts; first += parts_at_once) {
        const std::size_t count = std::min(parts_at_once, parts - first);
        parallel_for(count, threads, [&](std::size_t part, unsigned) {
            Workspace workspace;
            const std::size_t begin = (first + part) * part_rows;
            std::vector<std::size_t> rows(std::min(part_rows, x.rows - begin));
            std::iota(rows.begin(), rows.end(), begin);
            const auto objective = goal.at(RowBlocks(x, rows), rows, units);
            sums[part].assign(tapes.size(), {});
            for (std::size_t t = 0; t < tapes.size(); ++t) {
                sums[part][t] = objective->sums(tapes[t], workspace);
            }
        });
        for (std::size_t part = 0; part < count; ++part) {
            for (std::size_t t = 0; t < tapes.size(); ++t) {
                totals[t] += sums[part][t];
            }
        }
    }
    std::vector<double> losses;
    for (const LossSums& total : totals) {
        losses.push_back(total.loss());
    }
    return losses;
}

template std::vector<double> losses_on_all_rows(std::span<const Tape>, MatrixView<const double>,
                                                const Goal&, unsigned);
template std::vector<double> losses_on_all_rows(std::span<const Tape>, MatrixView<const float>,
                                                const Goal&, unsigned);

}  // namespace closedform
