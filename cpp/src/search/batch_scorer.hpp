#pragma once
// Many candidates at once, on rows that answer for many expressions as fast as for one: a device's.
// Every round asks for the normal equations of all candidates whose fits go on; those that are
// through make room for others.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "closedform/objective/full_data.hpp"
#include "search/scorer.hpp"

namespace closedform {

class BatchScorer final : public Scorer {
  public:
    /// number: by which its candidate is known.
    struct Scored {
        std::uint64_t number = 0;
        Score score;
    };

    /// sample: sums over `rows` rows, of values; objective: of the same target, on any rows. It
    /// must live as long.
    BatchScorer(std::unique_ptr<EquationRowSums> sample, std::size_t rows,
                const Objective& objective, const OpSet& operators);
    ~BatchScorer() override;

    /// A candidate from the next round on. Its score does not depend on what is scored beside it.
    void add(std::uint64_t number, ScoreTask task);
    /// Candidates whose fits go on.
    std::size_t going() const { return going_.size(); }
    /// A round: the scores of those that are through with it, in the order they were added.
    std::vector<Scored> advance();
    /// Forgets all that are going on.
    void drop();

    /// Rounds until all are through. Only ScoreRows::sample, and nothing else going on.
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
    class Fit;

    std::unique_ptr<EquationRowSums> sample_;
    std::size_t rows_;
    const Objective& objective_;
    OpSet operators_;
    HostScorer here_;
    std::vector<std::unique_ptr<Fit>> going_;
    std::vector<Tape> asked_;  ///< in a round; kept for its memory
    std::uint64_t node_evaluations_ = 0;
};

}  // namespace closedform
