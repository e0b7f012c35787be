#include "expression/form_operators.hpp"

#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

#include "closedform/expression/operator_table.hpp"
#include "expression/form_builders.hpp"

namespace closedform {
namespace {

using Kind = Form::Kind;

constexpr double most_power = 24.0;  // written as a product

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

}  // namespace

Scaled power(Scaled s, int exponent) {
    ProductBuilder product;
    product.multiply(std::move(s), exponent);
    return std::move(product).finish();
}

Scaled apply_unary(Op op, Scaled a) {
    return op == Op::exp ? apply_exp(std::move(a)) : apply_function(op, std::move(a));
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

}  // namespace closedform
