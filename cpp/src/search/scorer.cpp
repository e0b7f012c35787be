#include "search/scorer.hpp"

#include <utility>

namespace closedform {

std::vector<Score> HostScorer::score(std::span<ScoreTask> batch, ScoreRows rows) {
    const Objective& objective = rows == ScoreRows::sample ? sample_ : archive_;
    std::vector<Score> scores;
    scores.reserve(batch.size());
    for (ScoreTask& task : batch) {
        Score& score = scores.emplace_back();
        if (!task.fit) {
            score.tape = std::move(task.tape);
            score.loss = objective.loss(score.tape, workspace_);
            score.passes = 1;
            continue;
        }
        FitResult fit;
        if (task.tape.empty()) {
            fit = fit_open_form(std::move(task.form), operators_, objective, workspace_, *task.fit,
                                score.tape);
        } else {
            score.tape = std::move(task.tape);
            fit = fit_constants(score.tape, constant_positions(score.tape), {}, objective,
                                workspace_, *task.fit);
        }
        score.loss = fit.loss;
        score.passes = fit.passes;
    }
    return scores;
}

std::vector<double> HostScorer::shares(const Tape& parent, std::span<const Tape> terms,
                                       Joint joint) {
    return sample_.shares(parent, terms, joint, workspace_);
}

}  // namespace closedform
