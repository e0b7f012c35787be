#include "objective/direction_invariants.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <utility>

#include "closedform/expression/operator_table.hpp"

namespace closedform {
namespace {

using Kind = Form::Kind;

/// Replaces `form` by a part of itself.
void descend(Scaled& form, double sign) {
    Scaled inner = std::move(form.form.parts.front());
    inner.scale *= sign;
    form = std::move(inner);
}

/// Divides the factors of a sum, and its constant term, by a positive number.
void divide(Form& sum, double by) {
    for (Scaled& term : sum.parts) {
        term.scale /= by;
    }
    sum.offset /= by;
}

/// The sums in a free form that have a factor of their own which does not matter.
std::vector<Form*> free_sums(Form& form) {
    std::vector<Form*> sums;
    if (form.kind == Kind::sum) {
        sums.push_back(&form);
    } else if (form.kind == Kind::product) {
        for (Scaled& base : form.parts) {
            if (base.form.kind == Kind::sum) {
                sums.push_back(&base.form);
            }
        }
    }
    return sums;
}

/// The size of factor that most terms of a sum have; the first of those.
double commonest(const Form& sum) {
    double result = 1.0;
    std::ptrdiff_t most = 0;
    for (const Scaled& term : sum.parts) {
        const double size = std::abs(term.scale);
        const auto shared =
            std::count_if(sum.parts.begin(), sum.parts.end(),
                          [&](const Scaled& other) { return std::abs(other.scale) == size; });
        if (shared > most) {
            most = shared;
            result = size;
        }
    }
    return result;
}

/// Common odd powers and the reciprocal of a product. True when a single factor is left.
bool strip_powers(Scaled& form, bool sign) {
    auto& exponents = form.form.exponents;
    int common = 0;
    int positive = 0;
    for (const int exponent : exponents) {
        common = std::gcd(common, std::abs(exponent));
        positive += exponent > 0 ? 1 : 0;
    }
    while (common % 2 == 0) {
        common /= 2;
    }
    const int negative = static_cast<int>(exponents.size()) - positive;
    // 1/z falls where z increases. Of z and 1/z the one with more factors above the bar, but of
    // fractions the one without a sign.
    const bool fraction = positive > 0 && negative > 0;
    const bool invert =
        fraction && sign ? form.scale < 0.0
                         : positive < negative || (positive == negative && exponents.front() < 0);
    for (int& exponent : exponents) {
        exponent /= invert ? -common : common;
    }
    form.scale = invert ? -form.scale : form.scale;
    return exponents.size() == 1 && exponents.front() == 1;
}

}  // namespace

Scaled free_form(Scaled form, bool sign) {
    for (;;) {
        if (form.form.kind == Kind::one || !std::isfinite(form.scale)) {
            return form;
        }
        const double outer = std::copysign(1.0, form.scale);
        form.scale = outer;
        if (form.form.kind == Kind::sum) {
            form.form.offset = 0.0;
            if (form.form.parts.size() == 1) {
                descend(form, outer);
                continue;
            }
        } else if (form.form.kind == Kind::function) {
            const bool power =
                form.form.op == Op::pow && form.form.parts.back().form.kind == Kind::one;
            if (facts(form.form.op).increasing || power) {
                const bool falls = power && form.form.parts.back().scale < 0.0;
                descend(form, falls ? -outer : outer);
                continue;
            }
        } else if (form.form.kind == Kind::product && strip_powers(form, sign)) {
            descend(form, form.scale);
            continue;
        }
        form.scale = sign ? form.scale : 1.0;
        for (Form* sum : free_sums(form.form)) {
            divide(*sum, commonest(*sum));
        }
        return form;
    }
}

Scaled without_even(Scaled form) {
    if (form.form.kind == Kind::function && form.form.op == Op::abs) {
        descend(form, 1.0);
    } else if (form.form.kind == Kind::product) {
        auto& exponents = form.form.exponents;
        const auto odd = [](int exponent) { return exponent % 2 != 0; };
        while (std::none_of(exponents.begin(), exponents.end(), odd)) {
            for (int& exponent : exponents) {
                exponent /= 2;
            }
        }
    }
    return form;
}

Scaled bare_form(Scaled form) {
    for (;;) {
        form = without_even(free_form(std::move(form), false));
        const bool power = form.form.kind == Kind::product && form.form.parts.size() == 1;
        const bool function = form.form.kind == Kind::function && form.form.parts.size() == 1;
        if (!power && !function) {
            // What without_even leaves of a product may have a factor of its own.
            return free_form(std::move(form), false);
        }
        descend(form, 1.0);
    }
}

std::vector<Scaled> normalisations(const Scaled& form) {
    std::vector<Scaled> result = {form};
    Scaled other = form;
    for (Form* sum : free_sums(other.form)) {
        const Form before = *sum;
        for (const Scaled& term : before.parts) {
            if (std::abs(term.scale) != 1.0) {
                divide(*sum, std::abs(term.scale));
                result.push_back(other);
                *sum = before;
            }
        }
    }
    return result;
}

}  // namespace closedform
