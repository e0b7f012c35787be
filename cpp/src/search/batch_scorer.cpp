#include "search/batch_scorer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "core/parallel.hpp"

namespace closedform {
namespace {

constexpr std::size_t piece = 64;  // candidates: a thread's work, some 0.1 ms

/// A candidate on its way to a score.
class Job {
  public:
    Job(ScoreTask& task, const Objective& objective)
        : is_form_(task.tape.empty()),
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
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    bool done() const { return done_; }
    const Tape& tape() const { return tape_; }

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
    bool is_form_;
    bool done_ = false;
    Tape tape_;
    std::vector<std::size_t> linear_;
    std::vector<std::size_t> positions_;
    FitOptions options_;
    std::unique_ptr<ConstantsFit> fit_;
    Score score_;
};

}  // namespace

std::vector<Score> BatchScorer::score(std::span<ScoreTask> batch, ScoreRows /*rows*/) {
    const auto in_pieces = [&](std::size_t count, const auto& work) {
        parallel_for((count + piece - 1) / piece, threads_, [&](std::size_t p, unsigned) {
            for (std::size_t i = p * piece; i < std::min(count, (p + 1) * piece); ++i) {
                work(i);
            }
        });
    };
    std::vector<std::unique_ptr<Job>> jobs(batch.size());
    in_pieces(batch.size(),
              [&](std::size_t i) { jobs[i] = std::make_unique<Job>(batch[i], objective_); });
    std::vector<Job*> going;
    for (const auto& job : jobs) {
        going.push_back(job.get());
    }
    std::vector<Tape> asked;
    while (!going.empty()) {
        asked.resize(going.size());
        for (std::size_t i = 0; i < going.size(); ++i) {
            asked[i] = going[i]->tape();
            node_evaluations_ += asked[i].size() * objective_.rows().rows();
        }
        auto found = equations_on_all_rows(asked, sample_, StopToken());
        in_pieces(going.size(), [&](std::size_t i) { going[i]->take(std::move(found[i])); });
        std::erase_if(going, [](const Job* job) { return job->done(); });
    }
    std::vector<Score> scores(batch.size());
    in_pieces(batch.size(),
              [&](std::size_t i) { scores[i] = jobs[i]->finish(objective_, operators_); });
    return scores;
}

}  // namespace closedform
