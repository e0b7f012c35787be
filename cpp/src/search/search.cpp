#include "closedform/search/search.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <string>

#include "closedform/core/stop.hpp"
#include "closedform/expression/operator_table.hpp"
#include "closedform/objective/full_data.hpp"
#include "core/parallel.hpp"
#include "expression/structure_hash.hpp"
#include "expression/workspace.hpp"
#include "objective/expanded_target.hpp"
#include "objective/objective.hpp"
#include "search/batch_scorer.hpp"
#include "search/final_stage.hpp"
#include "search/island.hpp"
#include "search/pareto_archive.hpp"
#include "search/saved_state.hpp"
#include "search/search_options.hpp"
#include "search/search_rows.hpp"
#include "search/working_units.hpp"

namespace closedform {
namespace {

constexpr std::size_t values_per_column = 20;   // values of a column constants are drawn from
constexpr std::size_t archive_rows = 8192;      // archive members are compared on
constexpr std::uint64_t longest_epoch = 40000;  // passes of every island before an exchange
constexpr std::size_t first_size = 10;          // largest structures of the first epoch
constexpr std::size_t size_step = 4;            // and how many nodes more every epoch
// Share of the time kept for the last stage (all rows, reductions, simple constants), and its most.
constexpr double finishing_share = 0.05;
constexpr double most_finishing = 2.0;          // seconds
constexpr double interrupted_finishing = 0.25;  // for whoever stopped the search and waits
constexpr double progress_period = 0.5;
constexpr std::size_t most_bare_inputs = 64;  // tried where there is nothing else

using Clock = std::chrono::steady_clock;

bool among(const std::vector<Tape>& tapes, const Tape& tape) {
    return std::find(tapes.begin(), tapes.end(), tape) != tapes.end();
}

template <class T>
class Search {
  public:
    Search(MatrixView<const T> x, const Target& target, const SearchOptions& options)
        : x_(x),
          target_(target),
          options_(options),
          size_limit_(options.max_size),
          archive_(options.max_size, options.operators, working_rules_),
          best_on_all_rows_(options.max_size, options.operators, options.rules) {
        check_options(x.rows, x.columns, target, options);
        data_units_.x.assign(x.columns, 1.0);
        const bool can_scale = options.operators.has(Op::mul) && options.whole == nullptr;
        units_ = working_units(x, target, can_scale);
        working_rules_ = options.rules.in_units(units_.x, units_.y);
        sample_ = objective(target.sample_rows(), units_);
        if (x.rows > target.sample_rows()) {
            full_ = objective(archive_rows, units_);
        }
        problem_.operators = options.operators;
        problem_.rules = &working_rules_;
        problem_.whole = options.whole;
        problem_.sample = sample_.get();
        problem_.full = full_ ? full_.get() : sample_.get();
        problem_.exact_loss = problem_.full->exact_loss();
        problem_.max_size = options.max_size;
        problem_.near_enough = noise_may_hide(*sample_);
        for (std::size_t j = 0; j < x.columns; ++j) {
            problem_.inputs.push_back(static_cast<int>(j));
            for (std::size_t k = 0; k < values_per_column; ++k) {
                const std::size_t row = k * (x.rows - 1) / (values_per_column - 1);
                problem_.column_values.push_back(units_.x[j] * static_cast<double>(x(row, j)));
            }
        }
        if (options.sample_sums && sample_->quadratic() && sample_->groups().empty() &&
            options.whole == nullptr && !options.rules.has_own()) {
            archive_rows_.emplace(x, target, units_, draw_rows(target, archive_rows, options.seed));
        }
        add_islands(options.islands);
    }

    SearchResult run(const std::function<bool(const SearchProgress&)>& progress) {
        const auto begin = Clock::now();
        const auto elapsed = [&] {
            return std::chrono::duration<double>(Clock::now() - begin).count();
        };
        StopToken end(options_.seconds);
        SearchResult result;
        double reported = 0.0;
        const auto report = [&] {
            reported = elapsed();
            return progress && progress({reported, evaluations(), small_enough()});
        };
        // Epochs can last: they are left early by the clock and by whoever watches.
        const double finishing =
            std::min(std::max(std::min(finishing_share * options_.seconds, most_finishing),
                              last_pass_seconds()),
                     0.5 * options_.seconds);
        const StopToken evolving = options_.stop.within(options_.seconds - finishing, [&] {
            return elapsed() - reported > progress_period && report();
        });
        epoch_ = target_.first_epoch();
        if (options_.resume.empty()) {
            receive_start(evolving);
        } else {
            load(options_.resume);
        }
        for (;; epoch_ = std::min(longest_epoch, 2 * epoch_)) {
            if (spent_ >= options_.passes_alone * islands_.size()) {
                add_islands(std::min(2 * islands_.size(), options_.most_islands));
            }
            const std::uint64_t quota = quota_of(epoch_);
            if (quota == 0) {
                result.reason = StopReason::evaluations;
                break;
            }
            result.epochs.push_back(evolve(quota, evolving));
            if (report()) {
                evolving.stop();
            }
            if (const auto reason = reason_to_end(evolving)) {
                result.reason = *reason;
                break;
            }
            if (options_.keep && quota == epoch_) {
                options_.keep(state());
            }
        }
        if (result.reason == StopReason::interrupted || options_.stop.stopped()) {
            end = end.within(interrupted_finishing);
        }
        result.evaluations = evaluations();
        result.evolving = elapsed();
        for (const auto& island : islands_) {
            result.node_evaluations += island->node_evaluations();
        }
        Finished made = finished(end);
        result.front = std::move(made.front);
        result.rivals = std::move(made.rivals);
        result.seconds = elapsed();
        return result;
    }

  private:
    std::size_t size_of(const Tape& tape) const { return options_.rules.complexity(tape); }

    /// Until there are so many.
    void add_islands(std::size_t wanted) {
        while (islands_.size() < wanted) {
            islands_.push_back(
                std::make_unique<Island>(problem_, options_.seed, islands_.size(), together()));
        }
    }

    /// After an epoch.
    std::string state() const {
        StateWriter to;
        to.put(std::uint64_t{islands_.size()});
        to.put(epoch_);
        to.put(spent_);
        to.put(epochs_);
        to.put(size_limit_);
        to.put(exact_at_);
        archive_.save(to);
        best_on_all_rows_.save(to);
        for (const auto& island : islands_) {
            island->save(to);
        }
        return to.bytes();
    }

    void load(std::string_view bytes) {
        std::size_t inputs = x_.columns;
        for (std::size_t i = 0; options_.whole != nullptr && i < options_.whole->unknowns.size();
             ++i) {
            inputs = std::max(inputs, options_.whole->unknowns[i].arguments);
        }
        const std::size_t parts = options_.whole ? options_.whole->unknowns.size() : 1;
        StateReader from(bytes, inputs, parts);
        std::uint64_t islands = 0;
        from.get(islands);
        if (islands < islands_.size() || islands > options_.most_islands) {
            StateReader::refuse();
        }
        add_islands(islands);
        from.get(epoch_);
        epoch_ = std::min(longest_epoch, 2 * epoch_);
        from.get(spent_);
        from.get(epochs_);
        from.get(size_limit_);
        if (size_limit_ > options_.max_size) {
            StateReader::refuse();
        }
        from.get(exact_at_);
        archive_.load(from);
        best_on_all_rows_.load(from);
        for (const auto& island : islands_) {
            island->load(from);
        }
    }

    /// Passes of every island in the next epoch; 0 once the budget is spent.
    std::uint64_t quota_of(std::uint64_t epoch) const {
        std::uint64_t quota = epoch;
        if (options_.evaluations != 0) {
            const std::uint64_t left =
                options_.evaluations - std::min(options_.evaluations, spent_);
            quota = std::min(quota, left / islands_.size());
        }
        if (exact_at_) {
            const std::uint64_t enough = *exact_at_ + *exact_at_ / 4;
            quota = std::min(quota, (enough - spent_) / islands_.size() + 1);
        }
        return quota;
    }

    /// About what the losses of a front on all rows take, by that of an expression of middle size
    /// on the archive's: no clock ends them.
    double last_pass_seconds() const {
        if (x_.rows <= archive_rows || std::isinf(options_.seconds)) {
            return 0.0;
        }
        Tape tape = {Node::input(0)};
        while (tape.size() < options_.max_size / 2) {
            tape.push_back(Node::input(0));
            tape.push_back(Node::function(Op::add));
        }
        fix_sizes(tape);
        Workspace workspace;
        const auto begin = Clock::now();
        problem_.full->loss(tape, workspace);
        const std::chrono::duration<double> one = Clock::now() - begin;
        const double parts = static_cast<double>(x_.rows) / static_cast<double>(archive_rows);
        const double members = 0.5 * static_cast<double>(options_.max_size);
        return one.count() * parts * members / resolve_threads(options_.threads);
    }

    /// One epoch of all islands and their exchange; the seconds that each island took.
    std::vector<double> evolve(std::uint64_t quota, const StopToken& stop) {
        // Small structures first: most laws are small, and large approximations of them would
        // take the time.
        const std::size_t limit = std::min(size_limit_, first_size + size_step * epochs_++);
        std::vector<double> seconds(islands_.size());
        parallel_for(islands_.size(), options_.threads, [&](std::size_t i, unsigned) {
            const auto begin = Clock::now();
            islands_[i]->run(quota, limit, stop);
            seconds[i] = std::chrono::duration<double>(Clock::now() - begin).count();
        });
        spent_ += quota * islands_.size();
        if (archive_rows_) {  // what followed from the last candidates came on top
            spent_ = std::max(spent_, evaluations());
        }
        exchange();
        return seconds;
    }

    std::optional<StopReason> reason_to_end(const StopToken& stop) {
        if (stop.stopped()) {
            return stop.interrupted() ? StopReason::interrupted : StopReason::time;
        }
        const auto front = archive_.front();
        if (front.empty()) {
            return {};
        }
        const double loss = front.back().loss;
        if (options_.good_enough > 0.0 && loss <= options_.good_enough * units_.y * units_.y) {
            return StopReason::good_enough;
        }
        // An exact law: look a while longer for a smaller one, then stop.
        const std::size_t rows = x_.rows / std::max<std::size_t>(1, sample_->groups().size());
        if (loss <= problem_.exact_loss && determined(front.back().tape, rows)) {
            const std::size_t size = size_of(front.back().tape);
            if (size - 1 < size_limit_ || !exact_at_) {
                exact_at_ = spent_;
                size_limit_ = size - 1;
            }
            if (size_limit_ == 0 || spent_ >= *exact_at_ + *exact_at_ / 4) {
                return StopReason::exact;
            }
        }
        return {};
    }

    /// Who scores an island's candidates on the archive's rows; null for the island itself.
    std::unique_ptr<BatchScorer> together() const {
        if (!archive_rows_) {
            return nullptr;
        }
        const std::size_t rows = archive_rows_->y.size();
        auto sums = options_.sample_sums({archive_rows_->x.data(), rows, x_.columns},
                                         archive_rows_->target);
        return std::make_unique<BatchScorer>(std::move(sums), rows, *problem_.sample,
                                             options_.operators);
    }

    std::unique_ptr<Objective> objective(std::size_t wanted, const Units& units) const {
        const auto rows = draw_rows(target_, wanted, options_.seed);
        return target_.at(RowBlocks(x_, rows, units.x), rows, units);
    }

    void receive_start(const StopToken& stop) {
        Workspace workspace;
        std::vector<Candidate> start;
        // Working units: x stands for (1 / unit) * x in the expressions given.
        Units inverse = units_;
        for (double& unit : inverse.x) {
            unit = 1.0 / unit;
        }
        inverse.y = 1.0 / units_.y;
        for (Tape tape : options_.start) {
            if (stop.stopped()) {
                break;
            }
            if (!options_.rules.allow(tape)) {
                continue;
            }
            tape = sample_->simplest(restore(tape, inverse), options_.operators);
            if (tape.empty() || size_of(tape) > options_.max_size) {
                continue;
            }
            const double loss = problem_.full->loss(tape, workspace);
            Candidate candidate{tape, loss, skeleton(tape),
                                archive_rows_ ? loss : sample_->loss(tape, workspace)};
            if (std::isfinite(candidate.loss)) {
                archive_.offer(candidate);
                start.push_back(std::move(candidate));
            }
        }
        for (const auto& island : islands_) {
            island->receive(start);
        }
    }

    void exchange() {
        std::vector<std::vector<Candidate>> fronts;
        for (const auto& island : islands_) {
            fronts.push_back(island->archive().front());
            for (const Candidate& candidate : fronts.back()) {
                archive_.offer(candidate);
            }
        }
        if (options_.loss_rows != nullptr && options_.loss_rows->resident() &&
            x_.rows > archive_rows) {
            compare_on_all_rows(fronts);
        }
        // A ring: what one island found reaches the others one epoch after another.
        for (std::size_t i = 0; i < islands_.size(); ++i) {
            islands_[(i + 1) % islands_.size()]->receive(fronts[i]);
        }
    }

    /// One batch for all islands.
    void compare_on_all_rows(const std::vector<std::vector<Candidate>>& fronts) {
        std::vector<Tape> tapes;
        for (const auto& front : fronts) {
            for (Candidate& candidate : in_data_units(front)) {
                if (size_of(candidate.tape) <= options_.max_size && !among(tapes, candidate.tape)) {
                    tapes.push_back(std::move(candidate.tape));
                }
            }
        }
        const std::vector<double> losses = losses_on_all_rows(tapes, *options_.loss_rows, true);
        for (std::size_t i = 0; i < tapes.size(); ++i) {
            best_on_all_rows_.offer({std::move(tapes[i]), losses[i], 0});
        }
    }

    std::vector<Candidate> in_data_units(std::vector<Candidate> front) const {
        for (Candidate& candidate : front) {
            candidate.tape = sample_->simplest(restore(candidate.tape, units_), options_.operators);
            candidate.loss /= units_.y * units_.y;
        }
        std::erase_if(front, [](const Candidate& candidate) { return candidate.tape.empty(); });
        return front;
    }

    /// What the front would be if the search ended now: working units can take a few nodes more.
    std::vector<Candidate> small_enough() const {
        std::vector<Candidate> front = in_data_units(archive_.front());
        std::erase_if(front, [&](const Candidate& candidate) {
            return size_of(candidate.tape) > options_.max_size;
        });
        return front;
    }

    std::uint64_t evaluations() const {
        std::uint64_t sum = 0;
        for (const auto& island : islands_) {
            sum += island->evaluations();
        }
        return sum;
    }

    Finished finished(const StopToken& stop) const {
        std::vector<Tape> found;
        for (Candidate& candidate : in_data_units(archive_.front())) {
            found.push_back(std::move(candidate.tape));
        }
        for (Candidate& candidate : best_on_all_rows_.front()) {
            if (!among(found, candidate.tape)) {
                found.push_back(std::move(candidate.tape));
            }
        }
        // Working units can have made an expression given too long: it is not lost for that.
        for (const Tape& tape : options_.start) {
            if (size_of(tape) <= options_.max_size && uses_only(tape, options_.operators)) {
                found.push_back(tape);
            }
        }
        if (found.empty()) {  // not one pass was granted, or nothing is defined at the rows
            const std::size_t parts = options_.whole ? options_.whole->unknowns.size() : 1;
            found.push_back(Tape(parts, Node::constant(1.0)));
            for (std::size_t j = 0;
                 parts == 1 && j < std::min(problem_.inputs.size(), most_bare_inputs); ++j) {
                found.push_back({Node::input(problem_.inputs[j])});
            }
        }
        const auto few = objective(archive_rows, data_units_);
        WholeData whole;
        whole.rows = x_.rows;
        const auto losses_here = loss_sums<T>(x_, target_, options_.threads);
        const auto equations_here = equation_sums<T>(x_, target_, options_.threads);
        whole.losses = options_.loss_rows != nullptr ? options_.loss_rows : losses_here.get();
        if (x_.rows > archive_rows && few->quadratic()) {
            whole.equation_rows = equation_rows(x_.rows);
            whole.equations = equations_here.get();
            const auto front = archive_.front();
            if (front.empty() || front.back().loss > problem_.exact_loss) {
                add_rivals(found);
            }
        }
        if (few->quadratic() && !exact_at_) {
            add_remembered(found);
        }
        return finish(std::move(found), whole, *few, options_.operators, options_.rules,
                      options_.max_size, options_.threads, stop);
    }

    /// What an island holds to be the best of its size may be that on all rows, though another's
    /// is better on the archive's.
    void add_rivals(std::vector<Tape>& found) const {
        for (const auto& island : islands_) {
            for (Candidate& candidate : in_data_units(island->archive().front())) {
                if (!among(found, candidate.tape)) {
                    found.push_back(std::move(candidate.tape));
                }
            }
        }
    }

    /// Structures that noise may have kept from being the best of their size.
    void add_remembered(std::vector<Tape>& found) const {
        for (const auto& island : islands_) {
            for (Candidate& candidate : in_data_units(island->archive().rivals())) {
                if (size_of(candidate.tape) <= options_.max_size && !among(found, candidate.tape)) {
                    found.push_back(std::move(candidate.tape));
                }
            }
        }
    }

    MatrixView<const T> x_;
    const Target& target_;
    const SearchOptions& options_;
    std::uint64_t epoch_ = 0;  ///< passes of every island in this one
    std::uint64_t spent_ = 0;  ///< passes granted to all islands
    std::size_t epochs_ = 0;
    std::size_t size_limit_;
    std::optional<std::uint64_t> exact_at_;  ///< passes when an exact law was found
    Units units_;
    Units data_units_;
    std::unique_ptr<Objective> sample_;
    std::unique_ptr<Objective> full_;
    FormulaRules working_rules_;  ///< of formulas in working units
    SearchProblem problem_;
    std::optional<ArchiveRows> archive_rows_;  ///< where candidates are scored elsewhere
    std::vector<std::unique_ptr<Island>> islands_;
    Archive archive_;
    Archive best_on_all_rows_;  ///< in the data's units; only with loss_rows
};

}  // namespace

template <class T>
SearchResult search(MatrixView<const T> x, const Target& target, const SearchOptions& options,
                    const std::function<bool(const SearchProgress&)>& progress) {
    SearchOptions own = options;
    if (options.whole != nullptr) {
        own.rules = options.rules.of_parts(*options.whole);
    }
    if (!options.rules.has_own()) {
        return Search<T>(x, target, own).run(progress);
    }
    const Vocabulary& words = *options.rules.vocabulary;
    const ExpandedTarget written_out(target, words);
    std::optional<ExpandedLosses> losses;
    if (options.loss_rows != nullptr) {
        own.loss_rows = &losses.emplace(*options.loss_rows, words);
    }
    return Search<T>(x, written_out, own).run(progress);
}

template SearchResult search(MatrixView<const double>, const Target&, const SearchOptions&,
                             const std::function<bool(const SearchProgress&)>&);
template SearchResult search(MatrixView<const float>, const Target&, const SearchOptions&,
                             const std::function<bool(const SearchProgress&)>&);

}  // namespace closedform
