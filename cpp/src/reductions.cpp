#include "closedform/reductions.hpp"

#include <cmath>

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
