// Every reader of the operator table, walked through it: an operator that one of them misses fails.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "closedform/expression/canonical_form.hpp"
#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/infix.hpp"
#include "closedform/expression/operator_table.hpp"
#include "core/random.hpp"

using namespace closedform;

namespace {

constexpr int points = 400;
const std::vector<std::string> names = {"a", "b", "v"};

/// The slow reference: written out anew, in extended precision.
long double truth(Op op, long double a, long double b) {
    switch (op) {
        case Op::constant:
        case Op::variable:
            break;
        case Op::add:
            return a + b;
        case Op::sub:
            return a - b;
        case Op::mul:
            return a * b;
        case Op::div:
            return a / b;
        case Op::pow:
            return std::pow(a, b);
        case Op::sin:
            return std::sin(a);
        case Op::cos:
            return std::cos(a);
        case Op::tan:
            return std::tan(a);
        case Op::exp:
            return std::exp(a);
        case Op::log:
            return std::log(a);
        case Op::sqrt:
            return std::sqrt(a);
        case Op::square:
            return a * a;
        case Op::cube:
            return a * a * a;
        case Op::abs:
            return std::abs(a);
        case Op::tanh:
            return std::tanh(a);
        case Op::inv:
            return 1 / a;
    }
    return std::nanl("");
}

struct Point {
    double a;
    double b;
};

/// Inside the domain, away from its ends and from kinks.
Point draw(Op op, Random& random) {
    const Domain& domain = facts(op).domain;
    const double low = std::max(domain.low, -3.0) + 0.05;
    const double high = std::min(domain.high, 3.0) - 0.05;
    const auto number = [&] {
        double value = 0.0;
        while (std::abs(value) < 0.05) {
            value = random.uniform(low, high);
        }
        return value;
    };
    Point point{number(), number()};
    if (op == Op::pow) {
        point.a = std::abs(point.a);
    }
    return point;
}

Tape tape_of(Op op) {
    Tape tape = {Node::input(0)};
    if (arity(op) == 2) {
        tape.push_back(Node::input(1));
    }
    tape.push_back(Node::function(op));
    fix_sizes(tape);
    return tape;
}

struct Derivatives {
    double value;
    std::array<double, 2> gradient;
    std::array<double, 4> hessian;
};

Derivatives derivatives(const Tape& tape, Point at) {
    Derivatives result{};
    const MatrixView<const double> x(&at.a, 1, 2);
    evaluate_derivatives(tape, x, &result.value, result.gradient.data(), result.hessian.data(), 1);
    return result;
}

double evaluated(std::string_view text, const std::array<double, 3>& abv) {
    double value = 0.0;
    evaluate(parse(text, names), MatrixView<const double>(abv.data(), 1, 3), {&value, 1}, 1);
    return value;
}

double error(double value, long double wanted) {
    const double unit = std::nextafter(std::abs(static_cast<double>(wanted)), INFINITY) -
                        std::abs(static_cast<double>(wanted));
    return static_cast<double>(std::abs(value - wanted)) / unit;
}

/// Calls check(op, facts, random) for every operator.
template <class Check>
void for_operators(const Check& check) {
    for (const Op op : OpSet::all().operators()) {
        const std::string called(name(op));
        CAPTURE(called);
        Random random(11, static_cast<std::uint64_t>(op));
        check(op, facts(op), random);
    }
}

}  // namespace

TEST_CASE("operators: values are those of extended precision, in kernels and in the library") {
    for_operators([](Op op, const OperatorFacts& facts, Random& random) {
        const Tape tape = tape_of(op);
        double worst = 0.0;
        for (int i = 0; i < points; ++i) {
            const Point at = draw(op, random);
            const long double wanted = truth(op, at.a, at.b);
            CHECK(error(facts.library(at.a, at.b), wanted) <= 2.0);
            worst = std::max(worst, error(derivatives(tape, at).value, wanted));
        }
        CHECK(worst <= facts.ulps);
    });
}

TEST_CASE("operators: derivatives by the kernels, by differences and by the table's texts agree") {
    constexpr long double step = 1e-6L;
    const auto agree = [](double value, long double wanted, double tolerance) {
        return std::abs(value - wanted) <= tolerance * (1 + std::abs(wanted));
    };
    for_operators([&](Op op, const OperatorFacts& facts, Random& random) {
        const Tape tape = tape_of(op);
        for (int i = 0; i < points; ++i) {
            const Point at = draw(op, random);
            const Derivatives here = derivatives(tape, at);
            for (std::size_t k = 0; k < static_cast<std::size_t>(facts.operands); ++k) {
                const long double da = k == 0 ? step : 0;
                const long double db = k == 1 ? step : 0;
                const long double difference =
                    (truth(op, at.a + da, at.b + db) - truth(op, at.a - da, at.b - db)) /
                    (2 * step);
                CHECK(agree(here.gradient[k], difference, 1e-8));
                CHECK(agree(evaluated(facts.slopes[k], {at.a, at.b, here.value}), here.gradient[k],
                            1e-13));
                Point moved = at;
                (k == 0 ? moved.a : moved.b) += 1e-6;
                const Derivatives above = derivatives(tape, moved);
                (k == 0 ? moved.a : moved.b) -= 2e-6;
                const Derivatives below = derivatives(tape, moved);
                for (std::size_t other = 0; other < static_cast<std::size_t>(facts.operands);
                     ++other) {
                    const double second = (above.gradient[other] - below.gradient[other]) / 2e-6;
                    CHECK(agree(here.hessian[2 * k + other], second, 1e-6));
                }
            }
        }
    });
}

TEST_CASE("operators: texts are read back, and canonical forms keep the value") {
    for_operators([](Op op, const OperatorFacts&, Random& random) {
        for (const char* left : {"a", "-2*a", "0.5*a + 0.1", "exp(0.3*a)"}) {
            for (const char* right : {"b", "3", "-a", "2*b - 1"}) {
                Tape tape = parse(left, names);
                if (arity(op) == 2) {
                    const Tape other = parse(right, names);
                    tape.insert(tape.end(), other.begin(), other.end());
                }
                tape.push_back(Node::function(op));
                fix_sizes(tape);
                const std::string text = print(tape, names);
                CAPTURE(text);
                CHECK(parse(text, names) == tape);
                CHECK(print(parse("2*(" + text + ")/(" + text + " + 1)", names), names).size() > 0);
                const Tape simple = simplify(tape, OpSet::all());
                CHECK(print(simplify(simple, OpSet::all()), names) == print(simple, names));
                for (int i = 0; i < 20; ++i) {
                    const Point at = draw(op, random);
                    const double before = derivatives(tape, at).value;
                    const double after = derivatives(simple, at).value;
                    CHECK((std::isfinite(before) ? after == doctest::Approx(before).epsilon(1e-12)
                                                 : !std::isfinite(after)));
                }
            }
        }
    });
}

TEST_CASE("operators: what the table says of symmetry, growth, powers and domains holds") {
    for_operators([](Op op, const OperatorFacts& facts, Random& random) {
        const auto value = [&](double a, double b) {
            return derivatives(tape_of(op), {a, b}).value;
        };
        for (int i = 0; i < points; ++i) {
            const auto [a, b] = draw(op, random);
            if (facts.parity != Parity::none) {
                CHECK(value(-a, b) == (facts.parity == Parity::odd ? -1.0 : 1.0) * value(a, b));
            }
            if (facts.commutative) {
                CHECK(value(a, b) == value(b, a));
            }
            if (facts.increasing) {
                CHECK(derivatives(tape_of(op), {a, b}).gradient[0] > 0.0);
            }
            if (facts.power != 0) {
                CHECK(value(a, b) == doctest::Approx(std::pow(a, facts.power)).epsilon(1e-14));
            }
            if (facts.periodic) {
                CHECK(value(a + 2 * M_PI, b) == doctest::Approx(value(a, b)).epsilon(1e-9));
            }
        }
        const auto undefined = [&](double operand) {
            return !std::isfinite(value(facts.operands == 1 ? operand : 1.0, operand));
        };
        const Domain& domain = facts.domain;
        if (std::isfinite(domain.low)) {
            CHECK(undefined(std::nextafter(domain.low, -INFINITY)));
            CHECK(undefined(domain.low) == domain.open);
        }
        if (std::isfinite(domain.high)) {
            CHECK(undefined(std::nextafter(domain.high, INFINITY)));
            CHECK(undefined(domain.high) == domain.open);
        }
        CHECK(undefined(0.0) == (domain.pole || (domain.open && domain.low == 0.0)));
    });
}
