#pragma once
// The search: islands that evolve side by side, exchange candidates at fixed points and fill one
// Pareto archive. With a budget of evaluations the result depends on the seed alone, not on the
// number of threads.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/core/stop.hpp"
#include "closedform/expression/expression.hpp"
#include "closedform/expression/template.hpp"
#include "closedform/objective/full_data.hpp"
#include "closedform/objective/target.hpp"
#include "closedform/search/candidate.hpp"
#include "closedform/search/formula_rules.hpp"

namespace closedform {

struct SearchOptions {
    OpSet operators;
    std::size_t max_size = 30;
    std::uint64_t seed = 0;
    unsigned threads = 0;           ///< 0: all cores
    double seconds = 60.0;          ///< cut-off of the whole; infinity for none
    StopToken stop = {};            ///< ends it sooner, with the best so far
    std::uint64_t evaluations = 0;  ///< passes of a candidate over the sample rows; 0: no limit
    double good_enough = 0.0;       ///< loss at which to stop; 0: none
    /// At first; as often as all have had so many passes of their own, there are twice as many. So
    /// a search that lasts has work for many threads, and the result depends on none.
    std::size_t islands = 8;
    std::size_t most_islands = 64;
    std::uint64_t passes_alone = 400000;
    std::vector<Tape> start;  ///< expressions to begin with; those that break a rule are left
    FormulaRules rules;       ///< that no formula of the result breaks, of the columns of X
    /// A state that `keep` was given by a search of the same data and options: it goes on from
    /// there, as that one would have. Empty: from the beginning.
    std::string_view resume = {};
    /// Given the state after every epoch that no budget or clock cut short; null for none.
    std::function<void(const std::string&)> keep = {};
    /// What candidates are parts of, of its inputs, the columns of X; null: of nothing. Tapes of
    /// the result, and of `start`, are then those of the unknown functions, one behind the other
    /// (`parts_of`), each in its own arguments; max_size is of all of them together, and rules are
    /// kept as `FormulaRules::of_parts` says.
    const Template* whole = nullptr;
    /// All rows of X and of the target, where losses on them are cheap; null: they are looked at
    /// here, once, at the end. If it is resident, what the islands found is compared on all rows at
    /// every exchange, a batch for all islands together, and what is best there is not lost for
    /// being less so on the rows the islands see. The evolution itself is the same with and
    /// without.
    LossRowSums* loss_rows = nullptr;
    /// Makes sums over up to 8192 rows, [rows x columns of X] in the search's own units, where
    /// normal equations of many are as cheap as those of one: then the candidates of all islands,
    /// of values, are scored there, many at a time. Both arguments live as long as what is made.
    /// Null: one by one, as they come, here and on fewer rows. Not asked where rows have groups or
    /// formulas a template or operators of the user's own.
    std::function<std::unique_ptr<EquationRowSums>(MatrixView<const double>, const Target&)>
        sample_sums = {};
};

enum class StopReason { time, evaluations, exact, good_enough, interrupted };

struct SearchProgress {
    double seconds = 0.0;
    std::uint64_t evaluations = 0;
    std::vector<Candidate> front;
};

struct SearchResult {
    std::vector<Candidate> front;  ///< by complexity; losses on all rows
    /// Of values: other structures whose losses are so near those of the front that noise may have
    /// kept them from it; a few of a size, by complexity.
    std::vector<Candidate> rivals;
    StopReason reason = StopReason::time;
    std::uint64_t evaluations = 0;
    std::uint64_t node_evaluations = 0;       ///< values of nodes at rows, computed by the islands
    double seconds = 0.0;                     ///< of the whole
    double evolving = 0.0;                    ///< of those, before the last stage
    std::vector<std::vector<double>> epochs;  ///< seconds each island took, between two exchanges
};

/// Minimises a target's objective over expressions in the columns of X (n x d). `progress` is
/// called from the calling thread, between epochs and about twice a second within one: when it
/// returns true the search ends and returns the best so far. Throws std::invalid_argument, one line
/// that begins with the name of what was wrong, for sizes and options that cannot be.
template <class T>
SearchResult search(MatrixView<const T> x, const Target& target, const SearchOptions& options,
                    const std::function<bool(const SearchProgress&)>& progress);

}  // namespace closedform
