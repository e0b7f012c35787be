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
    /// Whose candidate, and which of theirs.
    struct Ticket {
        std::size_t sender = 0;
        std::uint64_t number = 0;
    };
    struct Asked {
        Ticket ticket;
        ScoreTask task;
    };
    struct Scored {
        Ticket ticket;
        Score score;
    };

    /// sample: sums over `rows` rows, of values; objective: the same target, on any of them. Steps
    /// of fits are made on `threads` threads (0: all cores); the result is the same for any number.
    /// All that is referred to must live as long.
    BatchScorer(EquationRowSums& sample, std::size_t rows, const Objective& objective,
                const OpSet& operators, unsigned threads);
    ~BatchScorer() override;

    /// A candidate from the next round on. Its score does not depend on what is scored beside it.
    void add(Asked asked);
    /// A round for the senders that take part: the scores of those of their candidates that are
    /// through with it, in the order they were added.
    std::vector<Scored> advance(const std::vector<bool>& takes_part);
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
    using Fits = std::vector<std::unique_ptr<Fit>>;

    EquationRowSums& sample_;
    std::size_t rows_;
    const Objective& objective_;
    OpSet operators_;
    unsigned threads_;
    HostScorer here_;
    Fits going_;
    std::vector<Tape> asked_;  ///< of a round; kept for its memory
    std::uint64_t node_evaluations_ = 0;
};

}  // namespace closedform
