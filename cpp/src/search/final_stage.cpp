#include "search/final_stage.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <utility>

#include "closedform/expression/canonical_form.hpp"
#include "core/parallel.hpp"
#include "expression/reduced_forms.hpp"
#include "expression/structure_hash.hpp"
#include "expression/workspace.hpp"
#include "objective/direction_invariants.hpp"
#include "objective/levenberg_marquardt.hpp"
#include "objective/quadratic_model.hpp"
#include "search/round_constants.hpp"

namespace closedform {
namespace {

constexpr double rounding = 1e-9;  // of a loss that an addend does not change

/// Characters that writing the constants takes.
std::size_t constants_length(const Tape& tape) {
    std::size_t length = 0;
    for (const std::size_t position : constant_positions(tape)) {
        std::array<char, 40> text{};
        length += static_cast<std::size_t>(
            std::to_chars(text.data(), text.data() + text.size(), tape[position].value).ptr -
            text.data());
    }
    return length;
}

/// No constant is beyond what the objective takes for one.
bool bounded(const Tape& tape, const Objective& objective) {
    return std::all_of(tape.begin(), tape.end(), [&](const Node& node) {
        return std::abs(node.value) <= objective.largest_constant();
    });
}

/// One expression at a time, one thread each.
class Finisher {
  public:
    Finisher(const Objective& few, const OpSet& operators, const FormulaRules& rules,
             const StopToken& stop)
        : few_(few),
          operators_(operators),
          rules_(rules),
          stop_(stop),
          exact_(few.exact_loss()),
          one_(static_cast<double>(std::max<std::size_t>(1, few.groups().size())) /
               static_cast<double>(few.rows().rows())) {}

    /// The expression and what it can be reduced to, each smaller than the one before.
    std::vector<Candidate> reduced(Tape tape) {
        FitOptions options;
        options.max_iterations = 50;
        options.tolerance = 1e-10;
        options.floor = exact_ * 1e-4;
        options.stop = stop_;
        std::vector<Candidate> steps;
        std::vector<Tape> queue = {std::move(tape)};
        // Depth first, never back to a size already reached: at most the tape's size steps.
        while (!queue.empty() && (steps.empty() || !stop_.stopped())) {
            Tape next = std::move(queue.back());
            queue.pop_back();
            if (!steps.empty() && size_of(next) >= size_of(steps.back().tape)) {
                continue;
            }
            double loss = fitted(next, options);
            const double parent = steps.empty() ? loss : steps.back().loss;
            // A reduction is followed while it costs no more than noise can explain.
            const double bearable = std::max(exact_, parent * (1.0 + 10.0 * one_));
            if (!(loss <= bearable)) {
                continue;
            }
            if (leave_out_addends(next, loss)) {
                loss = fitted(next, options);
            }
            steps.push_back({next, loss, 0});
            if (next.size() > reduced_fully) {
                continue;
            }
            const auto follow = [&](const Tape& reduction) {
                Tape smaller = few_.simplest(reduction, operators_);
                if (!smaller.empty() && size_of(smaller) < size_of(next)) {
                    queue.push_back(std::move(smaller));
                }
            };
            for (const Tape& reduction : of_parts(reductions, next, operators_)) {
                follow(reduction);
            }
            follow(next);
            if (few_.scale_free()) {
                follow(emit(without_even(canonical(next)), operators_));
            }
        }
        return steps;
    }

    /// The tape with constants rounded as far as half a standard error of what the data say about
    /// one constant. Where factors are free, one is chosen that makes it smallest, then shortest to
    /// write. The candidate itself where that makes it larger than allowed.
    Tape made_simple(const Candidate& candidate, std::size_t max_size) {
        if (!few_.groups().empty()) {
            return with_whole_exponents(candidate);
        }
        const double rows = static_cast<double>(few_.rows().rows());
        const double allowed = std::max(few_.rounding_loss(), candidate.loss * (1.0 + 0.5 / rows));
        Tape best;
        for (Tape& tape : variants(candidate.tape)) {
            snap(tape, allowed);
            if (best.empty() || std::pair(size_of(tape), constants_length(tape)) <
                                    std::pair(size_of(best), constants_length(best))) {
                best = std::move(tape);
            }
        }
        const bool grown = size_of(best) > std::max(max_size, size_of(candidate.tape));
        return grown ? candidate.tape : best;
    }

  private:
    std::size_t size_of(const Tape& tape) const { return rules_.complexity(tape); }

    double fitted(Tape& tape, const FitOptions& options) {
        return fit_constants(tape, constant_positions(tape), {}, few_, workspace_, options).loss;
    }

    /// Leaves out what changes nothing beside the other addends of its sum, at the constants of the
    /// tape: whether anything did.
    bool leave_out_addends(Tape& tape, double loss) {
        const double unchanged = std::max(exact_, loss * (1.0 + rounding));
        const auto one_less = [&] {
            for (const Tape& reduction : of_parts(without_addends, tape, operators_)) {
                Tape smaller = few_.simplest(reduction, operators_);
                if (!smaller.empty() && size_of(smaller) < size_of(tape) &&
                    few_.loss(smaller, workspace_) <= unchanged &&
                    (rules_.allow(smaller) || !rules_.allow(tape))) {
                    tape = std::move(smaller);
                    return true;
                }
            }
            return false;
        };
        bool any = false;
        while (std::isfinite(loss) && !stop_.stopped() && one_less()) {
            any = true;
        }
        return any;
    }

    /// Of groups, whose other constants are not those of the tape: exponents that may as well be
    /// the same for all, whole or half.
    Tape with_whole_exponents(const Candidate& candidate) {
        FitOptions options;
        options.stop = stop_;
        Tape best = candidate.tape;
        double loss = candidate.loss;
        for (const std::size_t position : constant_positions(best)) {
            if (position + 1 >= best.size() || best[position + 1].op != Op::pow) {
                continue;
            }
            Tape trial = best;
            trial[position].value = 0.5 * std::round(2.0 * trial[position].value);
            const double own =
                fit_constants(trial, constant_positions(trial), {}, few_, workspace_, options).loss;
            if (trial[position].value != 0.0 &&
                own <= std::max(exact_, loss * (1.0 + 2.0 * one_))) {
                best = std::move(trial);
                loss = own;
            }
        }
        Tape simpler = few_.simplest(best, operators_);
        return simpler.empty() || size_of(simpler) >= size_of(best) ? best : simpler;
    }

    /// Of expressions that differ by factors the objective cannot tell.
    std::vector<Tape> variants(const Tape& tape) {
        if (!few_.scale_free()) {
            return {tape};
        }
        std::vector<Tape> result;
        const Scaled form = without_pole(few_.representative(canonical(tape)));
        for (const Scaled& normalised : normalisations(form)) {
            Tape variant = emit(normalised, operators_);
            // Huge constants are not shorter to write for ending in zeros.
            if (!variant.empty() && bounded(variant, few_)) {
                result.push_back(std::move(variant));
            }
        }
        return result.empty() ? std::vector<Tape>{tape} : result;
    }

    /// z or 1/z, whichever is finite on the data: the gradients of a/b are as parallel where b
    /// changes its sign, but no monotone link leads across the pole.
    Scaled without_pole(Scaled form) {
        if (form.form.kind != Form::Kind::product) {
            return form;
        }
        bool above = false;
        bool below = false;
        for (std::size_t i = 0; i < form.form.parts.size(); ++i) {
            if (form.form.exponents[i] % 2 != 0 && changes_sign(form.form.parts[i].form)) {
                (form.form.exponents[i] > 0 ? above : below) = true;
            }
        }
        if (below && !above) {
            for (int& exponent : form.form.exponents) {
                exponent = -exponent;
            }
            form.scale = few_.sign_free() ? form.scale : -form.scale;
        }
        return form;
    }

    bool changes_sign(const Form& form) {
        const Tape tape = rules_.written_out(emit({1.0, form}, operators_));
        bool positive = false;
        bool negative = false;
        for (std::size_t b = 0; !tape.empty() && b < few_.rows().blocks(); ++b) {
            const double* values = workspace_.forward(tape, few_.rows().block(b));
            positive = positive || std::any_of(values, values + block_rows,
                                               [](double value) { return value > 0.0; });
            negative = negative || std::any_of(values, values + block_rows,
                                               [](double value) { return value < 0.0; });
        }
        return positive && negative;
    }

    void snap(Tape& tape, double allowed) {
        for (;;) {
            snap_constants(tape, few_, workspace_, allowed, stop_);
            Tape simpler = simplified(tape);
            // Simplifying multiplies constants and so undoes their rounding: only for a gain.
            if (simpler.empty() || size_of(simpler) >= size_of(tape)) {
                return;
            }
            tape = std::move(simpler);
        }
    }

    Tape simplified(const Tape& tape) {
        if (tape.back().size != tape.size()) {
            return few_.simplest(tape, operators_);
        }
        Scaled form = canonical(tape);
        if (few_.scale_free()) {
            form = without_pole(few_.representative(std::move(form)));
        }
        return emit(form, operators_);
    }

    const Objective& few_;
    const OpSet& operators_;
    const FormulaRules& rules_;
    const StopToken& stop_;
    double exact_;
    double one_;  ///< share of the loss that a constant takes away by chance
    Workspace workspace_;
};

// Operators and kinds of leaf that a formula is written with: of a usual search, however many more
// there are to choose from.
constexpr double usual_symbols = 18.0;

/// The shortest description of the data first: half the rows times the log of the loss, and the
/// log of the number of symbols for every node (Rissanen 1978).
std::vector<Tape> by_worth(std::vector<Tape> found, const Objective& few) {
    Workspace workspace;
    const double half_rows = 0.5 * static_cast<double>(few.rows().rows());
    const double node = std::log(static_cast<double>(few.rows().columns()) + usual_symbols);
    std::vector<std::pair<double, Tape>> ordered;
    for (Tape& tape : found) {
        const double loss = few.loss(tape, workspace);
        const double length = half_rows * std::log(loss + std::numeric_limits<double>::min()) +
                              node * static_cast<double>(tape.size());
        ordered.emplace_back(length, std::move(tape));
    }
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::transform(ordered.begin(), ordered.end(), found.begin(),
                   [](auto& entry) { return std::move(entry.second); });
    return found;
}

/// Leaves out what another of at most its size is clearly better than on `few`, by more than
/// chance between so many rows and all of them can make up for: every expression costs a pass.
std::vector<Candidate> promising(std::vector<Candidate> candidates, const Objective& few,
                                 const FormulaRules& rules) {
    const double rows = static_cast<double>(few.rows().rows());
    // Three standard errors of a mean of squares of normal residuals.
    const double chance = 1.0 + 3.0 * std::sqrt(2.0 / rows);
    std::vector<double> best(max_tape_size + 1, std::numeric_limits<double>::infinity());
    const auto size_of = [&](const Candidate& candidate) {
        return std::min(rules.complexity(candidate.tape), max_tape_size);
    };
    for (const Candidate& candidate : candidates) {
        double& own = best[size_of(candidate)];
        own = std::min(own, std::max(candidate.loss, few.exact_loss()));
    }
    for (std::size_t size = 1; size < best.size(); ++size) {
        best[size] = std::min(best[size], best[size - 1]);
    }
    std::erase_if(candidates, [&](const Candidate& candidate) {
        return candidate.loss > chance * best[size_of(candidate)];
    });
    return candidates;
}

/// The closest of every size.
std::vector<Candidate> best_of_sizes(std::vector<Candidate> candidates, const FormulaRules& rules) {
    const auto size_of = [&](const Candidate& candidate) {
        return rules.complexity(candidate.tape);
    };
    std::stable_sort(candidates.begin(), candidates.end(), [&](const auto& a, const auto& b) {
        return std::pair(size_of(a), a.loss) < std::pair(size_of(b), b.loss);
    });
    const auto same = [&](const Candidate& a, const Candidate& b) {
        return size_of(a) == size_of(b);
    };
    candidates.erase(std::unique(candidates.begin(), candidates.end(), same), candidates.end());
    return candidates;
}

/// Gauss-Newton on the whole of the data for all candidates side by side, and then constants
/// rounded as far as half a standard error of what all those rows say. False where the stop token
/// came first: nothing is changed then.
bool settle_on_all_rows(std::vector<Candidate>& candidates, const WholeData& whole,
                        const Objective& few, const OpSet& operators, const StopToken& stop) {
    constexpr int steps = 2;  // they begin a standard error of `few` away from where they end
    std::vector<Tape> tapes;
    for (const Candidate& candidate : candidates) {
        tapes.push_back(candidate.tape);
    }
    std::vector<NormalEquations> equations = equations_on_all_rows(tapes, *whole.equations, stop);
    Workspace workspace;
    for (int step = 0; step < steps && !equations.empty(); ++step) {
        std::vector<Tape> trials = tapes;
        for (std::size_t i = 0; i < trials.size(); ++i) {
            const auto positions = constant_positions(trials[i]);
            const QuadraticModel model(tapes[i], equations[i], few.largest_constant());
            fit_constants(trials[i], positions, positions, model, workspace, {});
        }
        std::vector<NormalEquations> next = equations_on_all_rows(trials, *whole.equations, stop);
        for (std::size_t i = 0; i < next.size(); ++i) {
            if (next[i].loss < equations[i].loss) {
                tapes[i] = std::move(trials[i]);
                equations[i] = std::move(next[i]);
            }
        }
    }
    if (equations.empty()) {
        return false;
    }
    const double rows = static_cast<double>(whole.equation_rows);
    for (std::size_t i = 0; i < tapes.size(); ++i) {
        const double allowed = std::max(few.rounding_loss(), equations[i].loss * (1 + 0.5 / rows));
        const QuadraticModel model(tapes[i], std::move(equations[i]), few.largest_constant());
        snap_constants(tapes[i], model, workspace, allowed, stop);
        Tape simpler = few.simplest(tapes[i], operators);
        const bool shorter = !simpler.empty() && simpler.size() < tapes[i].size();
        candidates[i].tape = std::move(shorter ? simpler : tapes[i]);
    }
    return true;
}

}  // namespace

Finished finish(std::vector<Tape> found, const WholeData& whole, const Objective& few,
                const OpSet& operators, const FormulaRules& rules, std::size_t max_size,
                unsigned threads, const StopToken& stop) {
    found = by_worth(std::move(found), few);
    std::vector<std::vector<Candidate>> steps(found.size());
    std::vector<char> first(found.size());  // of its size
    for (std::size_t i = 0; i < found.size(); ++i) {
        const auto here = found.begin() + static_cast<std::ptrdiff_t>(i);
        first[i] = std::none_of(found.begin(), here, [&](const Tape& other) {
            return rules.complexity(other) == rules.complexity(found[i]);
        });
    }
    parallel_for(found.size(), threads, [&](std::size_t i, unsigned) {
        if (first[i] != 0 || !stop.stopped()) {  // late, one of every size
            steps[i] = Finisher(few, operators, rules, stop).reduced(std::move(found[i]));
        }
    });
    std::vector<Candidate> candidates;
    for (auto& own : steps) {
        std::move(own.begin(), own.end(), std::back_inserter(candidates));
    }
    // Where all rows say no more than `few`, for there is no noise, nothing is fitted again.
    const bool exact = std::any_of(candidates.begin(), candidates.end(),
                                   [&](const auto& c) { return c.loss <= few.exact_loss(); });
    if (whole.rows > few.rows().rows()) {
        candidates = promising(std::move(candidates), few, rules);
        if (stop.stopped()) {
            candidates = best_of_sizes(std::move(candidates), rules);
        }
    }
    bool settled = false;
    if (whole.equations != nullptr && !exact) {
        settled = settle_on_all_rows(candidates, whole, few, operators, stop);
    }
    if (!settled) {
        parallel_for(candidates.size(), threads, [&](std::size_t i, unsigned) {
            Tape simple =
                Finisher(few, operators, rules, stop).made_simple(candidates[i], max_size);
            // A factor that is 1 may have had a unit.
            if (rules.allow(simple) || !rules.allow(candidates[i].tape)) {
                candidates[i].tape = std::move(simple);
            }
        });
    }
    std::vector<Tape> tapes;
    for (Candidate& candidate : candidates) {
        tapes.push_back(std::move(candidate.tape));
    }
    const std::vector<double> losses = losses_on_all_rows(tapes, *whole.losses);
    Finished made;
    Archive archive(max_size, operators, rules, noise_may_hide(few));
    for (std::size_t i = 0; i < tapes.size(); ++i) {
        // Where factors are free, simplifying divides by one of them.
        if (!few.scale_free() || bounded(tapes[i], few)) {
            archive.offer({tapes[i], losses[i], 0, losses[i]});
        }
    }
    made.front = archive.front();
    for (std::size_t i = 0; i < tapes.size(); ++i) {
        const bool on_front = std::any_of(made.front.begin(), made.front.end(),
                                          [&](const Candidate& m) { return m.tape == tapes[i]; });
        if (!on_front && !tapes[i].empty() && losses[i] > few.exact_loss()) {
            archive.remember({tapes[i], losses[i], skeleton(tapes[i]), losses[i]});
        }
    }
    made.rivals = archive.rivals();
    return made;
}

}  // namespace closedform
