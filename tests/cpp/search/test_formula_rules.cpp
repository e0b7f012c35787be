// Limits to the form of formulas, and a search that keeps them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "closedform/expression/infix.hpp"
#include "closedform/expression/template.hpp"
#include "closedform/expression/vocabulary.hpp"
#include "closedform/objective/target.hpp"
#include "closedform/search/formula_rules.hpp"
#include "closedform/search/search.hpp"
#include "core/random.hpp"

namespace closedform {
namespace {

const std::vector<std::string> names = {"a", "b"};

bool allowed(const FormulaRules& rules, const char* text) {
    return rules.allow(parse(text, names));
}

TEST_CASE("Limits are those of the whole formula") {
    FormulaRules rules;
    CHECK(allowed(rules, "sin(sin(exp(a)))**b"));
    rules.nestings = {{Op::sin, Op::sin, 0}, {Op::exp, Op::sin, 1}};
    CHECK(allowed(rules, "exp(sin(a)) + sin(b)"));
    CHECK(!allowed(rules, "sin(1 + a*sin(b))"));
    CHECK(!allowed(rules, "exp(a + sin(sin(b)))"));
    rules = {};
    rules.operand_sizes = {{Op::pow, max_tape_size, 1}, {Op::log, 3}};
    CHECK(allowed(rules, "(a + b*a)**1.7 + log(a + b)"));
    CHECK(!allowed(rules, "pow(a, b + 1)"));
    CHECK(!allowed(rules, "log(a + b + 1)"));
    rules = {};
    rules.forbidden = {{Op::exp, 1}};
    CHECK(allowed(rules, "exp(a) + b"));
    CHECK(!allowed(rules, "exp(a*(1 + b))"));
    rules = {};
    rules.most_depth = 3;
    rules.most_constants = 1;
    CHECK(allowed(rules, "2.5*a + b**2"));
    CHECK(!allowed(rules, "2.5*a + 1.5*b"));
    CHECK(!allowed(rules, "sin(a*(b + a))"));
}

TEST_CASE("Limits are to every part of a template's candidate, units those of the whole") {
    const std::vector<std::string> arguments = {"u", "v"};
    const auto may_be = [&](const FormulaRules& rules, const char* text,
                            std::vector<const char*> parts) {
        std::vector<Tape> tapes;
        for (const char* part : parts) {
            tapes.push_back(parse(part, arguments));
        }
        const Template form = parse_template(text, names);
        const FormulaRules own = rules.of_parts(form);
        const Tape candidate = join_parts(tapes);
        CHECK(own.allow(candidate) <= own.conceivable(candidate));
        return own.allow(candidate);
    };
    FormulaRules rules;
    rules.forbidden = {{Op::exp, 1}};
    CHECK(may_be(rules, "f(a) + exp(b)*g(b)", {"exp(u)", "u"}));
    CHECK(!may_be(rules, "f(a) + g(2*b)", {"u", "exp(u)"}));
    CHECK(may_be(rules, "f(a, 2*b)", {"exp(u) + v"}));
    CHECK(!may_be(rules, "f(a, 2*b)", {"exp(u + v)"}));
    CHECK(!may_be(rules, "g(f(b))", {"u", "exp(u)"}));
    rules = {};
    rules.most_depth = 2;
    rules.most_constants = 2;
    CHECK(may_be(rules, "sin(sin(f(a)*g(b)))", {"exp(u)", "u*u"}));
    CHECK(!may_be(rules, "f(a)*g(b)", {"exp(2*u)", "u"}));
    CHECK(!may_be(rules, "f(a)*g(b) + p[0]", {"2.1*u", "2.2*u", "2.3"}));
    rules = {};
    rules.dimensions = Dimensions{{{1, 0}, {0, 1}}, Dimension{1, -1}, {Dimension{}}};
    CHECK(may_be(rules, "f(a)*g(b)", {"2*u", "1/u"}));
    CHECK(!may_be(rules, "f(a)*g(b)", {"u", "u"}));
    CHECK(!may_be(rules, "f(a)*g(b)", {"u + 1", "1/u"}));
    CHECK(may_be(rules, "D(f, b) + f(a, b)/b", {"u + u*(v/v)"}));
    CHECK(!may_be(rules, "D(f, b) + f(a, b)/b", {"u*v"}));
    CHECK(may_be(rules, "D(f, a)*a/b + f(a)/b", {"(u/3)**1.3*(2*u)**-0.3"}));
    // A constant is of one unit wherever its function stands.
    rules.dimensions = Dimensions{{{1, 0}, {0, 1}}, Dimension{0, 0}, {}};
    CHECK(may_be(rules, "f(a) + g(b)", {"2*u", "2*u"}));
    CHECK(may_be(rules, "f(a) + f(2*a)", {"exp(2*u)"}));
    CHECK(may_be(rules, "f(a)*f(b)*p[0]", {"2*u", "3"}));
    CHECK(!may_be(rules, "f(a) + f(b)", {"2*u"}));
    CHECK(!may_be(rules, "sin(f(a))*f(b)*p[0]", {"exp(2*u)", "3"}));
}

TEST_CASE("Nothing that a search gives back breaks a rule") {
    Random random(5, 0);
    constexpr std::size_t rows = 200;
    std::vector<double> x(2 * rows);
    std::vector<double> y(rows);
    for (std::size_t i = 0; i < rows; ++i) {
        x[2 * i] = 1.0 + random.uniform();
        x[2 * i + 1] = 1.0 + 2.0 * random.uniform();
        y[i] = 3.2 * std::sqrt(x[2 * i] / x[2 * i + 1]) * (1.0 + 0.01 * random.normal());
    }
    SearchOptions options;
    options.operators = OpSet::all();
    options.max_size = 15;
    options.seconds = 60.0;
    options.evaluations = 20000;
    options.threads = 1;
    // A pendulum's: a length in m and an acceleration in m/s^2 for a time.
    options.rules.dimensions = Dimensions{{{1, 0}, {1, -2}}, Dimension{0, 1}, {Dimension{}}};
    options.rules.most_constants = 2;
    const auto found =
        search(MatrixView<const double>(x.data(), rows, 2), ValueTarget(y, {}), options, {});
    REQUIRE(!found.front.empty());
    bool law = false;
    for (const auto* list : {&found.front, &found.rivals}) {
        for (const Candidate& candidate : *list) {
            CHECK_MESSAGE(options.rules.allow(candidate.tape), print(candidate.tape, names));
            law = law || candidate.loss < 0.01;
        }
    }
    CHECK(law);
}

std::shared_ptr<const Vocabulary> words() {
    auto made = std::make_shared<Vocabulary>();
    const std::vector<std::string> operand = {"x"};
    made->define("sinc", parse("sin(x)/x", operand));
    made->count(Op::exp, 4);
    made->count_input(1, 3);
    return made;
}

TEST_CASE("An operator of one's own is one node, and words count what they are told to") {
    FormulaRules rules;
    rules.vocabulary = words();
    const Tape tape = parse("2*sinc(a + b) + exp(a)", names, rules.vocabulary.get());
    CHECK(print(tape, names, rules.vocabulary.get()) == "2*sinc(a + b) + exp(a)");
    CHECK(rules.complexity(tape) == tape.size() + 3 + 2);
    const Expanded wide = rules.vocabulary->expanded(tape);
    CHECK(print(wide.tape, names) == "2*(sin(a + b)/(a + b)) + exp(a)");
    CHECK(std::count(wide.origin.begin(), wide.origin.end(), Expanded::defined) == 2);
    CHECK(!rules.allow(parse("sinc(2) + a", names, rules.vocabulary.get())));
    const std::vector<std::string> three = {"x", "y", "z"};
    CHECK_THROWS_WITH_AS(Vocabulary().define("f", parse("x + y*z", three)),
                         "operators: 'f' has 3 operands; one or two can be", std::invalid_argument);
}

TEST_CASE("Shapes are looked at at their points, in units of the columns, too") {
    using Of = FormulaRules::Shape::Of;
    const auto points = std::make_shared<const std::vector<double>>(
        std::vector<double>{1.0, 2.0, 3.0, 4.0, 2.0, 1.0, 4.0, 3.0});
    const double infinity = std::numeric_limits<double>::infinity();
    FormulaRules rules;
    rules.shapes = {{Of::slope, 0, 0.0, infinity, 2, points},
                    {Of::curvature, 1, -infinity, 0.0, 2, points},
                    {Of::value, 0, 0.0, 6.0, 2, points}};
    CHECK(allowed(rules, "a + log(b)"));
    CHECK(!allowed(rules, "log(b) - a + 4"));
    CHECK(!allowed(rules, "a + 0.01*b*b"));
    CHECK(!allowed(rules, "2*a + log(b)"));
    const std::vector<double> units = {10.0, 1.0};
    const FormulaRules scaled = rules.in_units(units, 100.0);
    CHECK(allowed(scaled, "100*(0.1*a + log(b))"));
    CHECK(!allowed(scaled, "100*(0.2*a + log(b))"));
    rules.shapes = {{Of::difference, 0, -1e-9, 1e-9, 2, points}};
    CHECK(allowed(rules, "a*b + 7"));
    CHECK(!allowed(rules, "a*b + 0.01*a"));
}

}  // namespace
}  // namespace closedform
