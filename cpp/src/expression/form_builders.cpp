#include "expression/form_builders.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace closedform {
namespace {

using Kind = Form::Kind;

constexpr int most_exponent = 1000;        // of what is raised to a power once more
constexpr double most_exponential = 50.0;  // of what is taken out of an exponential

template <class T>
int order(const T& a, const T& b) {
    return a < b ? -1 : (b < a ? 1 : 0);
}

/// (x**0.3)**2 as x**0.6; not where the exponent becomes one that negative bases have.
void raise(Form& base, int& exponent) {
    if (base.kind != Kind::function || base.op != Op::pow || !is_number(base.parts[1])) {
        return;
    }
    const double all = base.parts[1].scale * exponent;
    if (!is_structure(all)) {
        base.parts[1].scale = all;
        exponent = 1;
    }
}

}  // namespace

int compare(const Form& a, const Form& b) {
    int result = order(a.kind, b.kind);
    if (result == 0) {
        result = order(a.column, b.column);
    }
    if (result == 0) {
        result = order(a.op, b.op);
    }
    if (result == 0) {
        result = order(a.parts.size(), b.parts.size());
    }
    for (std::size_t i = 0; result == 0 && i < a.parts.size(); ++i) {
        result = compare(a.parts[i], b.parts[i]);
    }
    for (std::size_t i = 0; result == 0 && i < a.exponents.size(); ++i) {
        result = order(a.exponents[i], b.exponents[i]);
    }
    return result != 0 ? result : order(a.offset, b.offset);
}

int compare(const Scaled& a, const Scaled& b) {
    const int result = compare(a.form, b.form);
    return result != 0 ? result : order(a.scale, b.scale);
}

Scaled number(double value) { return {value, Form{}}; }

bool is_number(const Scaled& s) { return s.form.kind == Form::Kind::one; }

Form function_form(Op op, Scaled operand) {
    Form form;
    form.kind = Kind::function;
    form.op = op;
    form.parts.push_back(std::move(operand));
    return form;
}

void SumBuilder::add(double weight, Scaled s) {
    const double scale = weight * s.scale;
    switch (s.form.kind) {
        case Kind::one:
            offset_ += scale;
            break;
        case Kind::sum:
            offset_ += scale * s.form.offset;
            for (Scaled& term : s.form.parts) {
                add_term(scale * term.scale, std::move(term.form));
            }
            break;
        default:
            add_term(scale, std::move(s.form));
    }
}

Scaled SumBuilder::finish() && {
    std::erase_if(terms_, [](const Scaled& term) { return term.scale == 0.0; });
    if (terms_.empty()) {
        return number(offset_);
    }
    if (terms_.size() == 1 && offset_ == 0.0) {
        return std::move(terms_.front());
    }
    std::sort(terms_.begin(), terms_.end(),
              [](const Scaled& a, const Scaled& b) { return compare(a.form, b.form) < 0; });
    const double scale = terms_.front().scale;
    for (Scaled& term : terms_) {
        term.scale /= scale;
    }
    Form sum;
    sum.kind = Kind::sum;
    sum.offset = offset_ / scale;
    sum.parts = std::move(terms_);
    return {scale, std::move(sum)};
}

void SumBuilder::add_term(double scale, Form form) {
    for (Scaled& term : terms_) {
        if (compare(term.form, form) == 0) {
            term.scale += scale;
            return;
        }
    }
    terms_.push_back({scale, std::move(form)});
}

void ProductBuilder::multiply(Scaled s, int exponent) {
    scale_ *= exponent == 1 ? s.scale : std::pow(s.scale, exponent);
    switch (s.form.kind) {
        case Kind::one:
            break;
        case Kind::product:
            // A tower of powers stays one before its exponent overflows.
            if (std::any_of(s.form.exponents.begin(), s.form.exponents.end(),
                            [](int e) { return std::abs(e) > most_exponent; })) {
                multiply_base(std::move(s.form), exponent);
                break;
            }
            for (std::size_t i = 0; i < s.form.parts.size(); ++i) {
                multiply_base(std::move(s.form.parts[i].form), s.form.exponents[i] * exponent);
            }
            break;
        default:
            multiply_base(std::move(s.form), exponent);
    }
}

Scaled ProductBuilder::finish() && {
    finish_exponential();
    if (scale_ == 0.0) {
        return number(0.0);
    }
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < bases_.size(); ++i) {
        if (exponents_[i] != 0) {
            raise(bases_[i], exponents_[i]);
            kept.push_back(i);
        }
    }
    if (kept.empty()) {
        return number(scale_);
    }
    if (kept.size() == 1 && exponents_[kept[0]] == 1) {
        return {scale_, std::move(bases_[kept[0]])};
    }
    std::sort(kept.begin(), kept.end(),
              [&](std::size_t a, std::size_t b) { return compare(bases_[a], bases_[b]) < 0; });
    Form product;
    product.kind = Kind::product;
    for (const std::size_t i : kept) {
        product.parts.push_back({1.0, std::move(bases_[i])});
        product.exponents.push_back(exponents_[i]);
    }
    return {scale_, std::move(product)};
}

/// exp(c + t) = exp(c) exp(t), kept together where exp(c) would overflow.
void ProductBuilder::finish_exponential() {
    Scaled argument = std::move(exp_argument_).finish();
    if (is_number(argument)) {
        scale_ *= std::exp(argument.scale);
        return;
    }
    if (argument.form.kind == Kind::sum) {
        const double constant = argument.scale * argument.form.offset;
        if (constant != 0.0 && std::abs(constant) < most_exponential) {
            scale_ *= std::exp(constant);
            SumBuilder rest;
            rest.add(1.0, std::move(argument));
            rest.add(-1.0, number(constant));
            argument = std::move(rest).finish();
            if (argument.form.kind == Kind::sum) {
                argument.form.offset = 0.0;  // exactly, whatever the rounding was
                if (argument.form.parts.size() == 1) {
                    argument = {argument.scale * argument.form.parts[0].scale,
                                Form(argument.form.parts[0].form)};
                }
            }
        }
    }
    // The sign goes into the exponent: y*exp(-t) is written y/exp(t).
    const int exponent = argument.scale < 0.0 ? -1 : 1;
    argument.scale = std::abs(argument.scale);
    push(function_form(Op::exp, std::move(argument)), exponent);
}

void ProductBuilder::multiply_base(Form base, int exponent) {
    if (base.kind == Kind::function && base.op == Op::exp) {
        exp_argument_.add(exponent, std::move(base.parts[0]));
        return;
    }
    if (base.kind == Kind::function && base.op == Op::sqrt) {
        const std::size_t at = push(std::move(base), exponent);
        const int whole = exponents_[at] / 2;
        if (whole != 0) {
            exponents_[at] -= 2 * whole;
            multiply(Scaled(bases_[at].parts[0]), whole);
        }
        return;
    }
    push(std::move(base), exponent);
}

std::size_t ProductBuilder::push(Form base, int exponent) {
    for (std::size_t i = 0; i < bases_.size(); ++i) {
        if (compare(bases_[i], base) == 0) {
            exponents_[i] += exponent;
            return i;
        }
    }
    bases_.push_back(std::move(base));
    exponents_.push_back(exponent);
    return bases_.size() - 1;
}

}  // namespace closedform
