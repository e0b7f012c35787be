#include "search/batch_scorer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace closedform {

/// A candidate on its way to a score.
class BatchScorer::Fit {
  public:
    Fit(std::uint64_t number, ScoreTask& task, const Objective& objective)
        : number_(number),
          is_form_(task.tape.empty()),
          tape_(is_form_ ? std::move(task.form.sum.tape) : std::move(task.tape)),
          linear_(std::move(task.form.sum.linear)) {
        if (task.fit) {
            positions_ = constant_positions(tape_);
            options_ = std::move(*task.fit);
        }
        if (!positions_.empty()) {
            fit_ = std::make_unique<ConstantsFit>(tape_, positions_, linear_, objective, options_);
        }
    }
    ~Fit() = default;
    Fit(const Fit&) = delete;
    Fit& operator=(const Fit&) = delete;

    bool done() const { return done_; }
    const Tape& tape() const { return tape_; }
    std::uint64_t number() const { return number_; }

    void take(NormalEquations equations) {
        if (!fit_) {
            score_.loss = std::isfinite(equations.loss) ? equations.loss
                                                        : std::numeric_limits<double>::infinity();
            score_.passes = 1;
            done_ = true;
            return;
        }
        fit_->trial() = std::move(equations);
        fit_->take();
        done_ = fit_->done();
        score_.loss = fit_->result().loss;
        score_.passes = fit_->result().passes;
    }

    /// Once it is done.
    Score finish(const Objective& objective, const OpSet& operators) {
        if (!is_form_) {
            score_.tape = std::move(tape_);
        } else if (std::isfinite(score_.loss)) {
            score_.tape = settled(std::move(tape_), operators, objective);
        }
        return std::move(score_);
    }

  private:
    std::uint64_t number_;
    bool is_form_;
    bool done_ = false;
    Tape tape_;
    std::vector<std::size_t> linear_;
    std::vector<std::size_t> positions_;
    FitOptions options_;
    std::unique_ptr<ConstantsFit> fit_;
    Score score_;
};

BatchScorer::BatchScorer(std::unique_ptr<EquationRowSums> sample, std::size_t rows,
                         const Objective& objective, const OpSet& operators)
    : sample_(std::move(sample)),
      rows_(rows),
      objective_(objective),
      operators_(operators),
      here_(objective, objective, operators) {}

BatchScorer::~BatchScorer() = default;

void BatchScorer::add(std::uint64_t number, ScoreTask task) {
    going_.push_back(std::make_unique<Fit>(number, task, objective_));
}

void BatchScorer::drop() { going_.clear(); }

std::vector<BatchScorer::Scored> BatchScorer::advance() {
    asked_.resize(going_.size());
    for (std::size_t i = 0; i < going_.size(); ++i) {
        asked_[i] = going_[i]->tape();
        node_evaluations_ += asked_[i].size() * rows_;
    }
    auto found = equations_on_all_rows(asked_, *sample_, StopToken());
    std::vector<Scored> scored;
    for (std::size_t i = 0; i < going_.size(); ++i) {
        going_[i]->take(std::move(found[i]));
        if (going_[i]->done()) {
            scored.push_back({going_[i]->number(), going_[i]->finish(objective_, operators_)});
        }
    }
    std::erase_if(going_, [](const auto& fit) { return fit->done(); });
    return scored;
}

std::vector<Score> BatchScorer::score(std::span<ScoreTask> batch, ScoreRows /*rows*/) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
        add(i, std::move(batch[i]));
    }
    std::vector<Score> scores(batch.size());
    while (going() > 0) {
        for (Scored& scored : advance()) {
            scores[scored.number] = std::move(scored.score);
        }
    }
    return scores;
}

}  // namespace closedform
