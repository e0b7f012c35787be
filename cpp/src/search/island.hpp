#pragma once
// One population with its own random stream. A candidate is a structure; its constants, with a
// factor for every term of its outermost sum and a constant term, are fitted before it is judged.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "closedform/core/stop.hpp"
#include "closedform/expression/canonical_form.hpp"
#include "closedform/expression/template.hpp"
#include "closedform/search/formula_rules.hpp"
#include "core/random.hpp"
#include "objective/objective.hpp"
#include "search/batch_scorer.hpp"
#include "search/evolution_options.hpp"
#include "search/linear_form.hpp"
#include "search/pareto_archive.hpp"
#include "search/scorer.hpp"
#include "search/variation.hpp"

namespace closedform {

/// What all islands share and none changes.
struct SearchProblem {
    OpSet operators;
    std::vector<int> inputs;  ///< columns expressions may read
    std::vector<double>
        column_values;        ///< some values the columns take: where shifts are to be found
    const Objective* sample;  ///< a few rows, for judging candidates
    const Objective* full;    ///< for the archive; may be the same object as sample
    const FormulaRules* rules = nullptr;  ///< never null once it is complete
    const Template* whole = nullptr;      ///< what candidates are parts of; null for nothing
    double exact_loss = 0.0;              ///< losses up to this are rounding
    std::size_t max_size = 30;
    double near_enough = 0.0;  ///< of archives
    EvolutionOptions options;
};

class Island {
  public:
    /// together: scores candidates many at a time, on the archive's rows; null: one by one, as they
    /// come, on the sample.
    Island(const SearchProblem& problem, std::uint64_t seed, std::uint64_t stream,
           std::unique_ptr<BatchScorer> together = nullptr);

    /// Makes candidates until `passes` passes over the sample have been spent or `stop` says so.
    /// Only candidates of at most `max_size` nodes are kept.
    void run(std::uint64_t passes, std::size_t max_size, const StopToken& stop);

    /// Takes candidates of another island (or of a former run) into the population.
    void receive(const std::vector<Candidate>& migrants);

    /// All that a later run needs to go on as this one would, between two calls of run().
    void save(StateWriter& to) const;
    void load(StateReader& from);

    const Archive& archive() const { return archive_; }
    /// Passes over rows so far; what run() was granted can be a little less, or never used up.
    /// May be asked while it runs, by whoever tells of the search.
    std::uint64_t evaluations() const { return evaluations_.load(std::memory_order_relaxed); }
    std::uint64_t node_evaluations() const {
        return scorer_->node_evaluations() + (together_ ? together_->node_evaluations() : 0);
    }

  private:
    void seed_population();
    void restart();
    Tape propose();
    Tape propose_parts();
    Tape first_parts();
    OpenForm opened(const Tape& tape, std::uint64_t& structure) const;
    OpenForm opened_parts(const Tape& tape, std::uint64_t& structure) const;
    /// Lays less of them open, as little less as the rules want.
    void close(const std::vector<Tape>& parts, std::vector<OpenForm>& open) const;
    /// Whether rules let it be fitted as it is laid open.
    bool may_be(const Tape& open) const {
        return problem_.rules->within_limits(open) && problem_.rules->conceivable(open);
    }
    const Candidate& choose(std::size_t largest);
    Tape pursue(const Candidate& parent);
    std::vector<Tape> terms_for(const Candidate& parent, Joint joint);
    bool conceivable(Tape joined) const;
    /// What is known of a candidate while it is scored.
    struct Proposal {
        enum class Of { population, archive, reductions };
        std::uint64_t structure = 0;
        bool dear = false;  ///< its inner constants have to be iterated where others are cheap
        Of of = Of::population;
        bool fully = false;  ///< of reductions: whether its own are tried, too
    };
    void propose_next();
    void run_in_rounds();
    bool may_propose() const;
    void ask(const Proposal& proposal, ScoreTask task);
    void take(BatchScorer::Scored scored);
    void consider(Tape tape);
    /// What there is to score of an expression; nothing where it is not worth it.
    std::optional<ScoreTask> prepared(Tape tape, Proposal& proposal);
    void judge(const Proposal& proposal, Score scored);
    void make_ready(std::size_t max_size, const StopToken& stop);
    /// Whether candidates are judged on other rows than members of the archive.
    bool other_rows() const;
    void promote(const Candidate& candidate);
    void enter(Candidate refined, double sample_loss);
    void reduce(const Candidate& candidate);
    void enter_reduced(Tape tape, double loss, bool fully);
    FitOptions fit_options(int iterations, double tolerance) const;
    Score score(ScoreTask task, ScoreRows rows);
    /// The loss once the constants are fitted in place.
    double fitted(Tape& tape, ScoreRows rows, int iterations, double tolerance);
    void keep(Candidate candidate);
    void count(std::size_t passes);

    const SearchProblem& problem_;
    const EvolutionOptions& options_;
    Random random_;
    Variation variation_;
    std::vector<Variation> of_parts_;  ///< of a template's unknown functions
    std::unique_ptr<Scorer> scorer_;
    Workspace workspace_;
    Archive archive_;
    std::vector<std::vector<Candidate>> bins_;  ///< population by size, best loss first
    std::unordered_map<std::uint64_t, std::uint32_t> visits_;
    std::vector<Tape> neighbours_;  ///< of archive members, still to be looked at
    std::unique_ptr<BatchScorer> together_;
    std::unordered_map<std::uint64_t, Proposal> asked_;  ///< what it scores, by number
    std::uint64_t last_number_ = 0;
    std::uint64_t scored_ = 0;         ///< candidates for the population, of this run
    std::uint64_t scored_passes_ = 0;  ///< that those took, and what followed from them
    std::uint64_t idle_ = 0;           ///< proposals without anything new to evaluate
    bool constant_terms_;
    std::size_t max_size_;
    std::uint64_t passes_ = 0;                   ///< of what was granted; spent or given up
    std::uint64_t end_ = 0;                      ///< passes that were granted, with those before
    std::atomic<std::uint64_t> evaluations_{0};  ///< spent
    std::uint64_t inner_passes_ = 0;  ///< of candidates whose inner constants had to be iterated
    std::uint64_t last_improvement_ = 0;
    std::size_t reductions_left_ = 0;  ///< of the member that entered the archive last
    StopToken stop_;
};

}  // namespace closedform
