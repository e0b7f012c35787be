#include "search/island.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "expression/reduced_forms.hpp"
#include "expression/structure_hash.hpp"
#include "search/linear_form.hpp"
#include "search/local_series.hpp"

namespace closedform {

Island::Island(const SearchProblem& problem, std::uint64_t seed, std::uint64_t stream,
               std::unique_ptr<BatchScorer> together)
    : problem_(problem),
      options_(problem.options),
      random_(seed, stream),
      variation_(problem.operators, problem.inputs, problem.column_values,
                 problem.options.variation),
      scorer_(std::make_unique<HostScorer>(*problem.sample, *problem.full, problem.operators)),
      archive_(problem.max_size, problem.operators, *problem.rules, problem.near_enough),
      bins_(problem.max_size + 1),
      together_(std::move(together)),
      constant_terms_(problem.rules->constant_terms()),
      max_size_(problem.max_size) {
    for (std::size_t k = 0; problem.whole != nullptr && k < problem.whole->unknowns.size(); ++k) {
        std::vector<int> arguments(problem.whole->unknowns[k].arguments);
        std::iota(arguments.begin(), arguments.end(), 0);
        of_parts_.emplace_back(problem.operators, std::move(arguments), problem.column_values,
                               problem.options.variation);
    }
}

void Island::seed_population() {
    if (problem_.whole != nullptr) {
        for (std::size_t i = 0; i < options_.first_population && !stop_.stopped(); ++i) {
            consider(first_parts());
        }
        return;
    }
    consider({Node::constant(1.0)});
    for (const int input : problem_.inputs) {
        if (stop_.stopped()) {
            return;
        }
        consider({Node::input(input)});
    }
    for (std::size_t i = 0; i < options_.first_population && !stop_.stopped(); ++i) {
        consider(variation_.grow(random_, 2 + random_.below(options_.random_tree - 1)));
    }
}

void Island::restart() {
    for (auto& bin : bins_) {
        bin.clear();
    }
    visits_.clear();
    neighbours_.clear();
    last_improvement_ = passes_;
    seed_population();
}

void Island::make_ready(std::size_t max_size, const StopToken& stop) {
    max_size_ = std::min(max_size, problem_.max_size);
    stop_ = stop;
    if (visits_.empty()) {
        seed_population();
    }
}

void Island::run(std::uint64_t passes, std::size_t max_size, const StopToken& stop) {
    end_ = passes_ + passes;
    idle_ = 0;
    make_ready(max_size, stop);
    if (together_) {
        run_in_rounds();
    } else {
        while (passes_ < end_ && idle_ < options_.most_idle && !stop.stopped()) {
            propose_next();
        }
    }
    if (!stop.stopped()) {
        passes_ = std::max(passes_, end_);
    }
}

void Island::propose_next() {
    if (passes_ - last_improvement_ > options_.stagnation_passes) {
        restart();
    }
    // A tiny space of structures can be exhausted: then nothing new is ever evaluated.
    const std::uint64_t before = passes_;
    const std::size_t known = asked_.size();
    consider(propose());
    idle_ = passes_ == before && asked_.size() == known ? idle_ + 1 : 0;
}

void Island::run_in_rounds() {
    scored_ = 0;
    scored_passes_ = 0;
    while (!stop_.stopped()) {
        while (may_propose() && !stop_.stopped()) {
            propose_next();
        }
        if (together_->going() == 0) {
            return;
        }
        for (BatchScorer::Scored& scored : together_->advance()) {
            take(std::move(scored));
        }
    }
    together_->drop();
    asked_.clear();
}

bool Island::may_propose() const {
    if (passes_ >= end_ || idle_ >= options_.most_idle || asked_.size() >= options_.on_their_way) {
        return false;
    }
    // What is on its way takes, as far as is known, what others took with all that followed.
    const auto [passes, candidates] = options_.first_guess;
    const double each = static_cast<double>(scored_passes_ + passes * candidates) /
                        static_cast<double>(scored_ + candidates);
    return static_cast<double>(passes_) + each * static_cast<double>(asked_.size()) <
           static_cast<double>(end_);
}

void Island::ask(const Proposal& proposal, ScoreTask task) {
    asked_.emplace(++last_number_, proposal);
    together_->add(last_number_, std::move(task));
}

void Island::take(BatchScorer::Scored scored) {
    const auto found = asked_.find(scored.number);
    const Proposal proposal = found->second;
    asked_.erase(found);
    Score& score = scored.score;
    const auto passes = static_cast<std::size_t>(score.passes);
    count(passes);
    scored_passes_ += passes;
    scored_ += proposal.of == Proposal::Of::population ? 1 : 0;
    switch (proposal.of) {
        case Proposal::Of::population:
            judge(proposal, std::move(score));
            return;
        case Proposal::Of::archive:
            enter({std::move(score.tape), score.loss, proposal.structure}, score.loss);
            return;
        case Proposal::Of::reductions:
            enter_reduced(std::move(score.tape), score.loss, proposal.fully);
            return;
    }
}

void Island::receive(const std::vector<Candidate>& migrants) {
    for (const Candidate& migrant : migrants) {
        keep(migrant);
    }
}

void Island::save(StateWriter& to) const {
    to.put(random_);
    archive_.save(to);
    to.put(bins_);
    to.put(visits_);
    to.put(neighbours_);
    to.put(passes_);
    to.put(evaluations());
    to.put(inner_passes_);
    to.put(last_improvement_);
}

void Island::load(StateReader& from) {
    from.get(random_);
    archive_.load(from);
    const std::size_t bins = bins_.size();
    from.get(bins_);
    if (bins_.size() != bins) {
        StateReader::refuse();
    }
    from.get(visits_);
    from.get(neighbours_);
    from.get(passes_);
    std::uint64_t spent = 0;
    from.get(spent);
    evaluations_ = spent;
    from.get(inner_passes_);
    from.get(last_improvement_);
}

void Island::consider(Tape tape) {
    Proposal proposal;
    std::optional<ScoreTask> task = prepared(std::move(tape), proposal);
    if (!task) {
        return;
    }
    if (together_) {
        ask(proposal, std::move(*task));
        return;
    }
    judge(proposal, score(std::move(*task), ScoreRows::sample));
}

void Island::judge(const Proposal& proposal, Score scored) {
    inner_passes_ += proposal.dear ? static_cast<std::uint64_t>(scored.passes) : 0;
    if (!std::isfinite(scored.loss)) {
        return;
    }
    Candidate candidate;
    candidate.tape = std::move(scored.tape);
    candidate.sample_loss = scored.loss;
    candidate.skeleton = proposal.structure;
    const std::size_t size = problem_.rules->complexity(candidate.tape);
    if (candidate.tape.empty() || size > max_size_) {
        return;
    }
    if (problem_.rules->allow(candidate.tape)) {
        if (archive_.might_improve(size, candidate.sample_loss)) {
            promote(candidate);
        }
        archive_.remember(candidate);
    }
    keep(std::move(candidate));
}

bool Island::other_rows() const { return problem_.full != problem_.sample && !together_; }

void Island::promote(const Candidate& candidate) {
    // Constants to convergence on the archive's rows. Where those are more than the sample, a few
    // steps tell what was luck there, and such a candidate is left.
    if (together_) {
        ask({candidate.skeleton, false, Proposal::Of::archive},
            {candidate.tape,
             {},
             fit_options(options_.archive_iterations, options_.archive_tolerance)});
        return;
    }
    Candidate refined = candidate;
    if (other_rows() &&
        !archive_.would_improve(problem_.rules->complexity(refined.tape),
                                fitted(refined.tape, ScoreRows::archive, options_.glance_iterations,
                                       options_.archive_tolerance) /
                                    (1.0 + options_.near_enough))) {
        return;
    }
    refined.loss = fitted(refined.tape, ScoreRows::archive, options_.archive_iterations,
                          options_.archive_tolerance);
    enter(std::move(refined), candidate.sample_loss);
}

void Island::enter(Candidate refined, double sample_loss) {
    if (!std::isfinite(refined.loss)) {
        return;
    }
    refined.tape = settled(std::move(refined.tape), problem_.operators, *problem_.sample);
    if (refined.tape.empty()) {
        return;
    }
    refined.loss = score({refined.tape, {}, {}}, ScoreRows::archive).loss;
    refined.sample_loss = other_rows() ? sample_loss : refined.loss;
    if (archive_.offer(refined)) {
        last_improvement_ = passes_;
        reductions_left_ = options_.most_reductions;
        reduce(refined);
        if (problem_.full->scale_free() && refined.tape.size() <= options_.neighbours_of) {
            for (Tape& tape : variation_.neighbours(refined.tape)) {
                neighbours_.push_back(std::move(tape));
            }
        }
        keep(std::move(refined));
    }
}

void Island::reduce(const Candidate& candidate) {
    // The archive decides whether a smaller expression is worth having, and then its own
    // reductions are tried. What is fitted again and again may improve by ever less without end:
    // so there is a limit to what follows from one member.
    const bool fully = candidate.tape.size() <= reduced_fully;
    const int iterations = fully ? options_.sample_iterations : options_.reduced_iterations;
    std::vector<Tape> smaller = of_parts(reductions, candidate.tape, problem_.operators);
    if (problem_.whole == nullptr) {
        for (Tape& tape : local_series(candidate.tape, problem_.sample->rows(), workspace_)) {
            smaller.push_back(std::move(tape));
        }
    }
    for (Tape& reduced : smaller) {
        if (stop_.stopped() || reductions_left_ == 0) {
            return;
        }
        --reductions_left_;
        Tape tape = problem_.sample->simplest(std::move(reduced), problem_.operators);
        if (tape.empty()) {
            continue;
        }
        if (together_) {
            ask({0, false, Proposal::Of::reductions, fully},
                {std::move(tape), {}, fit_options(iterations, options_.reduced_tolerance)});
            continue;
        }
        const double loss =
            fitted(tape, ScoreRows::archive, iterations, options_.reduced_tolerance);
        enter_reduced(std::move(tape), loss, fully);
    }
}

void Island::enter_reduced(Tape tape, double loss, bool fully) {
    if (!archive_.would_improve(problem_.rules->complexity(tape), loss)) {
        return;
    }
    Candidate smaller{tape, loss, skeleton(tape), loss};
    if (other_rows()) {
        smaller.sample_loss =
            fitted(tape, ScoreRows::sample, options_.reduced_iterations, options_.sample_tolerance);
    }
    // What the rules keep out of the archive leaves it as it was: its own reductions would be met
    // again on every way to them.
    if (archive_.offer(smaller) && fully) {
        reduce(smaller);
    }
    keep(std::move(smaller));
}

FitOptions Island::fit_options(int iterations, double tolerance) const {
    FitOptions options;
    options.max_iterations = iterations;
    options.tolerance = tolerance;
    options.floor = problem_.exact_loss * options_.floor;
    return options;
}

Score Island::score(ScoreTask task, ScoreRows rows) {
    Score found = std::move(scorer_->score({&task, 1}, rows).front());
    count(static_cast<std::size_t>(found.passes));
    return found;
}

void Island::count(std::size_t passes) {
    passes_ += passes;
    evaluations_.fetch_add(passes, std::memory_order_relaxed);
}

double Island::fitted(Tape& tape, ScoreRows rows, int iterations, double tolerance) {
    Score found = score({std::move(tape), {}, fit_options(iterations, tolerance)}, rows);
    tape = std::move(found.tape);
    return found.loss;
}

void Island::keep(Candidate candidate) {
    auto& bin = bins_[problem_.rules->complexity(candidate.tape)];
    keep_in(bin, options_.bin_capacity, std::move(candidate));
}

}  // namespace closedform
