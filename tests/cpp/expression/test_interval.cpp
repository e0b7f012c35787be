#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/infix.hpp"
#include "closedform/expression/interval.hpp"
#include "closedform/expression/operator_table.hpp"
#include "core/random.hpp"
#include "search/variation.hpp"

using namespace closedform;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::size_t inputs = 2;
constexpr std::size_t points = 64;
const std::vector<std::string> names = {"x", "y"};

using Box = std::array<Interval, inputs>;

Interval of(const char* text, Interval x, Interval y = {0.0, 1.0}) {
    return enclose(parse(text, names), Box{x, y});
}

Interval slope(const char* text, Interval x, Interval y = {0.0, 1.0}) {
    return enclose_gradient(parse(text, names), Box{x, y})[0];
}

/// Of all sizes, around zero and away from it, single numbers among them.
Interval random_interval(Random& random) {
    const double centre = random.chance(0.3) ? 0.0 : 2.0 * random.normal();
    const double width = random.chance(0.2) ? 0.0 : std::exp(2.0 * random.normal() - 1.0);
    return {centre - width, centre + width * random.uniform()};
}

/// The corners, and points drawn inside.
std::vector<double> points_of(const Box& box, Random& random) {
    std::vector<double> x;
    for (std::size_t i = 0; i < points; ++i) {
        for (std::size_t j = 0; j < inputs; ++j) {
            const Interval& side = box[j];
            const double inside = side.low + (side.high - side.low) * random.uniform();
            const double corner = (i >> j & 1U) != 0 ? side.high : side.low;
            x.push_back(i < 4 ? corner : std::clamp(inside, side.low, side.high));
        }
    }
    return x;
}

/// Whether every node of the tape has a finite value, by point.
std::vector<bool> all_finite(const Tape& tape, MatrixView<const double> x) {
    std::vector<bool> finite(x.rows, true);
    std::vector<double> values(x.rows);
    for (std::size_t root = 0; root < tape.size(); ++root) {
        evaluate(subtree(tape, root), x, values, 1);
        for (std::size_t i = 0; i < x.rows; ++i) {
            finite[i] = finite[i] && std::isfinite(values[i]);
        }
    }
    return finite;
}

/// That all that should be in it is; says how many points were defined.
std::size_t check_inside(const Interval& enclosure, const std::vector<bool>& finite,
                         const double* values, std::size_t stride) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < points; ++i) {
        const double value = values[i * stride];
        if (enclosure.defined) {
            CHECK(std::isfinite(value));
        }
        if (enclosure.defined || (finite[i] && std::isfinite(value))) {
            CAPTURE(value);
            CAPTURE(enclosure.low);
            CAPTURE(enclosure.high);
            CHECK(enclosure.contains(value));
            ++count;
        }
    }
    return enclosure.defined ? count : 0;
}

}  // namespace

TEST_CASE("intervals enclose values and gradients of random tapes over all operators") {
    Random random(5, 0);
    const Variation variation(OpSet::all(), {0, 1});
    std::size_t defined_values = 0;
    std::size_t defined_slopes = 0;
    for (int trial = 0; trial < 4000; ++trial) {
        const Tape tape = variation.grow(random, 1 + random.below(16));
        const Box box = {random_interval(random), random_interval(random)};
        const std::string text = print(tape, names);
        CAPTURE(text);
        const std::vector<double> numbers = points_of(box, random);
        const MatrixView<const double> x(numbers.data(), points, inputs);
        std::vector<double> values(points);
        std::vector<double> gradient(points * inputs);
        evaluate_derivatives(tape, x, values.data(), gradient.data(), nullptr, 1);
        const std::vector<bool> finite = all_finite(tape, x);
        defined_values += check_inside(enclose(tape, box), finite, values.data(), 1);
        const std::vector<Interval> slopes = enclose_gradient(tape, box);
        for (std::size_t j = 0; j < inputs; ++j) {
            CAPTURE(j);
            defined_slopes += check_inside(slopes[j], finite, gradient.data() + j, inputs);
        }
    }
    CHECK(defined_values > 4000 * points / 3);
    CHECK(defined_slopes > 4000 * points / 3);
}

TEST_CASE("intervals of one operator are as tight as its values") {
    for (const Op op : OpSet::all().operators()) {
        const std::string called(name(op));
        CAPTURE(called);
        Random random(6, static_cast<std::uint64_t>(op));
        Tape tape = {Node::input(0)};
        if (arity(op) == 2) {
            tape.push_back(Node::input(1));
        }
        tape.push_back(Node::function(op));
        fix_sizes(tape);
        for (int trial = 0; trial < 40; ++trial) {
            Box box = {random_interval(random), random_interval(random)};
            const Interval found = enclose(tape, box);
            if (!found.defined) {
                continue;
            }
            constexpr std::size_t side = 201;
            std::vector<double> grid;
            for (std::size_t i = 0; i < side * side; ++i) {
                for (const auto& [interval, step] :
                     {std::pair(box[0], i % side), std::pair(box[1], i / side)}) {
                    const double share = static_cast<double>(step) / (side - 1);
                    grid.push_back(step == side - 1
                                       ? interval.high
                                       : interval.low + share * (interval.high - interval.low));
                }
            }
            std::vector<double> values(side * side);
            evaluate(tape, MatrixView<const double>(grid.data(), side * side, inputs), values, 1);
            const auto [low, high] = std::minmax_element(values.begin(), values.end());
            const double room = 5e-3 * (*high - *low) + 1e-14 * std::max(-*low, *high) + 1e-300;
            CAPTURE(box[0].low);
            CAPTURE(box[0].high);
            CHECK(found.low >= *low - room);
            CHECK(found.high <= *high + room);
        }
    }
}

TEST_CASE("intervals at poles, edges of domains and jumps") {
    const double eight = 8 * std::numeric_limits<double>::epsilon();
    // Exact arithmetic is not widened.
    CHECK(of("x + y", {1, 2}, {3, 4}) == Interval{4, 6});
    CHECK(of("x*y", {-1, 2}, {3, 4}) == Interval{-4, 8});
    CHECK(of("x**2", {-1, 2}) == Interval{0, 4});
    CHECK(of("max(x, y)", {-1, 2}, {0, 1}) == Interval{0, 2});
    CHECK(of("min(x, y)", {-1, 2}, {0, 1}) == Interval{-1, 1});
    CHECK(of("x > y", {-1, 2}) == Interval{0, 1});
    CHECK(of("x > y", {1.5, 2}) == Interval{1, 1});
    CHECK(of("x > y", {-1, 0}) == Interval{0, 0});
    CHECK(of("x/y", {1, 2}, {-1, 1}) == Interval{-infinity, infinity, false});
    CHECK(of("x/y", {1, 2}, {0, 4}) == Interval{0.25, infinity, false});
    CHECK(of("x/y", {-2, -1}, {0, 4}) == Interval{-infinity, -0.25, false});
    CHECK(of("x/y", {0, 0}, {-1, 1}) == Interval{0, 0, false});
    CHECK(of("x/y", {1, 2}, {0, 0}).empty());
    CHECK(of("log(x)", {-2, -1}).empty());
    CHECK(!of("log(x)", {-2, -1}).defined);
    // As evaluated: 1 whatever the other operand is.
    CHECK(of("pow(log(x), y)", {-2, -1}, {0, 0}) == Interval{1, 1});
    CHECK(of("pow(x, log(y))", {1, 1}, {-2, -1}) == Interval{1, 1});
    const Interval logarithm = of("log(x)", {-1, 1});
    CHECK(logarithm.low == -infinity);
    CHECK(logarithm.high == 0.0);
    CHECK(!logarithm.defined);
    CHECK(of("sqrt(x)", {-1, 4}).low == 0.0);
    CHECK(!of("sqrt(x)", {-1, 4}).defined);
    CHECK(of("sqrt(x)", {0, 4}).defined);
    CHECK(of("sqrt(sin(x)**2 + cos(x)**2 - sin(x)**2)", {0, 1}).high < 1.4);
    CHECK(of("sin(x)", {0, 1e9}) == Interval{-1, 1});
    CHECK(of("sin(x)", {1, 2}).high == 1.0);
    CHECK(of("sin(x)", {1, 2}).low == doctest::Approx(std::sin(1.0)).epsilon(eight));
    CHECK(of("cos(x)", {3, 4}).low == -1.0);
    CHECK(of("cos(x)", {-infinity, infinity}) == Interval{-1, 1});
    CHECK(!of("tan(x)", {1, 2}).defined);
    CHECK(of("tan(x)", {-1.5, 1.5}).defined);
    CHECK(of("asin(sin(x))", {-9, 9}).defined);
    CHECK(!of("exp(x)", {0, 1000}).defined);
    CHECK(of("exp(x)", {0, 1000}).high == infinity);
    CHECK(of("pow(x, 5)", {-2, 1}).low == doctest::Approx(-32).epsilon(eight));
    CHECK(of("pow(x, 5)", {-2, 1}).defined);
    CHECK(of("pow(x, 4)", {-2, 1}).low == 0.0);
    CHECK(of("pow(x, -3)", {-2, -1}).high == doctest::Approx(-0.125).epsilon(eight));
    CHECK(!of("pow(x, -3)", {-2, 1}).defined);
    CHECK(!of("pow(x, 1.5)", {-2, 1}).defined);
    CHECK(of("pow(x, 1.5)", {-2, 1}).low == 0.0);
    const Interval either = of("pow(x, y)", {-2, -1}, {0.5, 3.5});
    CHECK(either.contains(-8.0));
    CHECK(either.contains(4.0));
    CHECK(slope("abs(x)", {-1, 2}).low == doctest::Approx(-1).epsilon(eight));
    CHECK(slope("abs(x)", {-1, 2}).high == doctest::Approx(1).epsilon(eight));
    CHECK(!slope("sign(x)", {-1, 2}).defined);
    CHECK(slope("sign(x)", {1, 2}) == Interval{0, 0});
    CHECK(!slope("sqrt(x)", {0, 1}).defined);
    CHECK(slope("y", {0, 1}) == Interval{0, 0});
    CHECK(slope("max(x, y)", {2, 3}).low == doctest::Approx(1).epsilon(eight));
    CHECK_THROWS_WITH(of("x", {1, 0}), doctest::Contains("box: the interval of input 1"));
    CHECK_THROWS_WITH(of("x", {NAN, 0}), doctest::Contains("give low <= high"));
    CHECK_THROWS_WITH(enclose(parse("y", names), std::array{Interval{}}),
                      doctest::Contains("the expression reads input 2"));
}
