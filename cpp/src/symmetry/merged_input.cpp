#include "closedform/symmetry/merged_input.hpp"

#include <cmath>
#include <utility>

#include "closedform/expression/canonical_form.hpp"

namespace closedform {
namespace {

/// Puts tapes together from allowed operators; an empty tape means that it cannot be done.
class Maker {
  public:
    explicit Maker(const OpSet& allowed) : allowed_(allowed) {}

    Tape unary(Op op, const Tape& of) const {
        if (of.empty() || !allowed_.has(op)) {
            return {};
        }
        Tape tape = of;
        tape.push_back(Node::function(op));
        return tape;
    }

    Tape binary(Op op, const Tape& left, const Tape& right) const {
        if (left.empty() || right.empty() || !allowed_.has(op)) {
            return {};
        }
        Tape tape = left;
        tape.insert(tape.end(), right.begin(), right.end());
        tape.push_back(Node::function(op));
        return tape;
    }

    Tape scaled(double factor, const Tape& of) const {
        return factor == 1.0 ? of : binary(Op::mul, {Node::constant(factor)}, of);
    }

    /// left + factor * right
    Tape sum(const Tape& left, double factor, const Tape& right) const {
        if (allowed_.has(factor < 0 ? Op::sub : Op::add)) {
            return binary(factor < 0 ? Op::sub : Op::add, left, scaled(std::abs(factor), right));
        }
        return binary(factor < 0 ? Op::add : Op::sub, left, scaled(-std::abs(factor), right));
    }

    /// A positive power: integers by products, halves by a root, others by pow.
    Tape power(const Tape& of, double exponent) const {
        if (exponent == 1.0) {
            return of;
        }
        if (exponent == 2.0) {
            return allowed_.has(Op::square) ? unary(Op::square, of) : binary(Op::mul, of, of);
        }
        if (exponent == std::floor(exponent)) {
            return binary(Op::mul, power(of, exponent - 1.0), of);
        }
        if (2.0 * exponent == std::floor(2.0 * exponent) && allowed_.has(Op::sqrt)) {
            return unary(Op::sqrt, power(of, 2.0 * exponent));
        }
        return binary(Op::pow, of, {Node::constant(exponent)});
    }

    Tape term(InputFunction kind, const Tape& of) const {
        return kind == InputFunction::square ? power(of, 2.0) : of;
    }

  private:
    const OpSet& allowed_;
};

double value(InputFunction term, double z) { return term == InputFunction::square ? z * z : z; }

double slope(InputFunction term, double z) { return term == InputFunction::square ? 2.0 * z : 1.0; }

}  // namespace

bool finite(const MergedInput& input) {
    for (std::size_t r = 0; r < input.z.size(); ++r) {
        if (!std::isfinite(input.z[r]) || !std::isfinite(input.s[r])) {
            return false;
        }
    }
    return true;
}

Tape combined_tape(const Tape& first, const Tape& second, const Combination& how,
                   const OpSet& allowed) {
    const Maker make(allowed);
    Tape tape;
    if (how.second == InputFunction::logarithm) {
        const Tape left = make.power(first, how.a);
        const Tape right = make.power(second, std::abs(how.b));
        tape = make.binary(how.b > 0 ? Op::mul : Op::div, left, right);
    } else if (how.first == InputFunction::logarithm) {
        const Tape exponent = make.scaled(how.b, make.term(how.second, second));
        tape = make.binary(Op::mul, first, make.unary(Op::exp, exponent));
    } else {
        tape = make.sum(make.scaled(how.a, make.term(how.first, first)), how.b,
                        make.term(how.second, second));
    }
    if (tape.empty() || tape.size() > max_tape_size) {
        return {};
    }
    fix_sizes(tape);
    return simplify(tape, allowed);
}

Combined combined_rows(const MergedInput& first, const MergedInput& second,
                       const Combination& how) {
    const std::size_t rows = first.z.size();
    Combined out;
    for (auto* column : {&out.input.z, &out.input.s, &out.input.u, &out.lost, &out.sides}) {
        column->resize(rows);
    }
    for (std::size_t r = 0; r < rows; ++r) {
        const double z1 = first.z[r];
        const double z2 = second.z[r];
        double slope1 = 0;  // of the merged input by the first and by the second
        double slope2 = 0;
        if (how.second == InputFunction::logarithm) {
            const double power1 = std::pow(z1, how.a - 1.0);
            const double power2 = std::pow(z2, how.b - 1.0);
            out.input.z[r] = power1 * z1 * power2 * z2;
            slope1 = how.a * power1 * power2 * z2;
            slope2 = how.b * power1 * z1 * power2;
        } else if (how.first == InputFunction::logarithm) {
            slope1 = std::exp(how.b * value(how.second, z2));
            out.input.z[r] = z1 * slope1;
            slope2 = out.input.z[r] * how.b * slope(how.second, z2);
        } else {
            out.input.z[r] = how.a * value(how.first, z1) + how.b * value(how.second, z2);
            slope1 = how.a * slope(how.first, z1);
            slope2 = how.b * slope(how.second, z2);
        }
        const double g1 = slope1 * first.s[r];
        const double g2 = slope2 * second.s[r];
        const double u1 = first.u[r];
        const double u2 = second.u[r];
        const double size = std::hypot(g1, g2);
        out.input.s[r] = size;
        if (size > 0) {
            out.input.u[r] = (g1 / size) * u1 + (g2 / size) * u2;
            const double a = (g1 / size) * u2;
            const double b = (g2 / size) * u1;
            out.lost[r] = a - b;
            out.sides[r] = std::abs(a) + std::abs(b);
        } else {
            out.lost[r] = out.sides[r] = std::hypot(u1, u2);
        }
    }
    return out;
}

}  // namespace closedform
