#include "terms/term_library.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "closedform/expression/canonical_form.hpp"
#include "closedform/expression/operator_table.hpp"
#include "core/random.hpp"
#include "expression/workspace.hpp"

namespace closedform {
namespace {

// Terms whose correlation differs from one by less are the same to the data.
constexpr double same_correlation = 1e-5;
// A sine of more periods than this over the data, its frequency not fitted, is noise.
constexpr double most_periods = 2.0;
constexpr int hinge_quantiles = 9;
constexpr int step_quantiles = 3;
// Functions of one input that take part in ratios have at most this many nodes.
constexpr int largest_numerator = 2;

Tape apply(Tape tape, Op op) {
    tape.push_back(Node::function(op));
    return tape;
}

struct Scaling {
    double mean = 0.0;
    double scale = 0.0;  ///< 0 where the values do not vary
    double peak = 0.0;   ///< largest deviation from the mean in standard deviations
};

/// Brings values to mean 0 and variance 1.
Scaling standardise(std::span<double> values) {
    const auto count = static_cast<double>(values.size());
    double mean = 0.0;
    for (const double v : values) {
        mean += v;
    }
    mean /= count;
    double squares = 0.0;
    double largest = 0.0;
    for (double& v : values) {
        v -= mean;
        squares += v * v;
        largest = std::max(largest, std::abs(v));
    }
    const double deviation = std::sqrt(squares / count);
    if (!std::isfinite(deviation) || !(deviation > 1e-10 * std::abs(mean))) {
        return {};
    }
    for (double& v : values) {
        v /= deviation;
    }
    return {mean, 1.0 / deviation, largest / deviation};
}

double dot(const double* a, const double* b, std::size_t count) {
    double sum = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
        sum += a[i] * b[i];
    }
    return sum;
}

}  // namespace

TermLibrary::TermLibrary(const RowBlocks& rows, std::span<const double> target,
                         const LibraryOptions& options)
    : options_(options), rows_(rows.rows()), inputs_(static_cast<int>(rows.columns())) {
    // Without factors in front of the terms there is nothing to fit.
    const bool can_sum = options.operators.has(Op::mul) &&
                         (options.operators.has(Op::add) || options.operators.has(Op::sub));
    if (!can_sum || rows_ < 3) {
        return;
    }
    factors_.push_back({{Node::constant(1.0)}, -1, false, 0});
    values_.emplace_back(rows_, 1.0);
    make_factors(rows);
    evaluate_terms(combine(target));
    values_.clear();
}

void TermLibrary::add_factor(Tape tape, int input, bool divides, const RowBlocks& rows) {
    fix_sizes(tape);
    const bool can_divide = options_.operators.has(Op::div);
    if (divides && !can_divide && !options_.operators.has(Op::inv)) {
        return;
    }
    Tape shortest = emit(canonical(tape), options_.operators);
    if (shortest.empty()) {
        return;
    }
    std::vector<double> values(rows_);
    Workspace workspace;
    for (std::size_t b = 0; b < rows.blocks(); ++b) {
        const double* block = workspace.forward(shortest, rows.block(b));
        const std::size_t begin = b * block_rows;
        for (std::size_t i = begin; i < std::min(begin + block_rows, rows_); ++i) {
            values[i] = divides ? 1.0 / block[i - begin] : block[i - begin];
            if (!std::isfinite(values[i])) {
                return;
            }
        }
    }
    const int nodes = static_cast<int>(shortest.size()) + (divides && !can_divide ? 2 : 1);
    factors_.push_back({std::move(shortest), input, divides, nodes});
    values_.push_back(std::move(values));
}

void TermLibrary::make_factors(const RowBlocks& rows) {
    const OpSet& operators = options_.operators;
    for (int input = 0; input < inputs_ && !options_.stop.stopped(); ++input) {
        const Tape x = {Node::input(input)};
        const std::size_t first = factors_.size();
        add_factor(x, input, false, rows);
        if (factors_.size() == first) {
            continue;
        }
        std::vector<double> sorted = values_[first];
        std::sort(sorted.begin(), sorted.end());
        const double low = sorted.front();
        const double high = sorted.back();
        // Every function of an input with two values is a straight line.
        const bool two_valued = std::all_of(sorted.begin(), sorted.end(),
                                            [&](double v) { return v == low || v == high; });
        const bool one_sign = low > 0.0 || high < 0.0;
        if (one_sign) {
            add_factor(x, input, true, rows);
        }
        if (two_valued) {
            continue;
        }
        Tape squared = x;
        squared.push_back(Node::input(input));
        squared = apply(squared, Op::mul);
        add_factor(squared, input, false, rows);
        if (one_sign) {
            add_factor(squared, input, true, rows);
        }
        for (const Op op : operators.of_arity(1)) {
            const bool wide = high - low > most_periods * 6.283185307179586;
            if (op == Op::square || op == Op::inv || op == Op::abs ||
                (facts(op).periodic && wide)) {
                continue;  // done above, or below, or noise
            }
            add_factor(apply(x, op), input, false, rows);
            if ((op == Op::sqrt && one_sign) || op == Op::exp) {
                add_factor(apply(x, op), input, true, rows);
            }
        }
        make_hinges(input, sorted, rows);
    }
}

void TermLibrary::make_hinges(int input, std::span<const double> sorted, const RowBlocks& rows) {
    const OpSet& operators = options_.operators;
    const auto quantile = [&](int k, int of) {
        return sorted[static_cast<std::size_t>(k) * (sorted.size() - 1) /
                      static_cast<std::size_t>(of)];
    };
    const Op minus = operators.has(Op::sub) ? Op::sub : Op::add;
    const double sign = minus == Op::sub ? 1.0 : -1.0;
    double last = sorted.front();
    for (int k = 1; k <= hinge_quantiles && operators.has(Op::abs); ++k) {
        const double knot = quantile(k, hinge_quantiles + 1);
        if (knot > last && knot < sorted.back()) {
            Tape hinge = {Node::input(input), Node::constant(sign * knot), Node::function(minus)};
            add_factor(apply(std::move(hinge), Op::abs), input, false, rows);
            last = knot;
        }
    }
    last = sorted.front();
    for (int k = 1; k <= hinge_quantiles && operators.has(Op::greater); ++k) {
        const double knot = quantile(k, hinge_quantiles + 1);
        if (knot > last && knot < sorted.back()) {
            add_factor({Node::input(input), Node::constant(knot), Node::function(Op::greater)},
                       input, false, rows);
            last = knot;
        }
    }
    const double width = 0.5 * (quantile(3, 4) - quantile(1, 4));
    last = sorted.front();
    for (int k = 1; k <= step_quantiles && operators.has(Op::tanh) && width > 0.0; ++k) {
        const double knot = quantile(k, step_quantiles + 1);
        if (knot > last && knot < sorted.back()) {
            Tape step = {Node::constant(1.0 / width), Node::input(input), Node::function(Op::mul),
                         Node::constant(sign * knot / width), Node::function(minus)};
            add_factor(apply(std::move(step), Op::tanh), input, false, rows);
            last = knot;
        }
    }
}

std::vector<int> TermLibrary::ranked_inputs(std::span<const double> target) const {
    std::vector<double> centred(target.begin(), target.end());
    standardise(centred);
    std::vector<double> best(static_cast<std::size_t>(inputs_), -1.0);
    for (std::size_t f = 1; f < factors_.size() && !options_.stop.stopped(); ++f) {
        std::vector<double> values = values_[f];
        const Scaling scaling = standardise(values);
        if (scaling.scale > 0.0 && scaling.peak <= options_.max_deviations) {
            double& score = best[static_cast<std::size_t>(factors_[f].input)];
            score = std::max(score, std::abs(dot(values.data(), centred.data(), rows_)));
        }
    }
    std::vector<int> order(best.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
        return best[static_cast<std::size_t>(a)] > best[static_cast<std::size_t>(b)];
    });
    return order;
}

std::vector<Term> TermLibrary::combine(std::span<const double> target) const {
    std::vector<Term> terms;
    const auto offer = [&](std::size_t a, std::size_t b) {
        terms.push_back({{static_cast<std::int32_t>(a), static_cast<std::int32_t>(b)},
                         2 + factors_[a].nodes + factors_[b].nodes});
    };
    for (std::size_t f = 1; f < factors_.size(); ++f) {
        offer(f, 0);
    }
    // Pairs: x*y, f(x)/y and 1/(x*y). Where all would be too many, those of the inputs that alone
    // tell most about the target.
    const std::size_t most_pairs = 4 * options_.max_terms;
    std::vector<std::vector<std::size_t>> of_input(static_cast<std::size_t>(inputs_));
    for (std::size_t f = 1; f < factors_.size(); ++f) {
        const bool plain = factors_[f].tape.size() == 1;
        const bool small = static_cast<int>(factors_[f].tape.size()) <= largest_numerator;
        if (plain || (small && !factors_[f].divides)) {
            of_input[static_cast<std::size_t>(factors_[f].input)].push_back(f);
        }
    }
    std::vector<std::size_t> members;
    std::size_t pairs = 0;
    for (const int input : ranked_inputs(target)) {
        const std::vector<std::size_t>& own = of_input[static_cast<std::size_t>(input)];
        std::vector<Term> fresh;
        std::swap(fresh, terms);
        for (const std::size_t a : own) {
            for (const std::size_t b : members) {
                const bool both_plain =
                    factors_[a].tape.size() == 1 && factors_[b].tape.size() == 1;
                const bool ratio = (factors_[a].divides || factors_[b].divides);
                if (both_plain || ratio) {
                    offer(a, b);
                }
            }
        }
        std::swap(fresh, terms);
        if (pairs + fresh.size() > most_pairs) {
            break;
        }
        pairs += fresh.size();
        terms.insert(terms.end(), fresh.begin(), fresh.end());
        members.insert(members.end(), own.begin(), own.end());
    }
    std::stable_sort(terms.begin(), terms.end(),
                     [](const Term& a, const Term& b) { return a.nodes < b.nodes; });
    return terms;
}

void TermLibrary::evaluate_terms(const std::vector<Term>& candidates) {
    // Equal terms have equal projections on any direction: only neighbours there are compared.
    Random random(1, 0);
    std::vector<double> direction(rows_);
    for (double& value : direction) {
        value = random.normal();
    }
    const auto count = static_cast<double>(rows_);
    const double window = 4.0 * std::sqrt(2.0 * count * same_correlation);
    std::multimap<double, std::size_t> projections;
    std::vector<double> values(rows_);
    for (const Term& term : candidates) {
        if (terms_.size() == options_.max_terms || options_.stop.stopped()) {
            break;
        }
        const auto& a = values_[static_cast<std::size_t>(term.factors[0])];
        const auto& b = values_[static_cast<std::size_t>(term.factors[1])];
        for (std::size_t i = 0; i < rows_; ++i) {
            values[i] = a[i] * b[i];
        }
        const Scaling scaling = standardise(values);
        if (!(scaling.scale > 0.0) || !std::isfinite(scaling.scale) ||
            scaling.peak > options_.max_deviations) {
            continue;
        }
        const double projection = std::abs(dot(values.data(), direction.data(), rows_));
        bool known = false;
        for (auto near = projections.lower_bound(projection - window);
             near != projections.end() && near->first <= projection + window && !known; ++near) {
            const double correlation = dot(values.data(), column(near->second), rows_) / count;
            known = 1.0 - std::abs(correlation) < same_correlation;
        }
        if (known) {
            continue;
        }
        projections.emplace(projection, terms_.size());
        terms_.push_back(term);
        scales_.push_back(scaling.scale);
        means_.push_back(scaling.mean);
        columns_.insert(columns_.end(), values.begin(), values.end());
    }
}

TermLibrary::Grouping TermLibrary::group(std::span<const int> terms) const {
    Grouping result;
    result.nodes = 1;
    for (const int t : terms) {
        result.nodes += terms_[static_cast<std::size_t>(t)].nodes;
    }
    std::vector<int> left(terms.begin(), terms.end());
    std::vector<int> uses(factors_.size());
    for (;;) {
        // The factor whose sharing saves most; the first of equals.
        int most = 0;
        std::int32_t best = 0;
        std::fill(uses.begin(), uses.end(), 0);
        for (const int t : left) {
            for (const std::int32_t f : terms_[static_cast<std::size_t>(t)].factors) {
                if (f == 0) {
                    continue;
                }
                const int count = ++uses[static_cast<std::size_t>(f)];
                const int saved = (count - 1) * factors_[static_cast<std::size_t>(f)].nodes;
                if (saved > most || (saved == most && saved > 0 && f < best)) {
                    most = saved;
                    best = f;
                }
            }
        }
        if (most == 0) {
            break;
        }
        Group shared{best, {}};
        std::erase_if(left, [&](int t) {
            const auto& factors = terms_[static_cast<std::size_t>(t)].factors;
            const bool has = factors[0] == best || factors[1] == best;
            if (has) {
                shared.terms.push_back(t);
            }
            return has;
        });
        result.nodes -= most;
        result.groups.push_back(std::move(shared));
    }
    result.groups.push_back({0, std::move(left)});
    return result;
}

void TermLibrary::shared_nodes(const Grouping& grouping, std::span<int> saved) const {
    std::fill(saved.begin(), saved.end(), 0);
    const auto mark = [&](std::int32_t f) {
        saved[static_cast<std::size_t>(f)] = factors_[static_cast<std::size_t>(f)].nodes;
    };
    for (const Group& group : grouping.groups) {
        mark(group.factor);
        for (const int t : group.factor == 0 ? group.terms : std::vector<int>{}) {
            mark(terms_[static_cast<std::size_t>(t)].factors[0]);
            mark(terms_[static_cast<std::size_t>(t)].factors[1]);
        }
    }
}

Tape TermLibrary::sum(std::span<const int> terms, std::span<const double> coefficients,
                      double constant) const {
    const OpSet& operators = options_.operators;
    Tape tape = {Node::constant(constant)};
    const auto multiply = [&](std::int32_t f) {
        const Factor& factor = factors_[static_cast<std::size_t>(f)];
        if (f == 0) {
            return;
        }
        tape.insert(tape.end(), factor.tape.begin(), factor.tape.end());
        const bool invert = factor.divides && !operators.has(Op::div);
        if (invert) {
            tape.push_back(Node::function(Op::inv));
        }
        tape.push_back(Node::function(factor.divides && !invert ? Op::div : Op::mul));
    };
    for (const Group& group : group(terms).groups) {
        bool begun = group.factor == 0;  // those that share nothing are added one by one
        for (const int t : group.terms) {
            const auto place = std::find(terms.begin(), terms.end(), t) - terms.begin();
            tape.push_back(Node::constant(coefficients[static_cast<std::size_t>(place)]));
            const auto& factors = terms_[static_cast<std::size_t>(t)].factors;
            // Of a term that is the square of the shared factor, one stays.
            multiply(factors[0] == group.factor ? 0 : factors[0]);
            multiply(factors[1] == group.factor && factors[0] != group.factor ? 0 : factors[1]);
            if (begun) {
                tape.push_back(Node::function(Op::add));
            }
            begun = true;
        }
        if (group.factor != 0) {
            multiply(group.factor);
            tape.push_back(Node::function(Op::add));
        }
    }
    if (tape.size() > max_tape_size) {
        return {};
    }
    fix_sizes(tape);
    return emit(canonical(tape), operators);
}

}  // namespace closedform
