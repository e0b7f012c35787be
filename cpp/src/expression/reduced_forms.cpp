#include "expression/reduced_forms.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "closedform/expression/canonical_form.hpp"
#include "expression/expand_products.hpp"

namespace closedform {
namespace {

constexpr double nearly = 0.2;  // relative difference up to which two factors may be one

/// Calls visit for every sum in the form, outermost first.
template <class Visit>
void for_sums(Form& form, const Visit& visit) {
    if (form.kind == Form::Kind::sum) {
        visit(form);
    }
    for (Scaled& part : form.parts) {
        for_sums(part.form, visit);
    }
}

/// The b of b^2, or null.
const Form* squared(const Form& form) {
    const bool square =
        form.kind == Form::Kind::product && form.parts.size() == 1 && form.exponents[0] == 2;
    return square ? &form.parts[0].form : nullptr;
}

/// p*b^2 + q*b is p*(b + q/(2p))^2 less a constant. False where the sum has no such pair.
bool complete_a_square(Form& sum) {
    for (std::size_t i = 0; i < sum.parts.size(); ++i) {
        const Form* base = squared(sum.parts[i].form);
        for (std::size_t j = 0; base != nullptr && j < sum.parts.size(); ++j) {
            if (!same(*base, sum.parts[j].form)) {
                continue;
            }
            const double p = sum.parts[i].scale;
            const double q = sum.parts[j].scale;
            Form shifted;
            shifted.kind = Form::Kind::sum;
            shifted.offset = q / (2.0 * p);
            shifted.parts = {std::move(sum.parts[j])};
            shifted.parts[0].scale = 1.0;
            sum.parts[i].form.parts[0].form = std::move(shifted);
            sum.parts.erase(sum.parts.begin() + static_cast<std::ptrdiff_t>(j));
            sum.offset -= q * q / (4.0 * p);
            return true;
        }
    }
    return false;
}

/// a - a*cos(t) is 2a*sin(t/2)^2, and a + a*cos(t) is 2a*cos(t/2)^2, for a constant term and a term
/// that are equal but for rounding. False where the sum has no such pair.
bool halve_an_angle(Form& sum, const OpSet& allowed) {
    constexpr double rounding = 1e-9;
    for (Scaled& term : sum.parts) {
        if (term.form.kind != Form::Kind::function || term.form.op != Op::cos ||
            std::abs(std::abs(term.scale) - std::abs(sum.offset)) >
                rounding * std::abs(sum.offset) ||
            sum.offset == 0.0) {
            continue;
        }
        const bool opposite = (term.scale < 0.0) != (sum.offset < 0.0);
        if (opposite && !allowed.has(Op::sin)) {
            continue;
        }
        Form half = term.form;
        half.op = opposite ? Op::sin : Op::cos;
        half.parts[0].scale *= 0.5;
        Form square;
        square.kind = Form::Kind::product;
        square.parts = {{1.0, std::move(half)}};
        square.exponents = {2};
        term = {2.0 * sum.offset, std::move(square)};
        sum.offset = 0.0;
        return true;
    }
    return false;
}

/// sqrt(x^2) as x, and (x^2)^0.7 as x^1.4, which they are where x is positive. False where the form
/// is no such root.
bool without_square(Form& form) {
    const bool root = form.kind == Form::Kind::function && form.op == Op::sqrt;
    const bool power = form.kind == Form::Kind::function && form.op == Op::pow &&
                       form.parts[1].form.kind == Form::Kind::one;
    if (!(root || power) || form.parts[0].form.kind != Form::Kind::product ||
        form.parts[0].scale != 1.0) {
        return false;
    }
    Form& product = form.parts[0].form;
    if (!std::all_of(product.exponents.begin(), product.exponents.end(),
                     [](int e) { return e % 2 == 0; })) {
        return false;
    }
    for (int& exponent : product.exponents) {
        exponent /= 2;
    }
    if (power) {
        form.parts[1].scale *= 2.0;
    } else {
        form = Form(product);
    }
    return true;
}

/// Calls visit for every function in the form, outermost first.
template <class Visit>
void for_functions(Form& form, const Visit& visit) {
    if (form.kind == Form::Kind::function) {
        visit(form);
    }
    for (Scaled& part : form.parts) {
        for_functions(part.form, visit);
    }
}

}  // namespace

std::vector<Tape> reductions(const Tape& tape, const OpSet& allowed) {
    std::vector<Tape> smaller;
    const auto offer = [&](Tape candidate) {
        if (!candidate.empty() && candidate.size() < tape.size()) {
            smaller.push_back(std::move(candidate));
        }
    };
    for (const std::size_t position : constant_positions(tape)) {
        const double value = tape[position].value;
        for (const double neutral : {0.0, value < 0.0 ? -1.0 : 1.0}) {
            if (value != neutral) {
                Tape candidate = tape;
                candidate[position].value = neutral;
                offer(simplify(candidate, allowed));
            }
        }
    }
    Scaled form = canonical(tape);
    for_sums(form.form, [&](Form& sum) {
        // All at once: one completed square alone saves no node, several then share their factor.
        Form before = sum;
        while (complete_a_square(sum)) {
        }
        offer(simplify(emit(form, allowed), allowed));
        sum = before;
        if (halve_an_angle(sum, allowed)) {
            offer(simplify(emit(form, allowed), allowed));
        }
        sum = std::move(before);
        for (std::size_t i = 0; i < sum.parts.size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                const double a = sum.parts[i].scale;
                const double b = std::copysign(sum.parts[j].scale, a);
                if (a != b && std::abs(a - b) < nearly * std::abs(b)) {
                    sum.parts[i].scale = b;
                    offer(emit(form, allowed));
                    sum.parts[i].scale = a;
                }
            }
        }
    });
    for_functions(form.form, [&](Form& function) {
        Form before = function;
        if (without_square(function)) {
            offer(simplify(emit(form, allowed), allowed));
            function = std::move(before);
        }
    });
    if (const auto with_factors = factored(form)) {
        offer(simplify(emit(*with_factors, allowed), allowed));
    }
    for (const Scaled& expanded : expansions(form)) {
        if (Tape candidate = emit(expanded, allowed); !candidate.empty()) {
            offer(simplify(candidate, allowed));
        }
    }
    return smaller;
}

std::vector<Tape> without_addends(const Tape& tape, const OpSet& allowed) {
    std::vector<Tape> smaller;
    Scaled form = canonical(tape);
    for_sums(form.form, [&](Form& sum) {
        for (Scaled& part : sum.parts) {
            // A zero in its place: the sum may have nothing else but its constant term.
            Scaled addend = std::exchange(part, {0.0, Form{}});
            Tape candidate = simplify(emit(form, allowed), allowed);
            if (!candidate.empty() && candidate.size() < tape.size()) {
                smaller.push_back(std::move(candidate));
            }
            part = std::move(addend);
        }
    });
    return smaller;
}

std::vector<Tape> of_parts(Reductions reductions, const Tape& tape, const OpSet& allowed) {
    if (tape.back().size == tape.size()) {
        return reductions(tape, allowed);
    }
    std::vector<Tape> smaller;
    std::vector<Tape> parts = parts_of(tape);
    for (Tape& part : parts) {
        const Tape before = part;
        for (Tape& reduced : reductions(before, allowed)) {
            part = std::move(reduced);
            smaller.push_back(join_parts(parts));
        }
        part = before;
    }
    return smaller;
}

}  // namespace closedform
