// From a canonical form back to a tape: the inverse of canonical() in canonical_form.cpp.

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "closedform/expression/canonical_form.hpp"

namespace closedform {
namespace {

using Kind = Form::Kind;

class Emitter {
  public:
    explicit Emitter(const OpSet& allowed) : allowed_(allowed) {}

    /// What was written; empty where it took an operator that is not allowed, too many nodes, or a
    /// constant that is no number: it has no text.
    Tape result() && {
        const bool finite = std::all_of(tape_.begin(), tape_.end(),
                                        [](const Node& node) { return std::isfinite(node.value); });
        if (!writable_ || !finite || tape_.size() > max_tape_size) {
            return {};
        }
        fix_sizes(tape_);
        return std::move(tape_);
    }
    /// Positions of the constants of linear_sum.
    std::vector<std::size_t> linear;

    void scaled(double scale, const Form& form) {
        switch (form.kind) {
            case Kind::one:
                constant(scale);
                return;
            case Kind::sum:
                sum(scale, form);
                return;
            case Kind::product:
                product(scale, form);
                return;
            default:
                times(scale, [&] { unit(form); });
        }
    }

    /// Every term with its own factor, and the constant term, present whatever their values. Where
    /// there is no addition, later ones are subtracted.
    void linear_sum(double scale, const Form& form, bool constant_term) {
        const bool add = allowed_.has(Op::add);
        const Op join = add ? Op::add : Op::sub;
        const bool is_sum = form.kind == Kind::sum;
        const Scaled single{1.0, is_sum ? Form{} : form};
        const auto* terms = is_sum ? form.parts.data() : &single;
        const std::size_t count = is_sum ? form.parts.size() : 1;
        for (std::size_t i = 0; i < count; ++i) {
            const double factor = (i == 0 || add ? scale : -scale) * terms[i].scale;
            linear.push_back(tape_.size());
            if (terms[i].form.kind == Kind::product) {
                product(factor, terms[i].form, true);
            } else {
                constant(factor);
                scaled(1.0, terms[i].form);
                function(Op::mul);
            }
            if (i > 0) {
                function(join);
            }
        }
        if (constant_term) {
            linear.push_back(tape_.size());
            constant(is_sum ? (add ? scale : -scale) * form.offset : 0.0);
            function(join);
        }
    }

  private:
    void constant(double value) { tape_.push_back(Node::constant(value)); }
    void function(Op op) {
        writable_ = writable_ && allowed_.has(op);
        tape_.push_back(Node::function(op));
    }

    /// scale * what write() writes, by division or subtraction where there is no product.
    template <class Write>
    void times(double scale, const Write& write) {
        if (scale == 1.0) {
            write();
        } else if (allowed_.has(Op::mul)) {
            constant(scale);
            write();
            function(Op::mul);
        } else if (allowed_.has(Op::div)) {
            write();
            constant(1.0 / scale);
            function(Op::div);
        } else {  // -x; there is no way to write other factors
            writable_ = writable_ && scale == -1.0;
            constant(0.0);
            write();
            function(Op::sub);
        }
    }

    /// Multiplies what is on the tape by what write() writes: a*b is a/(1/b) without products.
    template <class Write>
    void multiplied_by(const Write& write) {
        const bool divide = !allowed_.has(Op::mul) && allowed_.has(Op::div);
        if (divide) {
            constant(1.0);
        }
        write();
        if (divide) {
            function(Op::div);
        }
        function(divide ? Op::div : Op::mul);
    }

    /// exp(scale * form), as a power of a number where there is no exp.
    void exponential(double scale, const Form& form) {
        const double base = std::exp(scale);
        if (allowed_.has(Op::exp) || !allowed_.has(Op::pow) || !std::isnormal(base)) {
            scaled(scale, form);
            function(Op::exp);
        } else {
            constant(base);
            scaled(1.0, form);
            function(Op::pow);
        }
    }

    void unit(const Form& form) {
        if (form.kind == Kind::variable) {
            tape_.push_back(Node::input(form.column));
            return;
        }
        if (form.kind == Kind::function) {
            if (form.op == Op::exp) {
                exponential(form.parts[0].scale, form.parts[0].form);
                return;
            }
            for (const Scaled& operand : form.parts) {
                scaled(operand.scale, operand.form);
            }
            if (form.op == Op::sqrt && !allowed_.has(Op::sqrt) && allowed_.has(Op::pow)) {
                constant(0.5);
                function(Op::pow);
            } else {
                function(form.op);
            }
            return;
        }
        scaled(1.0, form);
    }

    /// The base of a product that can take a sign in: -(x*(y - 2)) is x*(2 - y). -1 for none.
    int flippable(const Form& form) const {
        for (std::size_t i = 0; form.kind == Kind::product && i < form.parts.size(); ++i) {
            const Form& base = form.parts[i].form;
            if (base.kind == Kind::sum && std::abs(form.exponents[i]) == 1 &&
                sum_cost(-1.0, base) <= sum_cost(1.0, base)) {
                return static_cast<int>(i);
            }
        }
        return -1;
    }

    /// The number in a base that gives `scale` when raised; 0 for none.
    double share(double scale, int exponent) const {
        if (exponent == 2 && scale > 0.0 && allowed_.has(Op::square)) {
            return std::sqrt(scale);
        }
        return exponent == 1 ? scale : 0.0;
    }

    /// A sum that is a factor of a product takes the product's number in where that saves nodes:
    /// 3*x*(1/y - 2) is x*(3/y - 6). -1 for none.
    int absorbing(double scale, const Form& form) const {
        for (std::size_t i = 0; i < form.parts.size(); ++i) {
            const Form& base = form.parts[i].form;
            const double inside = share(scale, form.exponents[i]);
            if (base.kind == Kind::sum && inside != 0.0 &&
                sum_cost(inside, base) < sum_cost(1.0, base) + 2) {
                return static_cast<int>(i);
            }
        }
        return -1;
    }

    /// Nodes that a factor other than 1 or -1 adds to a term: c/x has but one more than inv(x).
    int factor_cost(const Form& form) const {
        const bool reciprocal =
            form.kind == Kind::product && allowed_.has(Op::div) &&
            std::none_of(form.exponents.begin(), form.exponents.end(), [](int e) { return e > 0; });
        return reciprocal ? (allowed_.has(Op::inv) ? 1 : 0) : 2;
    }

    /// Of a term in a sum times `scale`. A sum's factors are over that of its first term: what was
    /// 1 may come back a rounding error away from it.
    static double factor_of(double scale, const Scaled& term) {
        const double factor = scale * term.scale;
        const bool one = std::abs(std::abs(factor) - 1.0) < 4e-16;
        return one ? std::copysign(1.0, factor) : factor;
    }

    /// Nodes that factors of the terms and the constant term cost when all are times `scale`.
    int sum_cost(double scale, const Form& form) const {
        int cost = form.offset != 0.0 ? 2 : 0;
        bool positive = form.offset * scale > 0.0;
        for (const Scaled& term : form.parts) {
            const double factor = factor_of(scale, term);
            cost += std::abs(factor) != 1.0 ? factor_cost(term.form) : 0;
            positive = positive || factor != -1.0 || flippable(term.form) >= 0;
        }
        return cost + (positive ? 0 : 2);
    }

    void sum(double scale, const Form& form) {
        if (scale != 1.0) {
            // 2*(x + y) against 2*x + 2*y, and -(x - y) against y - x.
            const double sign = scale < 0.0 ? -1.0 : 1.0;
            const int inside = sum_cost(scale, form);
            const int outside = std::abs(scale) != 1.0 ? sum_cost(sign, form) + 2 : inside + 1;
            const int keep_sign = sum_cost(1.0, form) + 2;
            if (std::min(outside, keep_sign) < inside) {
                const bool with_sign = keep_sign <= outside;
                times(with_sign ? scale : std::abs(scale),
                      [&] { terms(with_sign ? 1.0 : sign, form); });
                return;
            }
        }
        terms(scale, form);
    }

    void terms(double scale, const Form& form) {
        // A positive part goes first so that the rest can be added or subtracted.
        const double offset = scale * form.offset;
        std::size_t first = form.parts.size();
        for (std::size_t i = 0; i < form.parts.size() && first == form.parts.size(); ++i) {
            if (factor_of(scale, form.parts[i]) > 0.0) {
                first = i;
            }
        }
        bool offset_done = offset == 0.0;
        if (first < form.parts.size()) {
            scaled(factor_of(scale, form.parts[first]), form.parts[first].form);
        } else if (offset > 0.0) {
            constant(offset);
            offset_done = true;
        } else {
            // All negative: start with one whose factor is not -1, it costs nothing extra.
            first = 0;
            for (std::size_t i = 0; i < form.parts.size(); ++i) {
                if (factor_of(scale, form.parts[i]) != -1.0 || flippable(form.parts[i].form) >= 0) {
                    first = i;
                    break;
                }
            }
            scaled(factor_of(scale, form.parts[first]), form.parts[first].form);
        }
        for (std::size_t i = 0; i < form.parts.size(); ++i) {
            if (i == first) {
                continue;
            }
            const double factor = factor_of(scale, form.parts[i]);
            const bool subtract = (factor < 0.0 && allowed_.has(Op::sub)) || !allowed_.has(Op::add);
            scaled(subtract ? -factor : factor, form.parts[i].form);
            function(subtract ? Op::sub : Op::add);
        }
        if (!offset_done) {
            const bool subtract = (offset < 0.0 && allowed_.has(Op::sub)) || !allowed_.has(Op::add);
            constant(subtract ? -offset : offset);
            function(subtract ? Op::sub : Op::add);
        }
    }

    void raised(const Form& base, double exponent) {
        unit(base);
        constant(exponent);
        function(Op::pow);
    }

    /// Whether one operator makes the power: it is faster than pow.
    bool in_one_step(int exponent) const {
        return (exponent == 2 && allowed_.has(Op::square)) ||
               (exponent == 3 && allowed_.has(Op::cube));
    }

    void power(const Form& base, int exponent) {
        const bool pair = exponent == 2 && base.kind == Kind::variable && allowed_.has(Op::mul);
        if (exponent == 1 && &base == flipped_) {
            flipped_ = nullptr;
            sum(taken_, base);
        } else if (exponent == 1) {
            unit(base);
        } else if (allowed_.has(Op::pow) && !in_one_step(exponent) && !pair) {
            raised(base, exponent);
        } else if (exponent % 2 == 0 && allowed_.has(Op::square)) {
            power(base, exponent / 2);
            function(Op::square);
        } else if (exponent % 3 == 0 && allowed_.has(Op::cube)) {
            power(base, exponent / 3);
            function(Op::cube);
        } else {
            unit(base);
            multiplied_by([&] { power(base, exponent - 1); });
        }
    }

    /// Where there is no division, 1/exp(t) is exp(-t).
    bool in_numerator(const Form& base, int exponent) const {
        return exponent > 0 || (!allowed_.has(Op::div) && !allowed_.has(Op::inv) &&
                                base.kind == Kind::function && base.op == Op::exp);
    }

    void factor(const Form& base, int exponent, bool numerator) {
        if (numerator && exponent < 0) {
            exponential(exponent * base.parts[0].scale, base.parts[0].form);
        } else {
            power(base, std::abs(exponent));
        }
    }

    /// The base whose square root is a factor on its own, on the same side of the fraction bar:
    /// x*sqrt(x) is x**1.5. Null for a factor that is no such root.
    const Form* rooted(const Form& product, std::size_t i) const {
        const Form& root = product.parts[i].form;
        if (!allowed_.has(Op::pow) || root.kind != Kind::function || root.op != Op::sqrt ||
            std::abs(product.exponents[i]) != 1 || root.parts[0].scale != 1.0) {
            return nullptr;
        }
        for (std::size_t j = 0; j < product.parts.size(); ++j) {
            const Form& base = product.parts[j].form;
            if (&base != flipped_ && product.exponents[j] * product.exponents[i] > 0 &&
                same(base, root.parts[0].form)) {
                return &base;
            }
        }
        return nullptr;
    }

    /// Multiplies the factors of one side of the fraction bar; says whether there was any.
    bool side(const Form& form, bool numerator, bool begun) {
        std::vector<const Form*> with_root(form.parts.size());
        for (std::size_t i = 0; i < form.parts.size(); ++i) {
            with_root[i] = rooted(form, i);
        }
        for (std::size_t i = 0; i < form.parts.size(); ++i) {
            const Form& base = form.parts[i].form;
            if (with_root[i] != nullptr || in_numerator(base, form.exponents[i]) != numerator) {
                continue;
            }
            const bool half =
                std::find(with_root.begin(), with_root.end(), &base) != with_root.end();
            const auto write = [&] {
                half ? raised(base, std::abs(form.exponents[i]) + 0.5)
                     : factor(base, form.exponents[i], numerator);
            };
            if (begun) {
                multiplied_by(write);
            } else {
                write();
            }
            begun = true;
        }
        return begun;
    }

    /// scale * numerator / denominator. A constant in front comes first on the tape.
    void product(double scale, const Form& form, bool with_constant = false) {
        int taker = scale == -1.0 && !with_constant ? flippable(form) : -1;
        if (taker < 0 && std::abs(scale) != 1.0 && !with_constant) {
            taker = absorbing(scale, form);
        }
        if (taker >= 0) {
            taken_ = share(scale, std::abs(form.exponents[static_cast<std::size_t>(taker)]));
            scale = 1.0;
            flipped_ = &form.parts[static_cast<std::size_t>(taker)].form;
        }
        bool numerator = false;
        bool denominator = false;
        for (std::size_t i = 0; i < form.parts.size(); ++i) {
            (in_numerator(form.parts[i].form, form.exponents[i]) ? numerator : denominator) = true;
        }
        const bool divide = allowed_.has(Op::div);
        const bool invert =
            denominator &&
            (!divide || (!numerator && scale == 1.0 && !with_constant && allowed_.has(Op::inv)));
        const bool front = with_constant || scale != 1.0 || (!numerator && !invert);
        if (front) {
            constant(scale);
        }
        const bool begun = side(form, true, front);
        if (!denominator) {
            return;
        }
        side(form, false, false);
        if (!invert) {
            function(Op::div);
            return;
        }
        if (allowed_.has(Op::inv) || !allowed_.has(Op::pow)) {
            function(Op::inv);
        } else {
            constant(-1.0);
            function(Op::pow);
        }
        if (begun) {
            function(Op::mul);
        }
    }

    const OpSet& allowed_;
    Tape tape_;
    bool writable_ = true;           ///< in allowed operators
    const Form* flipped_ = nullptr;  ///< the sum that takes its product's number in: taken_
    double taken_ = 1.0;
};

}  // namespace

Tape emit(const Scaled& expression, const OpSet& allowed) {
    Emitter emitter(allowed);
    emitter.scaled(expression.scale, expression.form);
    return std::move(emitter).result();
}

LinearTape emit_linear(const Scaled& expression, const OpSet& allowed, bool constant_term) {
    Emitter emitter(allowed);
    emitter.linear_sum(expression.scale, expression.form, constant_term);
    std::vector<std::size_t> linear = std::move(emitter.linear);
    Tape tape = std::move(emitter).result();
    return tape.empty() ? LinearTape{} : LinearTape{std::move(tape), std::move(linear)};
}

}  // namespace closedform
