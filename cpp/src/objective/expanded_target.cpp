#include "objective/expanded_target.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "objective/objective.hpp"

namespace closedform {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

class ExpandedObjective final : public Objective {
  public:
    ExpandedObjective(std::unique_ptr<Objective> own, const Vocabulary& vocabulary)
        : own_(std::move(own)), vocabulary_(vocabulary) {}

    LossSums sums(const Tape& tape, Workspace& workspace) const override {
        const Expanded wide = vocabulary_.expanded(tape);
        if (wide.tape.empty()) {
            return {infinity, infinity, 1.0};
        }
        return own_->sums(wide.tape, workspace);
    }

    void normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                          Workspace& workspace, NormalEquations& out) const override {
        const Expanded wide = vocabulary_.expanded(tape);
        if (wide.tape.empty()) {
            out.loss = infinity;
            return;
        }
        std::vector<std::size_t> places;  // of all copies of those constants
        std::vector<std::size_t> which;
        for (std::size_t i = 0; i < wide.tape.size(); ++i) {
            const auto found = std::find(positions.begin(), positions.end(), wide.origin[i]);
            if (found != positions.end()) {
                places.push_back(i);
                which.push_back(static_cast<std::size_t>(found - positions.begin()));
            }
        }
        NormalEquations copies;
        own_->normal_equations(wide.tape, places, workspace, copies);
        gather(copies, which, positions.size(), out);
    }

    std::vector<double> shares(const Tape& parent, std::span<const Tape> terms, Joint joint,
                               Workspace& workspace) const override {
        const Tape wide = vocabulary_.expanded(parent).tape;
        std::vector<double> result(terms.size(), 0.0);
        std::vector<Tape> written;
        std::vector<std::size_t> which;
        for (std::size_t i = 0; i < terms.size() && !wide.empty(); ++i) {
            Tape term = vocabulary_.expanded(terms[i]).tape;
            if (!term.empty()) {
                written.push_back(std::move(term));
                which.push_back(i);
            }
        }
        if (!written.empty()) {
            const std::vector<double> own = own_->shares(wide, written, joint, workspace);
            for (std::size_t k = 0; k < own.size(); ++k) {
                result[which[k]] = own[k];
            }
        }
        return result;
    }

    int solve_sum(Tape& tape, std::span<const std::size_t> linear, bool logarithm,
                  Workspace& workspace) const override {
        Expanded wide = vocabulary_.expanded(tape);
        if (wide.tape.empty()) {
            return 0;
        }
        std::vector<std::size_t> places;  // outside of every operator, so each is there once
        for (const std::size_t position : linear) {
            const auto found = std::find(wide.origin.begin(), wide.origin.end(), position);
            places.push_back(static_cast<std::size_t>(found - wide.origin.begin()));
        }
        const int passes = own_->solve_sum(wide.tape, places, logarithm, workspace);
        for (std::size_t k = 0; k < places.size(); ++k) {
            tape[linear[k]].value = wide.tape[places[k]].value;
        }
        return passes;
    }

    bool falls(const Tape& tape, Workspace& workspace) const override {
        const Tape wide = vocabulary_.expanded(tape).tape;
        return !wide.empty() && own_->falls(wide, workspace);
    }

    int passes(std::size_t constants) const override { return own_->passes(constants); }
    bool quadratic() const override { return own_->quadratic(); }
    double largest_constant() const override { return own_->largest_constant(); }
    double exact_loss() const override { return own_->exact_loss(); }
    double rounding_loss() const override { return own_->rounding_loss(); }
    Scaled representative(Scaled form) const override {
        return own_->representative(std::move(form));
    }
    bool scale_free() const override { return own_->scale_free(); }
    bool sign_free() const override { return own_->sign_free(); }
    const RowBlocks& rows() const override { return own_->rows(); }

  private:
    /// Of constants from those of their copies, `which` says of which.
    static void gather(const NormalEquations& copies, const std::vector<std::size_t>& which,
                       std::size_t count, NormalEquations& out) {
        out.loss = copies.loss;
        out.gradient.assign(count, 0.0);
        out.gram.assign(count * (count + 1) / 2, 0.0);
        for (std::size_t a = 0; a < which.size(); ++a) {
            out.gradient[which[a]] += copies.gradient[a];
            for (std::size_t b = 0; b < which.size(); ++b) {
                const std::size_t i = which[a];
                const std::size_t j = which[b];
                const auto [low, high] = std::minmax(a, b);
                if (i >= j) {
                    out.gram[i * (i + 1) / 2 + j] += copies.gram[high * (high + 1) / 2 + low];
                }
            }
        }
    }

    std::unique_ptr<Objective> own_;
    const Vocabulary& vocabulary_;
};

}  // namespace

std::unique_ptr<Objective> written_out(std::unique_ptr<Objective> objective,
                                       const Vocabulary& vocabulary) {
    return std::make_unique<ExpandedObjective>(std::move(objective), vocabulary);
}

std::unique_ptr<Objective> ExpandedTarget::at(RowBlocks blocks, std::span<const std::size_t> which,
                                              const Units& units) const {
    return written_out(target_.at(std::move(blocks), which, units), vocabulary_);
}

bool ExpandedLosses::add(const LossQuestion& question, const StopToken& stop,
                         std::vector<LossSums>& total) {
    std::vector<Tape> wide;
    for (const Tape& tape : question.tapes) {
        wide.push_back(vocabulary_.expanded(tape).tape);
        if (wide.back().empty()) {  // too long: no number is its value
            wide.back() = {Node::constant(std::numeric_limits<double>::quiet_NaN())};
        }
    }
    return rows_.add({wide, question.rough}, stop, total);
}

}  // namespace closedform
