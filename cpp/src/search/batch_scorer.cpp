#include "search/batch_scorer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/parallel.hpp"

namespace closedform {
namespace {

constexpr std::size_t steps = 128;  // of fits: a thread's work, some 0.1 ms
constexpr std::size_t endings = 8;  // each brings a tape into its simplest form

template <class Work>
void in_pieces(std::size_t count, std::size_t piece, unsigned threads, const Work& work) {
    parallel_for((count + piece - 1) / piece, threads, [&](std::size_t p, unsigned) {
        for (std::size_t i = p * piece; i < std::min(count, (p + 1) * piece); ++i) {
            work(i);
        }
    });
}

}  // namespace

/// A candidate on its way to a score.
class BatchScorer::Fit {
  public:
    Fit(const Ticket& ticket, ScoreTask& task, const Objective& objective)
        : ticket_(ticket),
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
    const Ticket& ticket() const { return ticket_; }

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
    Ticket ticket_;
    bool is_form_;
    bool done_ = false;
    Tape tape_;
    std::vector<std::size_t> linear_;
    std::vector<std::size_t> positions_;
    FitOptions options_;
    std::unique_ptr<ConstantsFit> fit_;
    Score score_;
};

BatchScorer::BatchScorer(EquationRowSums& sample, std::size_t rows, const Objective& objective,
                         const OpSet& operators, unsigned threads)
    : sample_(sample),
      rows_(rows),
      objective_(objective),
      operators_(operators),
      threads_(threads),
      here_(objective, objective, operators) {}

BatchScorer::~BatchScorer() = default;

void BatchScorer::add(Asked asked) {
    going_.push_back(std::make_unique<Fit>(asked.ticket, asked.task, objective_));
}

std::vector<BatchScorer::Scored> BatchScorer::advance(const std::vector<bool>& takes_part) {
    // Those that wait for another round stand first.
    const auto begin = std::stable_partition(going_.begin(), going_.end(), [&](const auto& fit) {
        return !takes_part[fit->ticket().sender];
    });
    const auto count = static_cast<std::size_t>(going_.end() - begin);
    asked_.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        asked_[i] = begin[static_cast<std::ptrdiff_t>(i)]->tape();
        node_evaluations_ += asked_[i].size() * rows_;
    }
    auto found = equations_on_all_rows(asked_, sample_, StopToken());
    in_pieces(count, steps, threads_, [&](std::size_t i) {
        begin[static_cast<std::ptrdiff_t>(i)]->take(std::move(found[i]));
    });
    const auto still =
        std::stable_partition(begin, going_.end(), [](const auto& fit) { return !fit->done(); });
    const Fits through(std::make_move_iterator(still), std::make_move_iterator(going_.end()));
    going_.erase(still, going_.end());
    std::vector<Scored> scored(through.size());
    in_pieces(through.size(), endings, threads_, [&](std::size_t i) {
        scored[i] = {through[i]->ticket(), through[i]->finish(objective_, operators_)};
    });
    return scored;
}

void BatchScorer::drop() { going_.clear(); }

std::vector<Score> BatchScorer::score(std::span<ScoreTask> batch, ScoreRows /*rows*/) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
        add({{0, i}, std::move(batch[i])});
    }
    std::vector<Score> scores(batch.size());
    while (!going_.empty()) {
        for (Scored& scored : advance({true})) {
            scores[scored.ticket.number] = std::move(scored.score);
        }
    }
    return scores;
}

}  // namespace closedform
