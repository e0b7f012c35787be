#include "objective/gradient_pass.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernel_dispatch.hpp"
#include "expression/workspace.hpp"

namespace closedform {

CLOSEDFORM_DECLARE_SETS(DirectionKernels, direction_kernels)

const DirectionKernels& direction_kernels() {
    static const DirectionKernels& table = CLOSEDFORM_PICK_SET(DirectionKernels, direction_kernels);
    return table;
}

GradientPass::GradientPass(const DirectionRows& data, const Tape& tape, Workspace& workspace,
                           std::span<const std::size_t> group_ends)
    : data_(data), kernels_(direction_kernels()), tape_(tape), workspace_(workspace) {
    std::size_t group = 0;
    slot_of_.assign(data.components(), none);
    towards_.resize(data.axes() ? data.components() * block_rows : 0);
    for (std::size_t i = 0; i < tape.size(); ++i) {
        if (group < group_ends.size() && i > group_ends[group]) {
            ++group;
            std::fill(slot_of_.begin(), slot_of_.end(), none);
        }
        if (tape[i].op != Op::variable) {
            continue;
        }
        active_[i] = true;
        const auto column = static_cast<std::size_t>(tape[i].variable);
        // In a frame every column is part of every component.
        const std::size_t begin = data.framed() ? 0 : column;
        const std::size_t end = data.framed() ? data.components() : column + 1;
        const bool first = slot_of_[begin] == none;
        for (std::size_t component = begin; first && component < end; ++component) {
            slot_of_[component] = slots_.size();
            slots_.push_back({group, component});
        }
        reads_.push_back({i, column, slot_of_[begin], first});
    }
    mark_ancestors(tape, active_);
}

void GradientPass::load(std::size_t block, double* const* out) {
    workspace_.forward_all(tape_, data_.rows().block(block));
    workspace_.reverse(tape_, active_.data());
    for (const Read& read : reads_) {
        add_read(read, workspace_.adjoint(read.node), block, read.first, out);
    }
}

void GradientPass::add_read(const Read& read, const double* at, std::size_t block, bool first,
                            double* const* out) const {
    const std::size_t count = data_.framed() ? data_.components() : 1;
    for (std::size_t k = 0; k < count; ++k) {
        kernels_.add_scaled(at, data_.factor(block, k, read.column), first, out[read.slot + k]);
    }
}

void GradientPass::differences(std::size_t block, double* const* out, double* inverse,
                               double& minus, double& plus) {
    load(block, out);
    const double* weight = data_.weight(block);
    kernels_.inverse_norms(out, slots_.size(), workspace_.value(tape_.size() - 1), inverse);
    if (data_.axes()) {
        turn_axes(block, out);
    }
    for (std::size_t j = 0; j < slot_of_.size(); ++j) {
        const double* u = direction(block, j);
        if (slot_of_[j] == none) {
            const double rest = kernels_.squares(u, weight);
            minus += rest;
            plus += rest;
        } else {
            kernels_.differences(out[slot_of_[j]], inverse, u, weight, &minus, &plus);
        }
    }
}

void GradientPass::turn_axes(std::size_t block, const double* const* gradient) {
    const std::size_t spans = data_.spans();
    std::vector<double> side(spans * block_rows, 0.0);
    for (std::size_t s = 0; s < spans; ++s) {
        for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
            kernels_.add_scaled(gradient[slot], data_.direction(block, slots_[slot].component, s),
                                false, side.data() + s * block_rows);
        }
    }
    for (std::size_t i = 0; i < block_rows; ++i) {
        double squares = 0.0;
        for (std::size_t s = 1; s < spans; ++s) {
            squares += side[s * block_rows + i] * side[s * block_rows + i];
        }
        if (squares == 0.0) {
            side[i] = std::copysign(1.0, side[i]);
            continue;
        }
        const double length = std::sqrt(squares + side[i] * side[i]);
        for (std::size_t s = 0; s < spans; ++s) {
            side[s * block_rows + i] /= length;
        }
    }
    for (std::size_t j = 0; j < data_.components(); ++j) {
        for (std::size_t s = 0; s < spans; ++s) {
            kernels_.add_scaled(data_.direction(block, j, s), side.data() + s * block_rows, s == 0,
                                towards_.data() + j * block_rows);
        }
    }
}

void GradientPass::tangent(std::size_t block, std::size_t position, double* const* out) {
    std::array<bool, max_tape_size> varies{};
    std::array<bool, max_tape_size> live{};
    varies[position] = true;
    mark_ancestors(tape_, varies);
    workspace_.tangents(tape_, {&position, 1}, active_.data(), varies.data(), live.data());
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
        std::fill_n(out[slot], block_rows, 0.0);
    }
    for (const Read& read : reads_) {
        if (live[read.node]) {
            add_read(read, workspace_.adjoint_tangent(read.node), block, false, out);
        }
    }
}

}  // namespace closedform
