#include "objective/margin_objective.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/kernel_dispatch.hpp"
#include "expression/workspace.hpp"
#include "kernels/simd/hinge.hpp"
#include "objective/term_share.hpp"

namespace closedform {

CLOSEDFORM_DECLARE_SETS(HingeKernels, hinge_kernels)

const HingeKernels& hinge_kernels() {
    static const HingeKernels& table = CLOSEDFORM_PICK_SET(HingeKernels, hinge_kernels);
    return table;
}

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
    const HingeKernels& kernels = hinge_kernels();
    LossSums result;
    result.weight = total_weight_;
    for (std::size_t b = 0; b < rows_.blocks() && std::isfinite(result.as_is); ++b) {
        const double* f = workspace.forward(tape, rows_.block(b));
        result.as_is +=
            kernels.loss(f, labels_.data() + b * block_rows, weights_.data() + b * block_rows);
    }
    return result;
}

void MarginObjective::normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                                       Workspace& workspace, NormalEquations& out) const {
    const HingeKernels& hinge = hinge_kernels();
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
    std::array<bool, max_tape_size> every{};
    std::fill_n(every.begin(), count, true);
    mark_ancestors(tape, active);
    std::array<double, block_rows> targets{};
    std::array<double, block_rows> scale{};
    LossSums total;
    total.weight = total_weight_;
    for (std::size_t b = 0; b < rows_.blocks(); ++b) {
        const double* f = workspace.forward_all(tape, rows_.block(b));
        total.as_is +=
            hinge.squares_above(f, labels_.data() + b * block_rows,
                                weights_.data() + b * block_rows, targets.data(), scale.data());
        if (!std::isfinite(total.as_is)) {
            break;
        }
        workspace.reverse(tape, active.data());
        kernels.normal_equations(f, targets.data(), scale.data(), block_rows, jacobian.data(),
                                 every.data(), count, out.gram.data(), out.gradient.data());
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
    const HingeKernels& kernels = hinge_kernels();
    std::vector<double> pull(labels_.size());
    std::array<double, 3> sums{};
    for (std::size_t b = 0; b < rows_.blocks(); ++b) {
        const double* f = workspace.forward(parent, rows_.block(b));
        double* own = pull.data() + b * block_rows;
        kernels.pull(f, labels_.data() + b * block_rows, own);
        kernels.products(own, own, weights_.data() + b * block_rows, sums.data());
    }
    const double pulls = sums[0];
    const double pull_squares = sums[1];
    std::vector<double> result;
    for (const Tape& term : terms) {
        sums.fill(0.0);
        for (std::size_t b = 0; b < rows_.blocks(); ++b) {
            const double* f = workspace.forward(term, rows_.block(b));
            kernels.products(f, pull.data() + b * block_rows, weights_.data() + b * block_rows,
                             sums.data());
        }
        const TermSums all = {sums[0], pulls, sums[1], sums[2], pull_squares};
        result.push_back(all.share(total_weight_, true));
    }
    return result;
}

}  // namespace closedform
