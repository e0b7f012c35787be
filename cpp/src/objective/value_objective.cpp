#include "objective/value_objective.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "expression/workspace.hpp"
#include "objective/term_share.hpp"

namespace closedform {

ValueObjective::ValueObjective(RowBlocks rows, std::span<const double> y,
                               std::span<const double> weights)
    : rows_(std::move(rows)), y_(RowBlocks::pad(y, y.back())), scale_(y_.size(), 0.0) {
    double mean = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) {
        const double weight = weights.empty() ? 1.0 : weights[i];
        scale_[i] = std::sqrt(weight);
        total_weight_ += weight;
        mean += weight * y[i];
    }
    mean /= total_weight_;
    for (std::size_t i = 0; i < y.size(); ++i) {
        variance_ += scale_[i] * scale_[i] * (y[i] - mean) * (y[i] - mean);
    }
    variance_ /= total_weight_;
}

LossSums ValueObjective::sums(const Tape& tape, Workspace& workspace) const {
    const TapeKernels& kernels = tape_kernels();
    LossSums result;
    result.weight = total_weight_;
    for (std::size_t b = 0; b < rows_.blocks() && std::isfinite(result.as_is); ++b) {
        const double* f = workspace.forward(tape, rows_.block(b), rows_.rows_of(b));
        result.as_is += kernels.square_error(f, y_.data() + b * block_rows,
                                             scale_.data() + b * block_rows, rows_.rows_of(b));
    }
    return result;
}

void ValueObjective::normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                                      Workspace& workspace, NormalEquations& out) const {
    workspace.kept().begin(tape, positions, rows_.blocks());
    add_up(workspace.kept(), out);
}

void ValueObjective::next_equations(const Tape& tape, std::span<const std::size_t> /*positions*/,
                                    Workspace& workspace, NormalEquations& out) const {
    workspace.kept().change(tape);
    add_up(workspace.kept(), out);
}

void ValueObjective::add_up(KeptBlocks& kept, NormalEquations& out) const {
    const TapeKernels& kernels = tape_kernels();
    const std::size_t count = kept.positions();
    const bool* moved = kept.moved();
    std::vector<double>& gram = kept.gram();
    for (std::size_t p = 0, entry = 0; p < count; ++p) {
        for (std::size_t q = 0; q <= p; ++q, ++entry) {
            gram[entry] = moved[p] || moved[q] ? 0.0 : gram[entry];
        }
    }
    out.gradient.assign(count, 0.0);
    out.loss = 0.0;
    for (std::size_t b = 0; b < rows_.blocks(); ++b) {
        const double* f = kept.pass(b, rows_.block(b), rows_.rows_of(b));
        out.loss += kernels.normal_equations(
            f, y_.data() + b * block_rows, scale_.data() + b * block_rows, rows_.rows_of(b),
            kept.jacobian(), moved, count, gram.data(), out.gradient.data());
        if (!std::isfinite(out.loss)) {
            kept.spoil();
            break;
        }
    }
    out.loss /= total_weight_;
    out.gram = gram;
    for (double& entry : out.gram) {
        entry /= total_weight_;
    }
    for (double& entry : out.gradient) {
        entry /= total_weight_;
    }
}

std::vector<double> ValueObjective::residual(const Tape& tape, Workspace& workspace) const {
    std::vector<double> result(y_.size(), 0.0);
    for (std::size_t b = 0; b < rows_.blocks(); ++b) {
        const double* f = workspace.forward(tape, rows_.block(b), rows_.rows_of(b));
        const std::size_t begin = b * block_rows;
        const std::size_t end = std::min(begin + block_rows, rows_.rows());
        for (std::size_t i = begin; i < end; ++i) {
            result[i] = y_[i] - f[i - begin];
        }
    }
    return result;
}

double ValueObjective::explained(const Tape& term, std::span<const double> residual,
                                 Workspace& workspace) const {
    TermSums sums;
    for (std::size_t b = 0; b < rows_.blocks(); ++b) {
        const double* f = workspace.forward(term, rows_.block(b), rows_.rows_of(b));
        const std::size_t begin = b * block_rows;
        const std::size_t end = std::min(begin + block_rows, rows_.rows());
        for (std::size_t i = begin; i < end; ++i) {
            const double w = scale_[i] * scale_[i];
            const double v = f[i - begin];
            sums.f += w * v;
            sums.r += w * residual[i];
            sums.ff += w * v * v;
            sums.fr += w * v * residual[i];
            sums.rr += w * residual[i] * residual[i];
        }
    }
    return sums.share(total_weight_, false);
}

std::vector<double> ValueObjective::shares(const Tape& parent, std::span<const Tape> terms,
                                           Joint /*joint*/, Workspace& workspace) const {
    const std::vector<double> left = residual(parent, workspace);
    std::vector<double> result;
    for (const Tape& term : terms) {
        result.push_back(explained(term, left, workspace));
    }
    return result;
}

}  // namespace closedform
