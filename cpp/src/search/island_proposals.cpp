// What an island proposes, and what of it is worth a score.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "expression/structure_hash.hpp"
#include "search/island.hpp"
#include "search/linear_form.hpp"

namespace closedform {
namespace {

/// Whether it has one tree raised to another. Hardly a law is made of that, with towers of it
/// everything can be imitated, and exp(b*log(a)) is the same.
bool has_varying_exponent(const Tape& tape) {
    for (std::size_t i = 1; i < tape.size(); ++i) {
        if (tape[i].op == Op::pow && tape[i - 1].op != Op::constant &&
            tape[operands(tape, i).left].op != Op::constant) {
            return true;
        }
    }
    return false;
}

Tape joined(const std::vector<OpenForm>& parts) {
    std::vector<Tape> tapes;
    for (const OpenForm& part : parts) {
        tapes.push_back(part.sum.tape);
    }
    return join_parts(tapes);
}

}  // namespace

Tape Island::first_parts() {
    std::vector<Tape> parts;
    for (const Variation& variation : of_parts_) {
        const bool number = parts.size() < of_parts_.size() &&
                            problem_.whole->unknowns[parts.size()].arguments == 0;
        parts.push_back(number ? Tape{Node::constant(1.0)}
                               : variation.grow(random_, 1 + random_.below(options_.random_tree)));
    }
    return join_parts(parts);
}

const Candidate& Island::choose(std::size_t largest) {
    // A random size first: small and large structures get the same attention, and a large one is
    // a parent only for being the best of its size. Half of the time only sizes that are worth
    // their nodes count: those with something better than every smaller one has.
    const bool worth = random_.chance(options_.only_worth_their_size);
    std::array<std::size_t, max_tape_size + 1> filled{};
    std::size_t count = 0;
    double best = std::numeric_limits<double>::infinity();
    for (std::size_t size = 1; size < bins_.size() && (size <= largest || count == 0); ++size) {
        if (!bins_[size].empty() && (!worth || bins_[size].front().sample_loss < best)) {
            filled[count++] = size;
            best = std::min(best, bins_[size].front().sample_loss);
        }
    }
    const auto& bin = bins_[filled[random_.below(count)]];
    return bin[std::min(random_.below(bin.size()), random_.below(bin.size()))];
}

std::vector<Tape> Island::terms_for(const Candidate& parent, Joint joint) {
    std::vector<Tape> terms;
    const int most = options_.terms_tried * options_.draws_per_term;
    for (int i = 0; i < most && terms.size() < static_cast<std::size_t>(options_.terms_tried);
         ++i) {
        Tape term;
        // Where a term is worth something alone, whatever its factor, the population has good ones.
        if (problem_.sample->scale_free() && random_.chance(options_.term_from_population)) {
            const Tape& member = choose(max_size_ / 2).tape;
            term = subtree(member, random_.chance(options_.whole_member)
                                       ? member.size() - 1
                                       : random_.below(member.size()));
        } else {
            term = variation_.grow(random_, 1 + random_.below(options_.grown_term));
        }
        if (problem_.rules->restrain() && !conceivable(variation_.join(parent.tape, term, joint))) {
            continue;
        }
        terms.push_back(std::move(term));
    }
    return terms;
}

bool Island::conceivable(Tape joined) const {
    if (joined.size() > max_tape_size) {
        return true;  // what is too long is left later, and counted
    }
    fix_sizes(joined);
    return problem_.rules->conceivable(joined);
}

Tape Island::pursue(const Candidate& parent) {
    // Matching pursuit: of a few random terms, the one that takes most of what is left.
    constexpr std::array joints = {Joint::sum, Joint::exponent, Joint::product, Joint::quotient};
    const bool free = problem_.sample->scale_free();
    const Joint joint = free ? joints[random_.below(joints.size())] : Joint::sum;
    const std::vector<Tape> terms = terms_for(parent, joint);
    if (terms.empty()) {
        return parent.tape;
    }
    const std::vector<double> shares = scorer_->shares(parent.tape, terms, joint);
    count(terms.size() + 1);
    Tape best = {Node::constant(1.0)};
    double best_share = 0.0;
    for (std::size_t i = 0; i < terms.size(); ++i) {
        if (shares[i] > best_share) {
            best_share = shares[i];
            best = terms[i];
        }
    }
    return variation_.join(parent.tape, std::move(best), joint);
}

Tape Island::propose_parts() {
    if (std::all_of(bins_.begin(), bins_.end(), [](const auto& bin) { return bin.empty(); })) {
        return first_parts();
    }
    const Candidate& parent = choose(max_size_);
    std::vector<Tape> parts = parts_of(parent.tape);
    std::size_t k = random_.below(parts.size());
    while (problem_.whole->unknowns[k].arguments == 0) {  // one of them has some
        k = (k + 1) % parts.size();
    }
    Tape& part = parts[k];
    const Variation& variation = of_parts_[k];
    const double kind = random_.uniform();
    const double crossing = options_.mutation + options_.crossover;
    const double adding = crossing + options_.added_term;
    const double multiplying = adding + options_.factor;
    const double dividing = multiplying + options_.divisor;
    if (kind < options_.mutation) {
        part = variation.mutate(part, random_);
        if (random_.chance(options_.second_mutation) && part.size() <= max_tape_size) {
            fix_sizes(part);
            part = variation.mutate(part, random_);
        }
    } else if (kind < crossing) {
        // Another's part as a whole, or a piece of it.
        const Tape other = parts_of(choose(max_size_).tape)[k];
        part = random_.chance(options_.whole_member) ? other
                                                     : variation.crossover(part, other, random_);
    } else if (kind < multiplying) {
        const Joint joint = kind < adding ? Joint::sum : Joint::product;
        const Tape term = variation.grow(random_, 1 + random_.below(options_.grown_term));
        part = variation.join(part, term, joint);
    } else if (kind < dividing) {
        const Tape by = variation.grow(random_, 1 + random_.below(options_.divisor_tree));
        part = variation.divide(part, by, random_);
    } else {
        part = variation.shake(part, random_);
    }
    if (part.size() > max_tape_size) {
        return parent.tape;
    }
    fix_sizes(part);
    return join_parts(parts);
}

Tape Island::propose() {
    if (problem_.whole != nullptr) {
        return propose_parts();
    }
    if (!neighbours_.empty() && random_.chance(options_.neighbour_first)) {
        Tape next = std::move(neighbours_.back());
        neighbours_.pop_back();
        return next;
    }
    // Nothing tried so far is defined at every row.
    if (std::all_of(bins_.begin(), bins_.end(), [](const auto& bin) { return bin.empty(); })) {
        return variation_.grow(random_, 1 + random_.below(options_.grown_term));
    }
    const Candidate& parent = choose(max_size_);
    const double kind = random_.uniform();
    const double crossing = options_.mutation + options_.crossover;
    const double adding = crossing + options_.added_term;
    const double multiplying = adding + options_.factor;
    if (kind < options_.mutation) {
        Tape child = variation_.mutate(parent.tape, random_);
        if (random_.chance(options_.second_mutation) && child.size() <= max_tape_size) {
            fix_sizes(child);
            child = variation_.mutate(child, random_);
        }
        return child;
    }
    if (kind < crossing) {
        return variation_.crossover(parent.tape, choose(max_size_).tape, random_);
    }
    if (kind < adding) {
        return problem_.sample->scale_free() || random_.chance(options_.pursued_term)
                   ? pursue(parent)
                   : variation_.join(parent.tape, choose(max_size_ / 2).tape, Joint::sum);
    }
    if (kind < multiplying) {
        const Tape factor = random_.chance(options_.grown_factor)
                                ? variation_.grow(random_, 1 + random_.below(options_.factor_tree))
                                : choose(max_size_ / 2).tape;
        return variation_.join(parent.tape, factor, Joint::product);
    }
    if (kind < multiplying + options_.divisor) {
        return variation_.divide(parent.tape,
                                 variation_.grow(random_, 1 + random_.below(options_.divisor_tree)),
                                 random_);
    }
    return variation_.shake(parent.tape, random_);
}

OpenForm Island::opened(const Tape& tape, std::uint64_t& structure) const {
    const Objective& objective = *problem_.sample;
    const Scaled form = objective.representative(canonical(tape));
    if (!std::isfinite(form.scale)) {
        return {};
    }
    structure = skeleton(form);
    OpenForm open = open_form(tape, form, problem_.operators, objective, constant_terms_);
    // What is laid open may be more than the formula may have: less of it then, at last nothing.
    if (constant_terms_ && !problem_.rules->within_limits(open.sum.tape)) {
        open = open_form(tape, form, problem_.operators, objective, false);
    }
    if (!problem_.rules->within_limits(open.sum.tape) && uses_only(tape, problem_.operators)) {
        open = {{tape, {}}, false, constant_positions(tape).size()};
    }
    return open;
}

OpenForm Island::opened_parts(const Tape& tape, std::uint64_t& structure) const {
    // Each part's own: where it stands in the template decides whether they enter linearly, so all
    // are fitted by iteration.
    structure = skeleton(tape);
    const std::vector<Tape> parts = parts_of(tape);
    std::vector<OpenForm> open;
    for (const Tape& part : parts) {
        const Scaled form = canonical(part);
        if (!std::isfinite(form.scale)) {
            return {};
        }
        open.push_back(open_form(part, form, problem_.operators, *problem_.sample));
        if (open.back().sum.tape.empty()) {
            return {};
        }
    }
    if (!may_be(joined(open))) {
        close(parts, open);
    }
    OpenForm result;
    for (const OpenForm& own : open) {
        result.inner += own.inner;
    }
    result.sum.tape = joined(open);
    if (result.sum.tape.size() > max_tape_size) {
        return {};
    }
    return result;
}

void Island::close(const std::vector<Tape>& parts, std::vector<OpenForm>& open) const {
    // Of every part without a constant term, and as it is.
    std::vector<std::array<OpenForm, 3>> ways;
    for (std::size_t k = 0; k < parts.size(); ++k) {
        ways.push_back(
            {open[k],
             open_form(parts[k], canonical(parts[k]), problem_.operators, *problem_.sample, false),
             {{parts[k], {}}, false, constant_positions(parts[k]).size()}});
    }
    std::vector<std::size_t> chosen(parts.size(), 0);
    const auto take = [&](std::size_t k, std::size_t way) {
        const OpenForm& own = ways[k][way];
        if (own.sum.tape.empty() || !uses_only(own.sum.tape, problem_.operators)) {
            return false;
        }
        open[k] = own;
        chosen[k] = way;
        return may_be(joined(open));
    };
    bool allowed = false;
    for (std::size_t way = 1; way < 3 && !allowed; ++way) {
        for (std::size_t k = 0; k < parts.size() && !allowed; ++k) {
            allowed = take(k, way);
        }
    }
    // Not all that was closed on the way need be.
    for (std::size_t k = 0; k < parts.size() && allowed; ++k) {
        const std::size_t last = chosen[k];
        std::size_t way = 0;
        while (way < last && !take(k, way)) {
            ++way;
        }
        if (way == last) {
            take(k, last);
        }
    }
}

std::optional<ScoreTask> Island::prepared(Tape tape, Proposal& proposal) {
    if (tape.size() > max_tape_size) {
        return {};
    }
    if (problem_.whole == nullptr) {
        fix_sizes(tape);
    }
    const bool otherwise = problem_.operators.has(Op::exp) && problem_.operators.has(Op::log);
    if (otherwise && has_varying_exponent(tape) && !random_.chance(options_.varying_exponent)) {
        return {};
    }
    // Factors and terms that are pure numbers mend no units: what lacks more is left at once.
    if (problem_.rules->pure_constants() && !problem_.rules->conceivable(tape)) {
        return {};
    }
    const Objective& objective = *problem_.sample;
    std::uint64_t& structure = proposal.structure;
    OpenForm open =
        problem_.whole == nullptr ? opened(tape, structure) : opened_parts(tape, structure);
    if (open.sum.tape.empty()) {
        return {};
    }
    const std::size_t terms =
        problem_.whole == nullptr ? open.sum.linear.size() : of_parts_.size() + 1;
    const std::size_t open_size = problem_.rules->complexity(open.sum.tape);
    if (open_size > max_size_ + options_.excess_per_term * terms) {
        return {};
    }
    if (!problem_.rules->conceivable(open.sum.tape)) {
        return {};
    }
    // A fit of linear constants alone has one answer. One of nonlinear constants may end in the
    // wrong valley: such a structure may come back, with other constants, a few times.
    const std::size_t starts = 1 + options_.starts_per_constant * open.inner;
    std::uint32_t& visits = visits_[structure];
    // Where factors are solved for, a structure without inner constants costs a tenth of one with:
    // those get a share of the work, not all of it.
    proposal.dear = objective.scale_free() && open.inner > 0;
    if (visits >= starts || (proposal.dear && options_.inner_share * inner_passes_ > passes_)) {
        return {};
    }
    ++visits;
    FitOptions options = fit_options(options_.sample_iterations, options_.sample_tolerance);
    // What is worse than the worst of its size after a few steps is not worth more.
    const auto& rivals = bins_[std::min(open_size, bins_.size() - 1)];
    if (rivals.size() == options_.bin_capacity) {
        options.give_up_above = rivals.back().sample_loss;
    }
    return ScoreTask{{}, std::move(open), options};
}

}  // namespace closedform
