#include "closedform/reductions.hpp"

#include <cmath>
#include <utility>

#include "closedform/simplify.hpp"

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

/// p*b^2 + q*b is p*(b + q/(2p))^2 less a constant: part `i` of the sum holds b^2, part `j` b.
Form completed_square(const Form& sum, std::size_t i, std::size_t j) {
    const double p = sum.parts[i].scale;
    const double q = sum.parts[j].scale;
    Form shifted;
    shifted.kind = Form::Kind::sum;
    shifted.offset = q / (2.0 * p);
    shifted.parts = {{1.0, sum.parts[j].form}};
    Form square;
    square.kind = Form::Kind::product;
    square.parts = {{1.0, std::move(shifted)}};
    square.exponents = {2};
    Form result = sum;
    result.parts[i].form = std::move(square);
    result.parts.erase(result.parts.begin() + static_cast<std::ptrdiff_t>(j));
    result.offset -= q * q / (4.0 * p);
    return result;
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
        for (std::size_t i = 0; i < sum.parts.size(); ++i) {
            const Form* base = squared(sum.parts[i].form);
            for (std::size_t j = 0; base != nullptr && j < sum.parts.size(); ++j) {
                if (same(*base, sum.parts[j].form)) {
                    Form before = completed_square(sum, i, j);
                    std::swap(sum, before);
                    offer(simplify(emit(form, allowed), allowed));
                    std::swap(sum, before);
                    break;
                }
            }
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
    return smaller;
}

}  // namespace closedform
