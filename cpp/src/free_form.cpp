#include "closedform/free_form.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <utility>

namespace closedform {
namespace {

using Kind = Form::Kind;

bool increases(Op op) {
    return op == Op::exp || op == Op::log || op == Op::sqrt || op == Op::tan || op == Op::tanh;
}

/// Replaces `form` by a part of itself.
void descend(Scaled& form, double sign) {
    Scaled inner = std::move(form.form.parts.front());
    inner.scale *= sign;
    form = std::move(inner);
}

/// Common odd powers and the reciprocal of a product. True when a single factor is left.
bool strip_powers(Scaled& form) {
    auto& exponents = form.form.exponents;
    int common = 0;
    int positive = 0;
    for (const int exponent : exponents) {
        common = std::gcd(common, std::abs(exponent));
        positive += exponent > 0 ? 1 : -1;
    }
    while (common % 2 == 0) {
        common /= 2;
    }
    // Of z and 1/z the one with more factors above the bar.
    const bool invert = positive < 0 || (positive == 0 && exponents.front() < 0);
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
            if (increases(form.form.op) || power) {
                const bool falls = power && form.form.parts.back().scale < 0.0;
                descend(form, falls ? -outer : outer);
                continue;
            }
        } else if (form.form.kind == Kind::product && strip_powers(form)) {
            descend(form, form.scale);
            continue;
        }
        form.scale = sign ? form.scale : 1.0;
        return form;
    }
}

}  // namespace closedform
