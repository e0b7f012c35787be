#include "symmetry/merge_chooser.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace closedform {
namespace {

constexpr double largest_statistic = 0.15;  // true pairs of trained networks stay below 0.1
constexpr double small_statistic = 0.02;    // what may be wrong without being noticed
constexpr double largest_unused = 0.05;     // the same for an input left out without proof
constexpr double largest_rounding = 1e-4;   // of single precision, where gradients nearly vanish

MergeKind kind_of(InputFunction first, InputFunction second) {
    if (first != second) {
        return MergeKind::mixed;
    }
    return first == InputFunction::identity ? MergeKind::linear
           : first == InputFunction::square ? MergeKind::radius
                                            : MergeKind::product;
}

void erase_at(auto& values, std::size_t place) {
    values.erase(values.begin() + static_cast<std::ptrdiff_t>(place));
}

}  // namespace

double mean_absolute_value(std::span<const double> values, std::span<const double> weights) {
    double sum = 0;
    for (std::size_t r = 0; r < values.size(); ++r) {
        sum += weights[r] * std::abs(values[r]);
    }
    return sum;
}

void replace_pair(std::vector<MergedInput>& inputs, std::size_t i, std::size_t j,
                  MergedInput merged) {
    inputs[std::min(i, j)] = std::move(merged);
    erase_at(inputs, std::max(i, j));
}

MergeChooser::MergeChooser(MergeProblem sample, const OpSet& allowed, const StopToken& stop)
    : sample_(std::move(sample)), allowed_(allowed), stop_(stop) {
    for (std::size_t j = 0; j < sample_.inputs.size(); ++j) {
        original_.push_back(sample_.inputs[j].z);
        names_.push_back(next_name_++);
        propose_unused(j);
        for (std::size_t i = 0; i < j && !stop_.stopped(); ++i) {
            propose_pair(i, j);
        }
    }
}

void MergeChooser::run(bool tentative) {
    while (sample_.inputs.size() > 1 && !stop_.stopped() &&
           (merge_exact() || merge_noisy() || (tentative && merge_small()))) {
    }
}

double MergeChooser::largest() const { return exact_data_ ? largest_rounding : largest_statistic; }

void MergeChooser::sort(auto&& key) {
    std::stable_sort(proposals_.begin(), proposals_.end(),
                     [&](const Proposal& a, const Proposal& b) { return key(a) < key(b); });
}

void MergeChooser::propose_unused(std::size_t k) {
    Proposal proposal;
    proposal.first = proposal.second = names_[k];
    const std::vector<double>& u = sample_.inputs[k].u;
    proposal.statistic = mean_absolute_value(u, sample_.weights);
    for (std::size_t r = 0; r < u.size(); ++r) {
        proposal.square += sample_.weights[r] * u[r] * u[r];
    }
    if (proposal.statistic <= largest_statistic) {
        proposals_.push_back(proposal);
    }
}

void MergeChooser::propose_pair(std::size_t i, std::size_t j) {
    for (const PairSymmetry& pair :
         pair_symmetries(sample_.inputs[i], sample_.inputs[j], sample_.weights, largest())) {
        Proposal proposal;
        proposal.first = names_[i];
        proposal.second = names_[j];
        proposal.kind = kind_of(pair.first, pair.second);
        proposal.pair = pair;
        proposal.statistic = pair.statistic;
        proposal.square = pair.square;
        proposals_.push_back(proposal);
    }
}

/// What holds to rounding, simple rules first.
bool MergeChooser::merge_exact() {
    sort([](const Proposal& p) { return p.kind; });
    for (std::size_t k = 0; k < proposals_.size(); ++k) {
        if (proposals_[k].statistic <= exact_statistic && make(k, {0.0, exact_statistic})) {
            exact_data_ = true;
            return true;
        }
    }
    return false;
}

/// What holds but for noise, the smallest statistic first.
bool MergeChooser::merge_noisy() {
    // A constant fitted to noise is uncertain by this share of the square (four deviations).
    const double share = 16.0 / static_cast<double>(sample_.weights.size());
    sort([](const Proposal& p) { return p.statistic; });
    const double most = std::min(largest(), most_noise());
    for (std::size_t k = 0; k < proposals_.size() && proposals_[k].statistic <= most; ++k) {
        if (stop_.stopped()) {
            return false;
        }
        Proposal& proposal = proposals_[k];
        const ResidualStructure found =
            proposal.structure ? *proposal.structure : structure(proposal);
        proposal.structure = found;
        if (!found.structured && make(k, {share, exact_statistic})) {
            return true;
        }
    }
    return false;
}

/// Few rows show little: in noise of this statistic a linear trend of small_statistic would be
/// found (in ResidualTest's terms: chi-squared of p features, four standard deviations).
double MergeChooser::most_noise() const {
    const double p = 1.0 + static_cast<double>(sample_.inputs.size());
    const double rows = static_cast<double>(sample_.weights.size());
    return small_statistic * std::sqrt(rows / (p + 4.0 * std::sqrt(2.0 * p)));
}

/// What is small, the least loss first. A constant is then as uncertain as the rule itself, and
/// an exponent must be simple.
bool MergeChooser::merge_small() {
    sort([](const Proposal& p) { return p.square; });
    for (std::size_t k = 0; k < proposals_.size() && !stop_.stopped(); ++k) {
        const MergeKind kind = proposals_[k].kind;
        const double slack = kind == MergeKind::product ? largest_statistic : small_statistic;
        const bool small = kind != MergeKind::unused || proposals_[k].statistic <= largest_unused;
        if (small && make(k, {0.3, slack})) {
            return true;
        }
    }
    return false;
}

ResidualStructure MergeChooser::structure(const Proposal& p) {
    if (!test_) {
        test_ = std::make_shared<const ResidualTest>(original_, sample_.weights, stop_);
    }
    ranks_.resize(next_name_);
    std::vector<const std::vector<double>*> columns;
    for (std::size_t k = 0; k < names_.size(); ++k) {
        std::vector<double>& column = ranks_[names_[k]];
        if (column.empty()) {
            column = ranks(sample_.inputs[k].z);
        }
        columns.push_back(&column);
    }
    const std::size_t near[] = {place(p.first), place(p.second)};
    const MergedInput& first = sample_.inputs[near[0]];
    if (p.kind == MergeKind::unused) {
        return (*test_)(first.u, columns, std::span(near, 1));
    }
    return (*test_)(residual(first, sample_.inputs[near[1]], p.pair), columns, near);
}

std::size_t MergeChooser::place(std::size_t name) const {
    return static_cast<std::size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
}

/// False when no allowed form fits.
bool MergeChooser::make(std::size_t which, const Tolerance& tolerance) {
    const Proposal p = proposals_[which];
    MergeStep step;
    step.kind = p.kind;
    step.first = place(p.first);
    step.second = place(p.second);
    step.statistic = p.statistic;
    std::vector<MergedInput>& inputs = sample_.inputs;
    if (p.kind == MergeKind::unused) {
        step.tape = inputs[step.first].tape;
        erase_at(inputs, step.first);
        erase_at(names_, step.first);
    } else {
        auto pair = settle(inputs[step.first], inputs[step.second], p.pair, sample_.weights,
                           tolerance, largest_statistic, allowed_);
        if (!pair) {
            return false;
        }
        if (pair->swapped) {
            std::swap(step.first, step.second);
        }
        step.how = pair->how;
        step.tape = pair->rows.input.tape;
        step.statistic = pair->statistic;
        replace_pair(inputs, step.first, step.second, std::move(pair->rows.input));
        names_[std::min(step.first, step.second)] = next_name_++;
        erase_at(names_, std::max(step.first, step.second));
    }
    step.noise = step.statistic * (p.structure ? p.structure->unexplained : 1.0);
    const std::size_t gone[] = {p.first, p.second};
    std::erase_if(proposals_, [&](const Proposal& q) {
        return q.first == gone[0] || q.first == gone[1] || q.second == gone[0] ||
               q.second == gone[1];
    });
    if (p.kind != MergeKind::unused) {
        const std::size_t merged = std::min(step.first, step.second);
        propose_unused(merged);
        for (std::size_t k = 0; k < inputs.size() && !stop_.stopped(); ++k) {
            if (k != merged) {
                propose_pair(std::min(k, merged), std::max(k, merged));
            }
        }
    }
    steps_.push_back(std::move(step));
    return true;
}

}  // namespace closedform
