#include "objective/template_objective.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace closedform {

LossSums TemplateObjective::sums(const Tape& tape, Workspace& workspace) const {
    const Tape whole = form_.expand(tape);
    if (whole.empty()) {
        LossSums none;
        none.as_is = std::numeric_limits<double>::infinity();
        none.weight = 1.0;
        return none;
    }
    return whole_->sums(whole, workspace);
}

void TemplateObjective::normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                                         Workspace& workspace, NormalEquations& out) const {
    const std::size_t count = positions.size();
    out.gram.assign(count * (count + 1) / 2, 0.0);
    out.gradient.assign(count, 0.0);
    const Tape whole = form_.expand(tape);
    if (whole.empty()) {
        out.loss = std::numeric_limits<double>::infinity();
        return;
    }
    constexpr std::size_t none = max_tape_size;
    std::array<std::size_t, max_tape_size> place{};
    place.fill(none);
    for (std::size_t p = 0; p < count; ++p) {
        place[positions[p]] = p;
    }
    std::vector<std::size_t> here;   // constants of the whole that are fitted
    std::vector<std::size_t> whose;  // of the positions
    for (std::size_t i = 0; i < whole.size(); ++i) {
        if (whole[i].op == Op::constant && whole[i].variable >= 0) {
            const std::size_t p = place[static_cast<std::size_t>(whole[i].variable)];
            if (p != none) {
                here.push_back(i);
                whose.push_back(p);
            }
        }
    }
    NormalEquations own;
    whole_->normal_equations(whole, here, workspace, own);
    out.loss = own.loss;
    for (std::size_t i = 0; i < here.size(); ++i) {
        out.gradient[whose[i]] += own.gradient[i];
        for (std::size_t j = 0; j <= i; ++j) {
            const auto [small, large] = std::minmax(whose[i], whose[j]);
            const double entry = own.gram[i * (i + 1) / 2 + j];
            // Two places of one constant: both of the symmetric entries lie on its diagonal.
            const double times = i != j && small == large ? 2.0 : 1.0;
            out.gram[large * (large + 1) / 2 + small] += times * entry;
        }
    }
}

std::vector<double> TemplateObjective::shares(const Tape& /*parent*/, std::span<const Tape> terms,
                                              Joint /*joint*/, Workspace& /*workspace*/) const {
    return std::vector<double>(terms.size(), 0.0);
}

}  // namespace closedform
