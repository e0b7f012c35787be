#include "objective/group_objective.hpp"

#include <numeric>
#include <utility>

#include "objective/levenberg_marquardt.hpp"

namespace closedform {

GroupObjective::GroupObjective(std::vector<std::unique_ptr<Objective>> groups,
                               std::vector<double> weights, std::unique_ptr<Objective> all)
    : owned_(std::move(groups)),
      all_(std::move(all)),
      total_weight_(std::accumulate(weights.begin(), weights.end(), 0.0)) {
    for (std::size_t g = 0; g < owned_.size(); ++g) {
        groups_.push_back({owned_[g].get(), weights[g] / total_weight_});
    }
}

LossSums GroupObjective::sums(const Tape& tape, Workspace& workspace) const {
    Tape own = tape;
    LossSums result;
    result.weight = total_weight_;
    result.as_is =
        total_weight_ *
        fit_constants(own, constant_positions(own), {}, *this, workspace, FitOptions()).loss;
    return result;
}

void GroupObjective::normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                                      Workspace& workspace, NormalEquations& out) const {
    all_->normal_equations(tape, positions, workspace, out);
}

std::vector<double> GroupObjective::shares(const Tape& parent, std::span<const Tape> terms,
                                           Joint joint, Workspace& workspace) const {
    std::vector<double> taken(terms.size(), 0.0);
    double left = 0.0;
    for (const RowGroup& group : groups_) {
        Tape own = parent;
        const double loss =
            fit_constants(own, constant_positions(own), {}, *group.rows, workspace, FitOptions())
                .loss;
        const std::vector<double> shares = group.rows->shares(own, terms, joint, workspace);
        left += group.share * loss;
        for (std::size_t t = 0; t < terms.size(); ++t) {
            taken[t] += group.share * loss * shares[t];
        }
    }
    for (double& share : taken) {
        share /= left;
    }
    return taken;
}

}  // namespace closedform
