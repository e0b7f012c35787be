// Templates: how their text is read, what they become with parts in them, derivatives as
// expressions.
#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/infix.hpp"
#include "closedform/expression/template.hpp"
#include "expression/derivative.hpp"

namespace closedform {
namespace {

const std::vector<std::string> names = {"x", "y"};

double value(const Tape& tape, std::vector<double> row) {
    double result = 0.0;
    evaluate(tape, MatrixView<const double>(row.data(), 1, row.size()), {&result, 1}, 1);
    return result;
}

/// What a template becomes with parts in the arguments a and b.
std::string whole(const char* text, std::vector<const char*> parts) {
    const std::vector<std::string> arguments = {"a", "b"};
    std::vector<Tape> tapes;
    for (const char* part : parts) {
        tapes.push_back(parse(part, arguments));
    }
    return print(parse_template(text, names).expand(join_parts(tapes)), names);
}

std::string message(const char* text) {
    try {
        parse_template(text, names);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

TEST_CASE("Parts stand where their functions are called") {
    CHECK(whole("f(x, y)*g(y) + p[0]", {"a + b", "sin(a)", "3"}) == "(x + y)*sin(y) + 3");
    CHECK(whole("f(x) + f(2*y)", {"a**2 + 1"}) == "x**2 + 1 + ((2*y)**2 + 1)");
    // What stands inside comes first.
    CHECK(whole("exp(f(g(x)))", {"a + 1", "2*a"}) == "exp(2*(x + 1))");
    CHECK(whole("f(x) + D(f, 1)", {"sin(a)"}) == "sin(x) + cos(x)");
    CHECK(whole("D(f, y) + f(x, y)", {"a*b**2"}) == "x*(2*y) + x*y**2");
    CHECK(whole("D(f, 1)(2*x) - f(y)", {"a**3"}) == "3*(2*x)**2 - y**3");
    CHECK(whole("D(f, 1, 1) + f(x)", {"sin(a)"}) == "-sin(x) + sin(x)");
}

TEST_CASE("A candidate that is none, or too long, is nothing") {
    const Template form = parse_template("f(x) + f(y)", names);
    CHECK(form.expand(join_parts({})).empty());
    CHECK(form.expand(parse("x + y", names)).empty());
    Tape part = {Node::input(0)};
    while (part.size() + 2 <= max_tape_size) {
        part.push_back(Node::input(0));
        part.push_back(Node::function(Op::add));
    }
    fix_sizes(part);
    CHECK(form.expand(part).empty());
}

TEST_CASE("A wrong template names the place") {
    CHECK(message("f(x)*") == "template 'f(x)*', position 6: unexpected end");
    CHECK(message("f(x) + f(x, y)").find("position 8: 'f' had 1 arguments") != std::string::npos);
    CHECK(message("f(x) + D(g, 1)").find("position 10: 'g' stands nowhere") != std::string::npos);
    CHECK(message("f(x) + D(f, 2)").find("has 1 arguments, no number 2") != std::string::npos);
    CHECK(message("f(x) + D(f, y)").find("'y' is none of") != std::string::npos);
    CHECK(message("f(x) + z").find("position 8: unknown name 'z'") != std::string::npos);
    CHECK(message("x + y").find("no unknown function") != std::string::npos);
    CHECK(message("f(D(f, 1))").find("an argument of itself") != std::string::npos);
    CHECK(message("p[a] + f(x)").find("expected a number") != std::string::npos);
}

TEST_CASE("Derivatives of every operator are those of its values") {
    for (const char* text :
         {"sin(x)*cos(y*x)", "tan(x) - y/x", "x**1.7 + x**y", "log(x)*sqrt(x + y)", "exp(-x)/x**3",
          "abs(x)*tanh(x*y)", "inv(x) + erf(x)", "atan(x) + asin(x/9) - acos(x/8)",
          "sinh(x)*cosh(y*x)", "log10(x) + max(x, y)*min(x, 3)", "sign(x)*x", "(x > y)*x"}) {
        CAPTURE(text);
        const Tape tape = parse(text, names);
        const double step = 1e-5;
        const double slope =
            (value(tape, {1.3 + step, 0.7}) - value(tape, {1.3 - step, 0.7})) / (2.0 * step);
        CHECK(value(derivative(tape, 0), {1.3, 0.7}) == doctest::Approx(slope).epsilon(1e-7));
    }
}

}  // namespace
}  // namespace closedform
