#include "closedform/symmetries.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <utility>

#include "closedform/pair_symmetry.hpp"
#include "closedform/random.hpp"
#include "closedform/residual_structure.hpp"

namespace closedform {
namespace {

constexpr std::size_t most_rows = 2048;
constexpr double largest_statistic = 0.15;  // true pairs of trained networks stay below 0.1
constexpr double small_statistic = 0.02;    // what may be wrong without being noticed
constexpr double largest_unused = 0.05;     // the same for an input left out without proof
constexpr double largest_rounding = 1e-4;   // of single precision, where gradients nearly vanish

/// The problem on some rows: inputs and the rows' weights, which sum to 1.
struct Problem {
    std::vector<MergedInput> inputs;
    std::vector<double> weights;
};

Problem problem(MatrixView<const double> x, MatrixView<const double> u,
                std::span<const double> weights, const std::vector<std::size_t>& rows) {
    Problem out;
    double total = 0;
    for (const std::size_t r : rows) {
        out.weights.push_back(weights.empty() ? 1.0 : weights[r]);
        total += out.weights.back();
    }
    for (double& w : out.weights) {
        w /= total;
    }
    for (std::size_t k = 0; k < x.columns; ++k) {
        MergedInput input;
        input.tape = {Node::input(static_cast<int>(k))};
        input.s.assign(rows.size(), 1.0);
        for (const std::size_t r : rows) {
            input.z.push_back(x(r, k));
            input.u.push_back(u(r, k));
        }
        out.inputs.push_back(std::move(input));
    }
    return out;
}

/// A merge that may be made: of one input that is unused, or of a pair.
struct Proposal {
    std::size_t first = 0;  ///< names of inputs, which stay while others merge
    std::size_t second = 0;
    MergeKind kind = MergeKind::unused;
    PairSymmetry pair;
    double statistic = 0;
    double square = 0;
    std::optional<ResidualStructure> structure;  ///< once tested for noise
};

/// Places of the inputs at the time of the merge, what was done and how noisy it looked.
struct Step {
    MergeKind kind = MergeKind::unused;
    std::size_t first = 0;
    std::size_t second = 0;
    Combination how;
    Tape tape;
    double statistic = 0;
    double noise = 0;
};

double mean_size(std::span<const double> values, std::span<const double> weights) {
    double sum = 0;
    for (std::size_t r = 0; r < values.size(); ++r) {
        sum += weights[r] * std::abs(values[r]);
    }
    return sum;
}

MergeKind kind_of(Term first, Term second) {
    if (first != second) {
        return MergeKind::mixed;
    }
    return first == Term::identity ? MergeKind::linear
           : first == Term::square ? MergeKind::radius
                                   : MergeKind::product;
}

void erase_at(auto& values, std::size_t place) {
    values.erase(values.begin() + static_cast<std::ptrdiff_t>(place));
}

/// Puts the merged input in the place of the earlier of the two.
void replace_pair(std::vector<MergedInput>& inputs, std::size_t i, std::size_t j,
                  MergedInput merged) {
    inputs[std::min(i, j)] = std::move(merged);
    erase_at(inputs, std::max(i, j));
}

/// Chooses merges on a sample of the rows, one after the other.
class Chooser {
  public:
    Chooser(Problem sample, const OpSet& allowed) : sample_(std::move(sample)), allowed_(allowed) {
        for (std::size_t j = 0; j < sample_.inputs.size(); ++j) {
            original_.push_back(sample_.inputs[j].z);
            names_.push_back(next_name_++);
            propose_unused(j);
            for (std::size_t i = 0; i < j; ++i) {
                propose_pair(i, j);
            }
        }
    }

    const std::vector<Step>& steps() const { return steps_; }
    bool exact_data() const { return exact_data_; }

    /// Makes all merges that are certain; with `tentative` also those that are small.
    void run(bool tentative) {
        while (sample_.inputs.size() > 1 &&
               (merge_exact() || merge_noisy() || (tentative && merge_small()))) {
        }
    }

  private:
    double largest() const { return exact_data_ ? largest_rounding : largest_statistic; }

    void propose_unused(std::size_t k) {
        Proposal proposal;
        proposal.first = proposal.second = names_[k];
        const std::vector<double>& u = sample_.inputs[k].u;
        proposal.statistic = mean_size(u, sample_.weights);
        for (std::size_t r = 0; r < u.size(); ++r) {
            proposal.square += sample_.weights[r] * u[r] * u[r];
        }
        if (proposal.statistic <= largest_statistic) {
            proposals_.push_back(proposal);
        }
    }

    void propose_pair(std::size_t i, std::size_t j) {
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

    void sort(auto&& key) {
        std::stable_sort(proposals_.begin(), proposals_.end(),
                         [&](const Proposal& a, const Proposal& b) { return key(a) < key(b); });
    }

    /// What holds to rounding, simple rules first.
    bool merge_exact() {
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
    bool merge_noisy() {
        // A constant fitted to noise is uncertain by this share of the square (four deviations).
        const double share = 16.0 / static_cast<double>(sample_.weights.size());
        sort([](const Proposal& p) { return p.statistic; });
        const double most = std::min(largest(), most_noise());
        for (std::size_t k = 0; k < proposals_.size() && proposals_[k].statistic <= most; ++k) {
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
    double most_noise() const {
        const double p = 1.0 + static_cast<double>(sample_.inputs.size());
        const double rows = static_cast<double>(sample_.weights.size());
        return small_statistic * std::sqrt(rows / (p + 4.0 * std::sqrt(2.0 * p)));
    }

    /// What is small, the least loss first. A constant is then as uncertain as the rule itself, and
    /// an exponent must be simple.
    bool merge_small() {
        sort([](const Proposal& p) { return p.square; });
        for (std::size_t k = 0; k < proposals_.size(); ++k) {
            const MergeKind kind = proposals_[k].kind;
            const double slack = kind == MergeKind::product ? largest_statistic : small_statistic;
            const bool small =
                kind != MergeKind::unused || proposals_[k].statistic <= largest_unused;
            if (small && make(k, {0.3, slack})) {
                return true;
            }
        }
        return false;
    }

    ResidualStructure structure(const Proposal& p) {
        if (!test_) {
            test_ = std::make_shared<const ResidualTest>(original_, sample_.weights);
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

    std::size_t place(std::size_t name) const {
        return static_cast<std::size_t>(std::find(names_.begin(), names_.end(), name) -
                                        names_.begin());
    }

    /// False when no allowed form fits.
    bool make(std::size_t which, const Tolerance& tolerance) {
        const Proposal p = proposals_[which];
        Step step;
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
            for (std::size_t k = 0; k < inputs.size(); ++k) {
                if (k != merged) {
                    propose_pair(std::min(k, merged), std::max(k, merged));
                }
            }
        }
        steps_.push_back(std::move(step));
        return true;
    }

    Problem sample_;
    OpSet allowed_;
    std::vector<std::vector<double>> original_;
    std::vector<std::size_t> names_;  ///< of the inputs in their present places
    std::size_t next_name_ = 0;
    std::vector<std::vector<double>> ranks_;  ///< by name, made when first needed
    std::vector<Proposal> proposals_;
    std::vector<Step> steps_;
    std::shared_ptr<const ResidualTest> test_;  ///< made when first needed, shared by copies
    bool exact_data_ = false;
};

/// Takes the steps on all rows, up to the first that holds less well there than on the sample.
Merging apply(Problem all, const std::vector<Step>& steps) {
    Merging out;
    std::vector<double> kept(all.weights.size());  // square of the projected unit gradient
    for (const MergedInput& input : all.inputs) {
        for (std::size_t r = 0; r < kept.size(); ++r) {
            kept[r] += input.u[r] * input.u[r];
        }
    }
    for (const Step& step : steps) {
        std::vector<MergedInput>& inputs = all.inputs;
        Merge merge{step.kind, step.tape, {inputs[step.first].tape}, 0.0, step.noise, 0.0};
        Combined pair;
        std::span<const double> lost = inputs[step.first].u;
        double sides = 1.0;
        if (step.kind != MergeKind::unused) {
            merge.inputs.push_back(inputs[step.second].tape);
            pair = combined_rows(inputs[step.first], inputs[step.second], step.how);
            lost = pair.lost;
            sides = mean_size(pair.sides, all.weights);
        }
        merge.statistic = sides > 0 ? mean_size(lost, all.weights) / sides : 0.0;
        // Rows drawn at random differ by far less. A row not drawn may divide by zero.
        const bool holds = merge.statistic <= std::max(1.5 * step.statistic, exact_statistic);
        if (!holds || !finite(pair.input)) {
            break;
        }
        for (std::size_t r = 0; r < kept.size(); ++r) {
            const double left = std::max(0.0, kept[r] - lost[r] * lost[r]);
            merge.loss += 2.0 * all.weights[r] * (std::sqrt(kept[r]) - std::sqrt(left));
            kept[r] = left;
        }
        out.loss += merge.loss;
        out.exact = out.exact && merge.statistic <= exact_statistic;
        if (step.kind == MergeKind::unused) {
            erase_at(inputs, step.first);
        } else {
            pair.input.tape = step.tape;
            replace_pair(inputs, step.first, step.second, std::move(pair.input));
        }
        out.merges.push_back(std::move(merge));
    }
    out.inputs = std::move(all.inputs);
    return out;
}

/// Rows that say something, in order; at most `most`, one out of each of equal pieces.
std::vector<std::size_t> drawn(const std::vector<std::size_t>& rows, std::size_t most,
                               std::uint64_t seed) {
    if (rows.size() <= most) {
        return rows;
    }
    Random random(seed, 0);
    std::vector<std::size_t> out;
    for (std::size_t k = 0; k < most; ++k) {
        const std::size_t first = k * rows.size() / most;
        const std::size_t last = (k + 1) * rows.size() / most;
        out.push_back(rows[first + random.below(last - first)]);
    }
    return out;
}

}  // namespace

Symmetries find_symmetries(MatrixView<const double> x, MatrixView<const double> u,
                           std::span<const double> weights, const OpSet& operators,
                           std::uint64_t seed) {
    if (u.rows != x.rows || u.columns != x.columns) {
        throw std::invalid_argument("U: needs the shape of X");
    }
    if (!weights.empty() && weights.size() != x.rows) {
        throw std::invalid_argument("weights: needs one value a row of X");
    }
    std::vector<std::size_t> all;
    std::vector<std::size_t> rows;
    for (std::size_t r = 0; r < x.rows; ++r) {
        all.push_back(r);
        const double* g = u.row(r);
        const bool pointing = std::any_of(g, g + u.columns, [](double v) { return v != 0.0; });
        if (pointing && (weights.empty() || weights[r] > 0)) {
            rows.push_back(r);
        }
    }
    if (rows.empty()) {
        throw std::invalid_argument("U: no row has both a gradient and a positive weight");
    }
    Chooser chooser(problem(x, u, weights, drawn(rows, most_rows, seed)), operators);
    chooser.run(false);
    std::vector<bool> counted(x.rows, false);
    for (const std::size_t r : rows) {
        counted[r] = true;
    }
    const auto apply_all = [&] {
        Problem whole = problem(x, u, weights, all);
        double total = 0;
        for (std::size_t r = 0; r < x.rows; ++r) {
            whole.weights[r] = counted[r] ? whole.weights[r] : 0.0;
            total += whole.weights[r];
        }
        for (double& w : whole.weights) {
            w /= total;
        }
        return apply(std::move(whole), chooser.steps());
    };
    Symmetries found{apply_all(), std::nullopt};
    const std::size_t certain = found.certain.merges.size();
    if (certain == chooser.steps().size() && !chooser.exact_data()) {
        chooser.run(true);
        if (chooser.steps().size() > certain) {
            found.tentative = apply_all();
            if (found.tentative->merges.size() == certain) {
                found.tentative.reset();
            }
        }
    }
    return found;
}

}  // namespace closedform
