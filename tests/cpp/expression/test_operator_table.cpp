// Every reader of the operator table, walked through it: an operator that one of them misses fails.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
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
        case Op::erf:
            return std::erf(a);
        case Op::atan:
            return std::atan(a);
        case Op::asin:
            return std::asin(a);
        case Op::acos:
            return std::acos(a);
        case Op::sinh:
            return std::sinh(a);
        case Op::cosh:
            return std::cosh(a);
        case Op::log10:
            return std::log10(a);
        case Op::sign:
            return a / std::abs(a);
        case Op::max:
            return (a + b + std::abs(a - b)) / 2;
        case Op::min:
            return (a + b - std::abs(a - b)) / 2;
        case Op::greater:
            return a - b > 0 ? 1 : 0;
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
    while (std::abs(point.a - point.b) < 0.05) {
        point.b = number();
    }
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
            if (std::abs(here.value) > 30.0) {
                continue;  // near a pole, where differences say nothing
            }
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

TEST_CASE("operators: all have an interval extension; NaN gives NaN where pow does not say 1") {
    const double nan = std::nan("");
    for (const Op op : OpSet::all().operators()) {
        const std::string called(name(op));
        CAPTURE(called);
        CHECK((facts(op).enclosure != nullptr));
        Tape tape = {Node::input(0)};
        if (arity(op) == 2) {
            tape.push_back(Node::input(1));
        }
        tape.push_back(Node::function(op));
        fix_sizes(tape);
        const std::vector<double> x = {nan, 0.5};
        double value = 0;
        double gradient[2] = {0, 0};
        evaluate_derivatives(tape, MatrixView<const double>(x.data(), 1, 2), &value, gradient,
                             nullptr, 1);
        CHECK((std::isnan(value) || op == Op::greater));
        CHECK((std::isnan(gradient[0]) || op == Op::greater || op == Op::sign || op == Op::max ||
               op == Op::min || op == Op::add || op == Op::sub || op == Op::mul || op == Op::div));
    }
    // pow(a, 0) is 1 for every a, 0 and NaN, too, and so it has the slope 0.
    const Tape power = parse("pow(a, b)", names);
    for (const double a : {0.0, nan}) {
        const std::vector<double> x = {a, 0.0, 0.0};
        double value = 0;
        double gradient[3] = {1, 1, 1};
        evaluate_derivatives(power, MatrixView<const double>(x.data(), 1, 3), &value, gradient,
                             nullptr, 1);
        CHECK(value == 1.0);
        CHECK(gradient[0] == 0.0);
    }
}

TEST_CASE("operators: edges of what is new") {
    const auto value = [](const char* text, double a, double b) {
        return derivatives(parse(text, names), {a, b}).value;
    };
    for (const char* text : {"max(a, b)", "min(a, b)"}) {
        CHECK(std::isnan(value(text, NAN, 1.0)));
        CHECK(std::isnan(value(text, 1.0, NAN)));
    }
    CHECK(value("max(a, b)", -INFINITY, 2.0) == 2.0);
    CHECK(value("a > b", NAN, 1.0) == 0.0);
    CHECK(value("a > b", 1.0, 1.0) == 0.0);
    CHECK(std::isnan(value("sign(a)", NAN, 0.0)));
    CHECK(value("sign(a)", 0.0, 0.0) == 0.0);
    // Where both are equal the first counts, so that slopes still add up to one.
    const Derivatives tie = derivatives(parse("max(a, b)", names), {1.0, 1.0});
    CHECK(tie.gradient == std::array<double, 2>{1.0, 0.0});
    CHECK(value("atan(a)", INFINITY, 0.0) == doctest::Approx(M_PI_2).epsilon(1e-15));
    CHECK(value("erf(a)", INFINITY, 0.0) == 1.0);
    CHECK(value("acos(a)", -1.0, 0.0) == doctest::Approx(M_PI).epsilon(1e-15));
    CHECK(value("cosh(a)", -710.4, 0.0) == doctest::Approx(std::cosh(710.4)).epsilon(1e-14));
    CHECK(value("sinh(a)", -800.0, 0.0) == -INFINITY);
}

TEST_CASE("pow: a negative base has values and slopes at integer exponents") {
    const Tape tape = parse("pow(a, b)", names);
    for (const double exponent : {-3.0, 2.0, 5.0, 20.0}) {
        const Derivatives here = derivatives(tape, {-1.7, exponent});
        const double power = std::pow(-1.7, exponent);
        CHECK(here.value == doctest::Approx(power).epsilon(1e-14));
        CHECK(here.gradient[0] ==
              doctest::Approx(exponent * std::pow(-1.7, exponent - 1)).epsilon(1e-13));
        CHECK(here.gradient[1] == doctest::Approx(power * std::log(1.7)).epsilon(1e-13));
        CHECK(here.hessian[0] ==
              doctest::Approx(exponent * (exponent - 1) * std::pow(-1.7, exponent - 2))
                  .epsilon(1e-13));
        CHECK(here.hessian[3] ==
              doctest::Approx(power * std::pow(std::log(1.7), 2)).epsilon(1e-13));
    }
    CHECK(std::isnan(derivatives(tape, {-1.7, 2.5}).value));
}

TEST_CASE("comparisons: read and written with the lowest priority") {
    for (const char* text :
         {"a > b", "a + b > 2*v", "3*(a > 0.5) - b", "(a > b) > v", "max(a > b, v)", "-(a > b)"}) {
        CHECK(print(parse(text, names), names) == text);
    }
    CHECK_THROWS_WITH(parse("a > b > v", names),
                      doctest::Contains("a comparison of comparisons needs parentheses"));
    CHECK_THROWS_AS(parse("a >= b", names), std::invalid_argument);
    const auto simple = [](const char* text) {
        return print(simplify(parse(text, names), OpSet::all()), names);
    };
    CHECK(simple("2*a > 3") == "a > 1.5");
    CHECK(simple("a > a") == "0");
    CHECK(simple("3 > 2") == "1");
    CHECK(simple("max(b, a)") == "max(a, b)");
    CHECK(simple("min(a, a)") == "a");
    CHECK(simple("sign(-3*a)") == "-sign(a)");
    CHECK(simple("log10(exp(a))") == simple("0.4342944819032518*a"));
}
