// Dimensional analysis of expressions.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "closedform/expression/dimensions.hpp"
#include "closedform/expression/infix.hpp"

namespace closedform {
namespace {

const std::vector<std::string> names = {"m", "v", "x", "angle"};  // kg, m/s, m, pure

Dimensions problem(std::vector<Dimension> constants = {Dimension{}}) {
    // Of kg, m, s; the target is an energy.
    return {{{1}, {0, 1, -1}, {0, 1}, {}}, Dimension{1, 2, -2}, std::move(constants)};
}

bool meets(const std::string& text, const Dimensions& dimensions) {
    return meets_target(parse(text, names), dimensions);
}

TEST_CASE("Only what is alike is added, and only pure numbers go into functions") {
    for (const char* text :
         {"0.5*m*v**2", "m*v**2*(1 + sin(angle)/2)", "m*v**2 + m*abs(v)*v", "m*exp(log(2))*v*v",
          "m*max(v, 3*v)**2", "m*v**2*(x > 2*x)", "m*v**2*sign(x)", "sqrt(m*m*v**4)",
          "m*v**1.5*sqrt(v)", "m*v**2*2**angle", "m*cube(v)/v", "4.2"}) {
        CHECK_MESSAGE(meets(text, problem()), text);
    }
    for (const char* text : {"m*v", "m*v**2 + 1", "m*v**2*sin(x)", "m*v**2*exp(x/2)", "m + v",
                             "m*v**2*(v > x)", "m*v**x", "angle**angle*m", "m*v**2.5"}) {
        CHECK_MESSAGE(!meets(text, problem()), text);
    }
    CHECK(consistent(parse("m*v", names), problem()));
    CHECK(!consistent(parse("m*v + x", names), problem()));
}

TEST_CASE("Constants of any unit reconcile what can be") {
    const Dimensions free = problem({});
    for (const char* text : {"2*m", "2*m + 3*x", "3*sin(2*x)", "m*v**2 + 1", "2*(x + 3)**1.7",
                             "2*exp(-3*x)*(v > 2)"}) {
        CHECK_MESSAGE(meets(text, free), text);
    }
    for (const char* text : {"m", "2*sin(x)", "2*(m + x)", "2*(x - 3*m*sin(v))"}) {
        CHECK_MESSAGE(!meets(text, free), text);
    }
    // Of one unit beside pure numbers: a spring's constant.
    const Dimensions spring = problem({Dimension{}, Dimension{1, 0, -2}});
    CHECK(meets("0.5*3.1*x**2", spring));
    CHECK(!meets("3.1*x", spring));
}

TEST_CASE("What constants are of follows from the target") {
    const auto of = [](const char* text, std::vector<Dimension> constants) {
        return constant_dimensions(parse(text, names), problem(std::move(constants))).value();
    };
    const Dimension pure{};
    CHECK(of("2*m*sin(3*x)", {}) == std::vector<Dimension>{{0, 2, -2}, {0, -1}});
    CHECK(of("2*m*(v + 3)**2.5", {}) == std::vector<Dimension>{{0, -0.5, 0.5}, {0, 1, -1}, pure});
    CHECK(of("2*m*(v > 3)", {})[1] == Dimension{0, 1, -1});
    CHECK(of("0.5*3.1*x**2", {pure, {1, 0, -2}}) == std::vector<Dimension>{pure, {1, 0, -2}});
    CHECK(!constant_dimensions(parse("m*x", names), problem()));
}

}  // namespace
}  // namespace closedform
