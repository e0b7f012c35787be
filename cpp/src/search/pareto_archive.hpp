#pragma once
// The best expression found for every complexity, the Pareto front among them, and those that noise
// may have kept from it.

#include <cstddef>
#include <vector>

#include "closedform/search/candidate.hpp"
#include "closedform/search/formula_rules.hpp"
#include "objective/objective.hpp"
#include "search/saved_state.hpp"

namespace closedform {

/// Keeps the candidate in a bin of at most `capacity` structures, the lowest losses on the islands'
/// rows first, each structure once, if it is among them.
void keep_in(std::vector<Candidate>& bin, std::size_t capacity, Candidate candidate);

/// Every front is made by one: what has more nodes or other operators than it was made for, or
/// breaks a rule, is never kept, whatever wrote it.
class Archive {
  public:
    /// near_enough: share of the best loss by which another of its size or more may be worse and
    /// still be the truth, for all that so many noisy rows can say; 0 for none.
    /// The rules must live as long.
    Archive(std::size_t max_size, const OpSet& operators, const FormulaRules& rules,
            double near_enough = 0.0)
        : operators_(operators),
          rules_(&rules),
          best_(max_size + 1),
          rivals_(max_size + 1),
          near_enough_(near_enough) {}

    /// True when nothing of the same or a smaller size is at least as good.
    bool would_improve(std::size_t size, double loss) const;

    /// The same on the islands' few rows: whether the many are worth asking.
    bool might_improve(std::size_t size, double sample_loss) const;

    /// Keeps the candidate if it improves its size; says whether it did.
    bool offer(const Candidate& candidate);

    /// Keeps a few other structures of a size whose losses on the islands' rows are near the best.
    void remember(const Candidate& candidate);

    /// Members no smaller member is as good as, by complexity.
    std::vector<Candidate> front() const;

    /// What was remembered and is still near enough, by complexity.
    std::vector<Candidate> rivals() const;

    void save(StateWriter& to) const;
    void load(StateReader& from);

  private:
    static constexpr std::size_t most_rivals = 3;  ///< of a size

    double best_sample_loss(std::size_t size) const;
    bool improves(std::size_t size, double loss, double Candidate::* kind) const;

    bool may_be(const Tape& tape) const {
        return uses_only(tape, operators_) && rules_->allow(tape);
    }

    OpSet operators_;
    const FormulaRules* rules_;
    std::vector<Candidate> best_;                 ///< by size; an empty tape where none is known
    std::vector<std::vector<Candidate>> rivals_;  ///< by size, the nearest first
    double near_enough_;
};

/// Share of the best loss by which a structure may be worse at the objective's rows and still be
/// the truth: it describes them some nats longer, half the rows times the log of the ratio. Of
/// squared errors; 0 of other losses, which say nothing of how likely a row is.
double noise_may_hide(const Objective& objective);

}  // namespace closedform
