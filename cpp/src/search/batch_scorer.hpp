#pragma once
// Whole generations of candidates at once, on rows that answer for many expressions as fast as for
// one: a device's. Every round asks for the normal equations of all candidates whose fits go on.

#include "closedform/objective/full_data.hpp"
#include "search/scorer.hpp"

namespace closedform {

class BatchScorer final : public Scorer {
  public:
    /// sample: sums over the rows of `objective`, of values. Steps of fits are made on `threads`
    /// threads (0: all cores); the result is the same for any number. Both must live as long.
    BatchScorer(EquationRowSums& sample, const Objective& objective, const OpSet& operators,
                unsigned threads)
        : sample_(sample),
          objective_(objective),
          operators_(operators),
          threads_(threads),
          here_(objective, objective, operators) {}

    /// Only ScoreRows::sample.
    std::vector<Score> score(std::span<ScoreTask> batch, ScoreRows rows) override;
    /// Here, for they are a few terms of one parent.
    std::vector<double> shares(const Tape& parent, std::span<const Tape> terms,
                               Joint joint) override {
        return here_.shares(parent, terms, joint);
    }
    std::uint64_t node_evaluations() const override {
        return node_evaluations_ + here_.node_evaluations();
    }

  private:
    EquationRowSums& sample_;
    const Objective& objective_;
    OpSet operators_;
    unsigned threads_;
    HostScorer here_;
    std::uint64_t node_evaluations_ = 0;
};

}  // namespace closedform
