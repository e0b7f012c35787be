#include "objective/gradient_objective.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "expression/workspace.hpp"
#include "objective/direction_invariants.hpp"
#include "objective/gradient_pass.hpp"
#include "objective/gradient_pencil.hpp"

namespace closedform {
namespace {

constexpr int reweightings = 4;

/// Pointers to `count` runs of `length` numbers.
std::vector<double*> runs(double* data, std::size_t count, std::size_t length) {
    std::vector<double*> result(count);
    for (std::size_t i = 0; i < count; ++i) {
        result[i] = data + i * length;
    }
    return result;
}

/// Last nodes of the terms of the outermost sum, a chain of additions, as emit_linear makes it.
std::vector<std::size_t> term_ends(const Tape& tape, std::size_t terms) {
    std::vector<std::size_t> ends(terms);
    std::size_t root = tape.size() - 1;
    for (std::size_t k = terms; k-- > 1;) {
        ends[k] = root - 1;
        root = operands(tape, root).left;
    }
    ends[0] = root;
    return ends;
}

/// Gradients of a sum's terms at all rows, what of them lies along u, and the pencil of both.
class TermPencil {
  public:
    TermPencil(const DirectionRows& data, const DirectionKernels& kernels, std::size_t terms,
               const std::vector<GradientPass::Slot>& slots, Workspace& workspace)
        : data_(data),
          kernels_(kernels),
          slots_(slots),
          workspace_(workspace),
          terms_(terms),
          length_(data.blocks() * block_rows),
          pencil_(terms),
          factors_(terms) {
        const std::size_t components = data.components();
        const std::size_t along = terms * data.spans();
        double* room = workspace.room((slots.size() + along + components + 1) * length_);
        jacobian_ = runs(room, slots.size(), length_);
        along_ = runs(room + slots.size() * length_, along, length_);
        sum_ = runs(room + (slots.size() + along) * length_, components, length_);
        weights_ = room + (slots.size() + along + components) * length_;
        std::copy(data.weights().begin(), data.weights().end(), weights_);
        std::fill_n(along_[0], along * length_, 0.0);
    }

    /// Where `logarithm`, the first term's gradients are those of its logarithm; the term ends at
    /// node `first`.
    void load(GradientPass& pass, bool logarithm, std::size_t first) {
        std::vector<double*> at(slots_.size());
        for (std::size_t b = 0; b < data_.blocks(); ++b) {
            for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
                at[slot] = jacobian_[slot] + b * block_rows;
            }
            pass.load(b, at.data());
            const double* value = workspace_.value(first);
            for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
                if (logarithm && slots_[slot].group == 0) {
                    kernels_.divide(at[slot], value);
                }
                for (std::size_t s = 0; s < data_.spans(); ++s) {
                    kernels_.add_scaled(at[slot], data_.direction(b, slots_[slot].component, s),
                                        false,
                                        along_[s * terms_ + slots_[slot].group] + b * block_rows);
                }
            }
        }
    }

    /// Sets the factors; returns the pencil's smallest value.
    double solve() {
        pencil_.clear();
        for (std::size_t b = 0; b < length_; b += block_rows) {
            for (std::size_t s = 0; s < slots_.size(); ++s) {
                for (std::size_t t = 0; t <= s; ++t) {
                    if (slots_[s].component == slots_[t].component) {
                        pencil_.add(
                            slots_[s].group, slots_[t].group,
                            kernels_.dot3(jacobian_[s] + b, jacobian_[t] + b, weights_ + b));
                    }
                }
            }
            for (std::size_t s = 0; s < data_.spans(); ++s) {
                double* const* along = along_.data() + s * terms_;
                for (std::size_t k = 0; k < terms_; ++k) {
                    for (std::size_t l = 0; l <= k; ++l) {
                        pencil_.take_along(k, l,
                                           kernels_.dot3(along[k] + b, along[l] + b, weights_ + b));
                    }
                }
            }
        }
        pencil_.complete();
        return pencil_.solve(factors_);
    }

    /// Rows of a large gradient count no more than others.
    void reweight() {
        std::fill_n(sum_[0], sum_.size() * length_, 0.0);
        for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
            const double factor = factors_[slots_[slot].group];
            double* component = sum_[slots_[slot].component];
            for (std::size_t i = 0; i < length_; ++i) {
                component[i] += factor * jacobian_[slot][i];
            }
        }
        double most_squares = 0.0;
        for (std::size_t i = 0; i < length_; ++i) {
            double squares = 0.0;
            for (const double* component : sum_) {
                squares += component[i] * component[i];
            }
            sum_[0][i] = squares;
            most_squares = std::max(most_squares, squares);
        }
        for (std::size_t i = 0; i < length_; ++i) {
            weights_[i] = data_.weights()[i] / std::max(sum_[0][i], 1e-12 * most_squares);
        }
    }

    /// The largest factor becomes 1: the loss is free of the common one. A term that adds no more
    /// than rounding is none.
    void write(Tape& tape, std::span<const std::size_t> linear) const {
        double largest = 0.0;
        double most = 0.0;
        for (std::size_t k = 0; k < terms_; ++k) {
            largest = std::max(largest, std::abs(factors_[k]));
            most = std::max(most, factors_[k] * factors_[k] * pencil_.total(k, k));
        }
        for (std::size_t k = 0; k < terms_; ++k) {
            const double share = factors_[k] * factors_[k] * pencil_.total(k, k);
            tape[linear[k]].value = share > 1e-22 * most ? factors_[k] / largest : 0.0;
        }
    }

  private:
    const DirectionRows& data_;
    const DirectionKernels& kernels_;
    const std::vector<GradientPass::Slot>& slots_;
    Workspace& workspace_;
    std::size_t terms_;
    std::size_t length_;             ///< of all rows, in whole blocks
    std::vector<double*> jacobian_;  ///< by slot
    std::vector<double*> along_;     ///< by span and term
    std::vector<double*> sum_;       ///< by component
    double* weights_ = nullptr;
    GradientPencil pencil_;
    std::vector<double> factors_;
};

/// The smallest value of the pencil of two gradients, the parent's first, joined so.
double smallest(GradientPencil& pencil, Joint joint) {
    if (joint == Joint::sum || joint == Joint::exponent) {
        std::array<double, 2> factors{};
        return pencil.solve(factors);
    }
    const double sign = joint == Joint::product ? 2.0 : -2.0;
    return (pencil.across(0, 0) + sign * pencil.across(1, 0) + pencil.across(1, 1)) /
           (pencil.total(0, 0) + sign * pencil.total(1, 0) + pencil.total(1, 1));
}

}  // namespace

GradientObjective::GradientObjective(RowBlocks rows, MatrixView<const double> directions,
                                     MatrixView<const double> factors, bool framed,
                                     std::span<const double> weights, Sign sign)
    : data_(std::move(rows), directions, factors, framed, weights, sign == Sign::of_row),
      sign_(sign),
      kernels_(direction_kernels()) {}

Scaled GradientObjective::representative(Scaled form) const {
    return sign_ == Sign::of_row ? bare_form(std::move(form))
                                 : free_form(std::move(form), sign_ == Sign::kept);
}

LossSums GradientObjective::both_signs(const Tape& tape, Workspace& workspace) const {
    GradientPass pass(data_, tape, workspace);
    const std::size_t count = pass.slots().size();
    double* room = workspace.room((count + 1) * block_rows);
    const std::vector<double*> g = runs(room, count, block_rows);
    double* inverse = room + count * block_rows;
    LossSums result;
    result.negated = 0.0;
    for (std::size_t b = 0; b < data_.blocks() && std::isfinite(result.as_is); ++b) {
        pass.differences(b, g.data(), inverse, result.as_is, result.negated);
    }
    result.weight = data_.total_weight();
    return result;
}

LossSums GradientObjective::sums(const Tape& tape, Workspace& workspace) const {
    LossSums result = both_signs(tape, workspace);
    if (sign_ == Sign::kept) {
        result.negated = std::numeric_limits<double>::infinity();
    }
    return result;
}

bool GradientObjective::falls(const Tape& tape, Workspace& workspace) const {
    if (sign_free()) {
        return false;
    }
    const LossSums sums = both_signs(tape, workspace);
    return sums.negated < sums.as_is;
}

void GradientObjective::normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                                         Workspace& workspace, NormalEquations& out) const {
    const std::size_t constants = positions.size();
    out.gram.assign(constants * (constants + 1) / 2, 0.0);
    out.gradient.assign(constants, 0.0);
    GradientPass pass(data_, tape, workspace);
    LossSums total;
    total.weight = data_.total_weight();
    double plus = 0.0;
    const std::size_t count = pass.slots().size();
    double* room = workspace.room((count * (constants + 1) + 1) * block_rows);
    const std::vector<double*> g = runs(room, count, block_rows);
    // J: for every constant the tangent of the unit vector, component by component.
    const std::vector<double*> turned =
        runs(room + count * block_rows, constants, count * block_rows);
    double* inverse = room + count * (constants + 1) * block_rows;
    for (std::size_t b = 0; b < data_.blocks(); ++b) {
        pass.differences(b, g.data(), inverse, total.as_is, plus);
        if (!std::isfinite(total.as_is)) {
            out.loss = total.as_is;
            return;
        }
        double* gram = out.gram.data();
        for (std::size_t p = 0; p < constants; ++p) {
            const std::vector<double*> tangent = runs(turned[p], count, block_rows);
            pass.tangent(b, positions[p], tangent.data());
            kernels_.turn(g.data(), inverse, tangent.data(), count);
            // r = u - s v, so J = -s dv; and dv is perpendicular to v.
            for (std::size_t slot = 0; slot < count; ++slot) {
                out.gradient[p] -=
                    kernels_.dot3(tangent[slot], pass.direction(b, pass.slots()[slot].component),
                                  data_.weight(b));
            }
            for (std::size_t q = 0; q <= p; ++q, ++gram) {
                for (std::size_t slot = 0; slot < count; ++slot) {
                    *gram += kernels_.dot3(tangent[slot], turned[q] + slot * block_rows,
                                           data_.weight(b));
                }
            }
        }
    }
    if (sign_free()) {
        total.negated = plus;
    }
    out.loss = total.loss();
    const double sign = total.negated < total.as_is ? -1.0 : 1.0;
    for (double& entry : out.gram) {
        entry /= data_.total_weight();
    }
    for (double& entry : out.gradient) {
        entry *= sign / data_.total_weight();
    }
}

int GradientObjective::solve_sum(Tape& tape, std::span<const std::size_t> linear, bool logarithm,
                                 Workspace& workspace) const {
    const std::size_t terms = linear.size();
    for (const std::size_t position : linear) {
        tape[position].value = 1.0;
    }
    if (terms < 2) {
        return 0;
    }
    const std::vector<std::size_t> ends = term_ends(tape, terms);
    GradientPass pass(data_, tape, workspace, ends);
    TermPencil pencil(data_, kernels_, terms, pass.slots(), workspace);
    pencil.load(pass, logarithm, ends.front());
    for (int round = 0; round <= reweightings; ++round) {
        const double angle = pencil.solve();
        if (angle < 0.0 || round == reweightings || angle < exact_loss()) {
            break;
        }
        pencil.reweight();
    }
    pencil.write(tape, linear);
    return 2;
}

std::vector<double> GradientObjective::shares(const Tape& parent, std::span<const Tape> terms,
                                              Joint joint, Workspace& workspace) const {
    const std::size_t components = data_.components();
    const std::size_t spans = data_.spans();
    const std::size_t all = components + spans;
    const std::size_t length = data_.blocks() * block_rows;
    // Gradients of the parent, of one term, and what of them lies along every u.
    double* room = workspace.room(all * (length + block_rows));
    const std::vector<double*> parents = runs(room, all, length);
    const std::vector<double*> own = runs(room + all * length, all, block_rows);

    /// The slots of a block's gradient by component, those of unread columns zero.
    const auto gradient = [&](GradientPass& pass, const Tape& tape, std::size_t b,
                              bool of_logarithm, const std::vector<double*>& out,
                              std::size_t offset) {
        std::vector<double*> at(pass.slots().size());
        for (std::size_t slot = 0; slot < pass.slots().size(); ++slot) {
            at[slot] = out[pass.slots()[slot].component] + offset;
        }
        for (std::size_t s = 0; s < spans; ++s) {
            std::fill_n(out[components + s] + offset, block_rows, 0.0);
        }
        pass.load(b, at.data());
        for (std::size_t slot = 0; slot < pass.slots().size(); ++slot) {
            if (of_logarithm) {
                kernels_.divide(at[slot], workspace.value(tape.size() - 1));
            }
            for (std::size_t s = 0; s < spans; ++s) {
                kernels_.add_scaled(at[slot], data_.direction(b, pass.slots()[slot].component, s),
                                    false, out[components + s] + offset);
            }
        }
    };
    std::fill_n(room, all * (length + block_rows), 0.0);
    GradientPass parent_pass(data_, parent, workspace);
    double total_parent = 0.0;
    double total_along_parent = 0.0;
    for (std::size_t b = 0; b < data_.blocks(); ++b) {
        const std::size_t offset = b * block_rows;
        gradient(parent_pass, parent, b, joint != Joint::sum, parents, offset);
        for (const auto& slot : parent_pass.slots()) {
            const double* g = parents[slot.component] + offset;
            total_parent += kernels_.dot3(g, g, data_.weight(b));
        }
        for (std::size_t s = 0; s < spans; ++s) {
            const double* a = parents[components + s] + offset;
            total_along_parent += kernels_.dot3(a, a, data_.weight(b));
        }
    }

    GradientPencil pencil(2);
    std::vector<double> result;
    for (const Tape& term : terms) {
        for (std::size_t j = 0; j < components; ++j) {
            std::fill_n(own[j], block_rows, 0.0);
        }
        GradientPass pass(data_, term, workspace);
        pencil.clear();
        pencil.add(0, 0, total_parent);
        pencil.take_along(0, 0, total_along_parent);
        for (std::size_t b = 0; b < data_.blocks(); ++b) {
            const std::size_t offset = b * block_rows;
            const bool of_logarithm = joint == Joint::product || joint == Joint::quotient;
            gradient(pass, term, b, of_logarithm, own, 0);
            for (const auto& slot : pass.slots()) {
                const double* g = own[slot.component];
                pencil.add(1, 1, kernels_.dot3(g, g, data_.weight(b)));
                pencil.add(1, 0,
                           kernels_.dot3(g, parents[slot.component] + offset, data_.weight(b)));
            }
            for (std::size_t s = components; s < all; ++s) {
                pencil.take_along(1, 1, kernels_.dot3(own[s], own[s], data_.weight(b)));
                pencil.take_along(1, 0,
                                  kernels_.dot3(own[s], parents[s] + offset, data_.weight(b)));
            }
        }
        pencil.complete();
        const double angle = smallest(pencil, joint);
        const double share = 1.0 - angle * total_parent / pencil.across(0, 0);
        result.push_back(angle >= 0.0 && std::isfinite(share) ? std::max(0.0, share) : 0.0);
    }
    return result;
}

}  // namespace closedform
