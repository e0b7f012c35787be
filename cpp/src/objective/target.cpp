#include "closedform/objective/target.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "objective/gradient_objective.hpp"
#include "objective/group_objective.hpp"
#include "objective/margin_objective.hpp"
#include "objective/template_objective.hpp"
#include "objective/value_objective.hpp"

namespace closedform {
namespace {

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

ValueTarget::ValueTarget(std::span<const double> y, std::span<const double> weights)
    : y_(y), weights_(weights) {
    check_weights(y.size(), weights);
}

TargetArrays ValueTarget::arrays() const {
    return {TargetArrays::Kind::values, {y_.data(), y_.size(), 1}, {}, weights_, Sign::kept};
}

std::unique_ptr<Objective> ValueTarget::at(RowBlocks blocks, std::span<const std::size_t> which,
                                           const Units& units) const {
    return std::make_unique<ValueObjective>(std::move(blocks), gather(y_, which, units.y),
                                            gather(weights_, which));
}

double ValueTarget::mean_square() const {
    double sum = 0.0;
    for (const double value : y_) {
        sum += value * value;
    }
    return sum / static_cast<double>(y_.size());
}

GroupTarget::GroupTarget(const Target& target, std::span<const std::int64_t> groups)
    : target_(target), groups_(groups) {
    if (groups.size() != target.rows()) {
        throw std::invalid_argument("groups: need one number for every row");
    }
}

std::unique_ptr<Objective> GroupTarget::at(RowBlocks blocks, std::span<const std::size_t> which,
                                           const Units& units) const {
    std::map<std::int64_t, std::vector<std::size_t>> own;  // rows of the blocks
    for (std::size_t i = 0; i < which.size(); ++i) {
        own[groups_[which[i]]].push_back(i);
    }
    std::vector<std::unique_ptr<Objective>> groups;
    std::vector<double> totals;
    for (const auto& [group, rows] : own) {
        std::vector<std::size_t> here;
        for (const std::size_t row : rows) {
            here.push_back(which[row]);
        }
        const std::vector<double> counts = gather(weights(), here);
        const double total = counts.empty() ? static_cast<double>(here.size())
                                            : std::accumulate(counts.begin(), counts.end(), 0.0);
        if (total > 0.0) {
            groups.push_back(target_.at(blocks.some(rows), here, units));
            totals.push_back(total);
        }
    }
    auto all = target_.at(std::move(blocks), which, units);
    return std::make_unique<GroupObjective>(std::move(groups), std::move(totals), std::move(all));
}

std::unique_ptr<Objective> TemplateTarget::at(RowBlocks blocks, std::span<const std::size_t> which,
                                              const Units& units) const {
    return std::make_unique<TemplateObjective>(form_, target_.at(std::move(blocks), which, units));
}

DirectionTarget::DirectionTarget(MatrixView<const double> directions,
                                 MatrixView<const double> scales, std::span<const double> weights,
                                 Sign sign)
    : DirectionTarget(directions, scales, false, weights, sign) {}

DirectionTarget::DirectionTarget(MatrixView<const double> directions,
                                 MatrixView<const double> scales, bool framed,
                                 std::span<const double> weights, Sign sign)
    : directions_(directions), scales_(scales), framed_(framed), weights_(weights), sign_(sign) {
    check_weights(directions.rows, weights);
}

TargetArrays DirectionTarget::arrays() const {
    return {TargetArrays::Kind::directions, directions_, scales_, weights_, sign_, framed_};
}

std::unique_ptr<Objective> DirectionTarget::at(RowBlocks blocks, std::span<const std::size_t> which,
                                               const Units& units) const {
    const std::size_t columns = blocks.columns();
    const std::size_t numbers = directions_.columns;
    const std::size_t factors = scales_.rows == 0 ? columns : scales_.columns;
    if (!framed_ && (numbers == 0 || numbers % columns != 0)) {
        throw std::invalid_argument("gradients: need one component for each column of X");
    }
    std::vector<double> directions;
    std::vector<double> scales;
    directions.reserve(which.size() * numbers);
    scales.reserve(which.size() * factors);
    for (const std::size_t row : which) {
        for (std::size_t j = 0; j < numbers; ++j) {
            directions.push_back(directions_(row, j));
        }
        for (std::size_t j = 0; j < factors; ++j) {
            // dT/dx = unit * dT/d(unit * x)
            scales.push_back(units.x[j % columns] * (scales_.rows == 0 ? 1.0 : scales_(row, j)));
        }
    }
    return std::make_unique<GradientObjective>(
        std::move(blocks), MatrixView<const double>(directions.data(), which.size(), numbers),
        MatrixView<const double>(scales.data(), which.size(), factors), framed_,
        gather(weights_, which), sign_);
}

LabelTarget::LabelTarget(std::span<const double> labels, std::span<const double> weights)
    : labels_(labels), weights_(weights) {
    check_weights(labels.size(), weights);
}

TargetArrays LabelTarget::arrays() const {
    return {
        TargetArrays::Kind::labels, {labels_.data(), labels_.size(), 1}, {}, weights_, Sign::kept};
}

std::unique_ptr<Objective> LabelTarget::at(RowBlocks blocks, std::span<const std::size_t> which,
                                           const Units& /*units*/) const {
    return std::make_unique<MarginObjective>(std::move(blocks), gather(labels_, which),
                                             gather(weights_, which));
}

}  // namespace closedform
