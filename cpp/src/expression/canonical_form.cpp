#include "closedform/expression/canonical_form.hpp"

#include <cmath>
#include <cstdlib>
#include <numbers>
#include <utility>

#include "closedform/expression/operator_table.hpp"
#include "expression/form_builders.hpp"
#include "expression/form_operators.hpp"

namespace closedform {
namespace {

using Kind = Form::Kind;

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
    return apply_unary(node.op, std::move(operand));
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
                product_.multiply(apply_unary(Op::sqrt, base), odd);
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
