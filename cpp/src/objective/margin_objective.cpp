#include "objective/margin_objective.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "expression/workspace.hpp"
#include "kernels/hinge.hpp"

namespace closedform {
namespace {

// The quadratic above the hinge gets steeper without bound towards the margin itself.
constexpr double nearest_margin = 1e-3;

}  // namespace

MarginObjective::MarginObjective(RowBlocks rows, std::span<const double> labels,
                                 std::span<const double> weights)
    : rows_(std::move(rows)),
      labels_(RowBlocks::pad(labels, labels.back())),
      weights_(labels_.size(), 0.0) {
    for (std::size_t i = 0; i < labels.size(); ++i) {
        weights_[i] = weights.empty() ? 1.0 : weights[i];
        total_weight_ += weights_[i];
    }
}

LossSums MarginObjective::sums(const Tape& tape, Workspace& workspace) const {
    LossSums result;
    result.weight = total_weight_;
    for (std::size_t b = 0; b < rows_.blocks(); ++b) {
        const double* f = workspace.forward(tape, rows_.block(b), false);
        for (std::size_t i = 0; i < block_rows; ++i) {
            const std::size_t row = b * block_rows + i;
            result.as_is += kernels::hinge(f[i], labels_[row], weights_[row]);
        }
    }
    return result;
}

void MarginObjective::normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                                       Workspace& workspace, NormalEquations& out) const {
    const TapeKernels& kernels = tape_kernels();
    const std::size_t count = positions.size();
    out.gram.assign(count * (count + 1) / 2, 0.0);
    out.gradient.assign(count, 0.0);
    std::array<bool, max_tape_size> active{};
    std::array<double*, max_tape_size> jacobian{};
    for (std::size_t p = 0; p < count; ++p) {
        active[positions[p]] = true;
        jacobian[p] = workspace.adjoint(positions[p]);
    }
    mark_ancestors(tape, active);
    std::array<double, block_rows> targets{};
    std::array<double, block_rows> scale{};
    LossSums total;
    total.weight = total_weight_;
    for (std::size_t b = 0; b < rows_.blocks(); ++b) {
        const double* f = workspace.forward(tape, rows_.block(b), true);
        for (std::size_t i = 0; i < block_rows; ++i) {
            const std::size_t row = b * block_rows + i;
            const double margin = 1.0 - labels_[row] * f[i] + f[i] * 0.0;
            total.as_is += kernels::hinge(f[i], labels_[row], weights_[row]);
            // (m + a)^2 / (4 a) is a squared error: the target is where m = -a.
            const double distance = std::max(std::abs(margin), nearest_margin);
            targets[i] = labels_[row] * (1.0 + distance);
            scale[i] = std::sqrt(weights_[row] / (4.0 * distance));
        }
        workspace.reverse(tape, active.data());
        kernels.normal_equations(f, targets.data(), scale.data(), jacobian.data(), count,
                                 out.gram.data(), out.gradient.data());
    }
    out.loss = total.loss();
    for (double& entry : out.gram) {
        entry /= total_weight_;
    }
    for (double& entry : out.gradient) {
        entry /= total_weight_;
    }
}

std::vector<double> MarginObjective::shares(const Tape& parent, std::span<const Tape> terms,
                                            Joint /*joint*/, Workspace& workspace) const {
    // Minus the hinge's derivative by the value: the label, inside the margin.
    std::vector<double> pull(labels_.size(), 0.0);
    for (std::size_t b = 0; b < rows_.blocks(); ++b) {
        const double* f = workspace.forward(parent, rows_.block(b), false);
        for (std::size_t i = 0; i < block_rows; ++i) {
            const std::size_t row = b * block_rows + i;
            pull[row] = labels_[row] * f[i] < 1.0 ? labels_[row] : 0.0;
        }
    }
    std::vector<double> result;
    for (const Tape& term : terms) {
        double sum = 0.0;
        double squares = 0.0;
        double along = 0.0;
        double pulls = 0.0;
        double pull_sum = 0.0;
        for (std::size_t b = 0; b < rows_.blocks(); ++b) {
            const double* f = workspace.forward(term, rows_.block(b), false);
            for (std::size_t i = 0; i < block_rows; ++i) {
                const std::size_t row = b * block_rows + i;
                sum += weights_[row] * f[i];
                squares += weights_[row] * f[i] * f[i];
                along += weights_[row] * f[i] * pull[row];
                pulls += weights_[row] * pull[row] * pull[row];
                pull_sum += weights_[row] * pull[row];
            }
        }
        const double covariance = along - sum * pull_sum / total_weight_;
        const double variance =
            (squares - sum * sum / total_weight_) * (pulls - pull_sum * pull_sum / total_weight_);
        const double share = covariance * covariance / variance;
        result.push_back(variance > 0.0 && std::isfinite(share) ? share : 0.0);
    }
    return result;
}

}  // namespace closedform
