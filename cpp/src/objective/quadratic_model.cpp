#include "objective/quadratic_model.hpp"

#include <algorithm>
#include <utility>

#include "expression/workspace.hpp"

namespace closedform {

QuadraticModel::QuadraticModel(const Tape& tape, NormalEquations equations, double largest_constant)
    : positions_(constant_positions(tape)),
      equations_(std::move(equations)),
      largest_(largest_constant) {
    for (const std::size_t position : positions_) {
        constants_.push_back(tape[position].value);
    }
}

double QuadraticModel::gram(std::size_t i, std::size_t j) const {
    const std::size_t row = std::max(i, j);
    return equations_.gram[row * (row + 1) / 2 + std::min(i, j)];
}

std::vector<double> QuadraticModel::moved(const Tape& tape) const {
    std::vector<double> step;
    for (std::size_t i = 0; i < positions_.size(); ++i) {
        step.push_back(tape[positions_[i]].value - constants_[i]);
    }
    return step;
}

std::vector<double> QuadraticModel::slopes(const std::vector<double>& step) const {
    std::vector<double> result = equations_.gradient;
    for (std::size_t i = 0; i < step.size(); ++i) {
        for (std::size_t j = 0; j < step.size(); ++j) {
            result[i] += gram(i, j) * step[j];
        }
    }
    return result;
}

double QuadraticModel::loss(const Tape& tape, Workspace& /*workspace*/) const {
    // |r + J s|^2 = |r|^2 + (2 J^T r + J^T J s) s
    const std::vector<double> step = moved(tape);
    const std::vector<double> slope = slopes(step);
    double loss = equations_.loss;
    for (std::size_t i = 0; i < step.size(); ++i) {
        loss += (equations_.gradient[i] + slope[i]) * step[i];
    }
    return std::max(0.0, loss);
}

void QuadraticModel::normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                                      Workspace& workspace, NormalEquations& out) const {
    out.loss = loss(tape, workspace);
    out.gram.clear();
    out.gradient.clear();
    const std::vector<double> slope = slopes(moved(tape));
    std::vector<std::size_t> which;
    for (const std::size_t position : positions) {
        which.push_back(static_cast<std::size_t>(
            std::find(positions_.begin(), positions_.end(), position) - positions_.begin()));
        out.gradient.push_back(slope[which.back()]);
        for (const std::size_t other : which) {
            out.gram.push_back(gram(which.back(), other));
        }
    }
}

}  // namespace closedform
