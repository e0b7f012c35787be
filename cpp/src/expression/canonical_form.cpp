#include "closedform/expression/canonical_form.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <optional>
#include <utility>

#include "closedform/expression/operator_table.hpp"

namespace closedform {
namespace {

using Kind = Form::Kind;

constexpr int most_exponent = 1000;  // of what is raised to a power once more
constexpr double most_power = 24.0;  // written as a product

template <class T>
int order(const T& a, const T& b) {
    return a < b ? -1 : (b < a ? 1 : 0);
}

int compare(const Scaled& a, const Scaled& b);

/// A total order on forms: the order in which terms and factors are written.
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

bool is_number(const Scaled& s) { return s.form.kind == Kind::one; }

class SumBuilder {
  public:
    void add(double weight, Scaled s) {
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

    Scaled finish() && {
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

  private:
    void add_term(double scale, Form form) {
        for (Scaled& term : terms_) {
            if (compare(term.form, form) == 0) {
                term.scale += scale;
                return;
            }
        }
        terms_.push_back({scale, std::move(form)});
    }

    double offset_ = 0.0;
    std::vector<Scaled> terms_;
};

Form function_form(Op op, Scaled operand) {
    Form form;
    form.kind = Kind::function;
    form.op = op;
    form.parts.push_back(std::move(operand));
    return form;
}

class ProductBuilder {
  public:
    void multiply(Scaled s, int exponent) {
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

    Scaled finish() && {
        Scaled argument = std::move(exp_argument_).finish();
        if (is_number(argument)) {
            scale_ *= std::exp(argument.scale);
        } else {
            // exp(c + t) = exp(c) exp(t), kept together where exp(c) would overflow.
            if (argument.form.kind == Kind::sum) {
                const double constant = argument.scale * argument.form.offset;
                if (constant != 0.0 && std::abs(constant) < 50.0) {
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

  private:
    void multiply_base(Form base, int exponent) {
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

    /// (x**0.3)**2 as x**0.6; not where the exponent becomes one that negative bases have.
    static void raise(Form& base, int& exponent) {
        if (base.kind != Kind::function || base.op != Op::pow || !is_number(base.parts[1])) {
            return;
        }
        const double all = base.parts[1].scale * exponent;
        if (!is_structure(all)) {
            base.parts[1].scale = all;
            exponent = 1;
        }
    }

    std::size_t push(Form base, int exponent) {
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

    double scale_ = 1.0;
    SumBuilder exp_argument_;
    std::vector<Form> bases_;
    std::vector<int> exponents_;
};

Scaled power(Scaled s, int exponent) {
    ProductBuilder product;
    product.multiply(std::move(s), exponent);
    return std::move(product).finish();
}

/// log and log10.
Scaled logarithm(Op op, Scaled a) {
    const double magnitude = std::abs(a.scale);
    SumBuilder sum;
    if (!(a.scale < 0.0) && a.form.kind == Kind::function && a.form.op == Op::exp) {
        sum.add(op == Op::log10 ? std::numbers::log10e : 1.0, std::move(a.form.parts[0]));
    } else {
        a.scale = a.scale < 0.0 ? -1.0 : 1.0;
        sum.add(1.0, {1.0, function_form(op, std::move(a))});
    }
    sum.add(1.0, number(facts(op).library(magnitude, 0.0)));
    return std::move(sum).finish();
}

/// Whatever is not a power of its operand.
Scaled apply_function(Op op, Scaled a) {
    if (is_number(a) && op < first_own_op) {
        return number(facts(op).library(a.scale, 0.0));
    }
    const double magnitude = std::abs(a.scale);
    const double sign = a.scale < 0.0 ? -1.0 : 1.0;
    if (op == Op::abs) {
        if (a.form.kind == Kind::function && a.form.op == Op::abs) {
            return {magnitude, std::move(a.form)};
        }
        a.scale = 1.0;
        return {magnitude, function_form(op, std::move(a))};
    }
    if (op == Op::sqrt) {
        a.scale = sign;
        const bool alone = a.form.kind == Kind::product && a.form.parts.size() == 1;
        const int exponent = alone ? a.form.exponents[0] : 0;
        if (sign > 0.0 && exponent > 0 && exponent % 2 != 0) {  // sqrt(x**3) is x*sqrt(x)
            const Scaled base = a.form.parts[0];
            ProductBuilder product;
            product.multiply(base, exponent / 2);
            product.multiply({1.0, function_form(op, base)}, 1);
            Scaled result = std::move(product).finish();
            result.scale *= std::sqrt(magnitude);
            return result;
        }
        return {std::sqrt(magnitude), function_form(op, std::move(a))};
    }
    if (op == Op::sign && std::isfinite(a.scale)) {
        a.scale = 1.0;
        return {sign, function_form(op, std::move(a))};
    }
    if (op == Op::log || op == Op::log10) {
        return logarithm(op, std::move(a));
    }
    const Parity parity = facts(op).parity;
    if (parity != Parity::none) {
        a.scale = magnitude;
    }
    return {parity == Parity::odd ? sign : 1.0, function_form(op, std::move(a))};
}

Scaled binary_form(Op op, Scaled a, Scaled b) {
    Form form = function_form(op, std::move(a));
    form.parts.push_back(std::move(b));
    return {1.0, std::move(form)};
}

Scaled apply_exp(Scaled a) {
    ProductBuilder product;
    product.multiply({1.0, function_form(Op::exp, std::move(a))}, 1);
    return std::move(product).finish();
}

/// base**by, times the positive scale of what it is the form of.
struct Raised {
    Scaled base;
    double by = 1.0;
};

bool whole(double value) { return value == std::round(value); }

/// What is a power that is not defined, or not real, where its base is negative, or as negative as
/// it: another power of it is one of the base, as long as that is no whole one.
std::optional<Raised> raised(const Scaled& s) {
    const Form& form = s.form;
    if (!(s.scale > 0.0)) {
        return {};
    }
    if (form.kind == Kind::product && form.parts.size() == 1 && form.exponents[0] % 2 != 0) {
        return Raised{form.parts[0], static_cast<double>(form.exponents[0])};
    }
    if (form.kind == Kind::function && form.op == Op::sqrt) {
        return Raised{form.parts[0], 0.5};
    }
    if (form.kind == Kind::function && form.op == Op::pow && is_number(form.parts[1])) {
        return Raised{form.parts[0], form.parts[1].scale};
    }
    return {};
}

Scaled apply_pow(Scaled base, Scaled exponent) {
    if (is_number(exponent)) {
        const double value = exponent.scale;
        if (is_number(base)) {
            return number(std::pow(base.scale, value));
        }
        // Whole and half exponents as products with roots, so that x**1.5 and x*sqrt(x) are one.
        if (is_structure(value) && std::abs(value) <= most_power &&
            std::isnormal(std::pow(std::abs(base.scale), value))) {
            const int whole = static_cast<int>(value);
            const int halves = static_cast<int>(2.0 * value) - 2 * whole;
            ProductBuilder product;
            if (halves != 0) {
                product.multiply(apply_function(Op::sqrt, base), halves);
            }
            product.multiply(std::move(base), whole);
            return std::move(product).finish();
        }
        if (base.scale == 1.0 && base.form.kind == Kind::function && base.form.op == Op::exp) {
            Scaled argument = std::move(base.form.parts[0]);
            argument.scale *= value;
            return apply_exp(std::move(argument));
        }
        if (const std::optional<Raised> inner = raised(base); inner && !whole(inner->by * value)) {
            Scaled result = apply_pow(inner->base, number(inner->by * value));
            result.scale *= std::pow(base.scale, value);
            return result;
        }
        if (base.scale > 0.0 && base.scale != 1.0) {
            const double scale = std::pow(base.scale, value);
            base.scale = 1.0;
            Scaled result = binary_form(Op::pow, std::move(base), std::move(exponent));
            result.scale = scale;
            return result;
        }
    }
    if (is_number(base) && std::isnormal(base.scale) && base.scale > 0.0) {
        exponent.scale *= std::log(base.scale);
        return exponent.scale == 0.0 ? number(1.0) : apply_exp(std::move(exponent));
    }
    return binary_form(Op::pow, std::move(base), std::move(exponent));
}

Scaled apply_extremum(Op op, Scaled a, Scaled b) {
    if (compare(a, b) == 0) {
        return a;
    }
    return compare(a, b) < 0 ? binary_form(op, std::move(a), std::move(b))
                             : binary_form(op, std::move(b), std::move(a));
}

/// 2*x > 3 is x > 1.5.
Scaled apply_comparison(Op op, Scaled a, Scaled b) {
    if (compare(a, b) == 0) {
        return number(0.0);
    }
    const double factor = std::abs(is_number(a) ? b.scale : a.scale);
    const double left = a.scale / factor;
    const double right = b.scale / factor;
    if (std::isfinite(left) && std::isfinite(right)) {
        a.scale = left;
        b.scale = right;
    }
    return binary_form(op, std::move(a), std::move(b));
}

Scaled apply_binary(Op op, Scaled a, Scaled b) {
    if (op == Op::max || op == Op::min || op == Op::greater) {
        if (is_number(a) && is_number(b)) {
            return number(facts(op).library(a.scale, b.scale));
        }
        return op == Op::greater ? apply_comparison(op, std::move(a), std::move(b))
                                 : apply_extremum(op, std::move(a), std::move(b));
    }
    if (op == Op::pow) {
        return apply_pow(std::move(a), std::move(b));
    }
    if (op >= first_own_op) {
        return binary_form(op, std::move(a), std::move(b));
    }
    if (op == Op::add || op == Op::sub) {
        SumBuilder sum;
        sum.add(1.0, std::move(a));
        sum.add(op == Op::add ? 1.0 : -1.0, std::move(b));
        return std::move(sum).finish();
    }
    ProductBuilder product;
    product.multiply(std::move(a), 1);
    product.multiply(std::move(b), op == Op::mul ? 1 : -1);
    return std::move(product).finish();
}

Scaled canonical_subtree(const Tape& tape, std::size_t root) {
    const Node& node = tape[root];
    if (node.op == Op::constant) {
        return number(node.value);
    }
    if (node.op == Op::variable) {
        Form form;
        form.kind = Kind::variable;
        form.column = node.variable;
        return {1.0, std::move(form)};
    }
    if (arity(node.op) == 2) {
        const auto [left, right] = operands(tape, root);
        Scaled a = canonical_subtree(tape, left);
        return apply_binary(node.op, std::move(a), canonical_subtree(tape, right));
    }
    Scaled operand = canonical_subtree(tape, root - 1);
    if (const int exponent = facts(node.op).power; exponent != 0) {
        return power(std::move(operand), exponent);
    }
    return node.op == Op::exp ? apply_exp(std::move(operand))
                              : apply_function(node.op, std::move(operand));
}

/// The factors of exp(sum): what stands under a logarithm gets the term's coefficient as exponent.
class Exponential {
  public:
    Exponential(double tolerance, bool powers) : tolerance_(tolerance), powers_(powers) {}

    void add(double weight, Form form) {
        const bool natural = form.kind == Kind::function && form.op == Op::log;
        const bool decadic = form.kind == Kind::function && form.op == Op::log10;
        const double exponent = decadic ? weight * std::numbers::log10e : weight;
        if ((natural || decadic) && raised(form.parts[0], exponent)) {
            return;
        }
        rest_.add(weight, {1.0, std::move(form)});
    }

    void add_constant(double value) { rest_.add(1.0, number(value)); }

    Scaled finish() && {
        product_.multiply({1.0, function_form(Op::exp, std::move(rest_).finish())}, 1);
        return std::move(product_).finish();
    }

  private:
    bool raised(const Scaled& base, double exponent) {
        constexpr double most_halves = 24.0;
        const double halves = std::round(2.0 * exponent);
        if (std::abs(2.0 * exponent - halves) <= 2.0 * tolerance_ && halves != 0.0 &&
            std::abs(halves) <= most_halves) {
            const int whole = static_cast<int>(halves) / 2;
            product_.multiply(base, whole);
            if (const int odd = static_cast<int>(halves) % 2; odd != 0) {
                product_.multiply(apply_function(Op::sqrt, base), odd);
            }
            return true;
        }
        if (powers_) {
            product_.multiply(apply_pow(base, number(exponent)), 1);
        }
        return powers_;
    }

    double tolerance_;
    bool powers_;
    SumBuilder rest_;
    ProductBuilder product_;
};

}  // namespace

Scaled exponential(Scaled argument, double tolerance, bool powers) {
    Exponential factors(tolerance, powers);
    if (argument.form.kind == Kind::sum) {
        factors.add_constant(argument.scale * argument.form.offset);
        for (Scaled& term : argument.form.parts) {
            factors.add(argument.scale * term.scale, std::move(term.form));
        }
    } else if (is_number(argument)) {
        factors.add_constant(argument.scale);
    } else {
        factors.add(argument.scale, std::move(argument.form));
    }
    return std::move(factors).finish();
}

bool same(const Form& a, const Form& b) { return compare(a, b) == 0; }

Scaled canonical(const Tape& tape) { return canonical_subtree(tape, tape.size() - 1); }

Tape simplify(const Tape& tape, const OpSet& allowed) {
    if (tape.empty()) {
        return tape;
    }
    // Empty, too, for an undefined constant, such as log(-1): left as it was written.
    Tape shorter = emit(canonical(tape), allowed);
    // x^3 is one node fewer than x*x^2, but no answer where only the square is allowed.
    const bool longer = uses_only(tape, allowed) && shorter.size() > tape.size();
    return shorter.empty() || longer ? tape : shorter;
}

}  // namespace closedform
