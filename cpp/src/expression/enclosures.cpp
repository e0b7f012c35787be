#include "expression/enclosures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace closedform {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double largest = std::numeric_limits<double>::max();
constexpr double smallest = std::numeric_limits<double>::denorm_min();
constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr double pi = 3.14159265358979323846;
constexpr int library_ulps = 2;  // most that the C library's functions are off by

// Rounding outwards. A result that is not zero keeps its sign: no rounding changes that.

double down(double x, int ulps) {
    if (x == 0.0 || x == -infinity) {
        return x;
    }
    if (x == infinity) {
        return largest;
    }
    const double lower = x - ulps * (epsilon * std::abs(x) + smallest);
    return x > 0.0 ? std::max(lower, 0.0) : lower;
}

double up(double x, int ulps) { return -down(-x, ulps); }

/// A result rounded to both sides.
struct Rounded {
    double below;
    double above;
};

/// `rest` has the sign of what rounding to nearest took off `value`.
Rounded rounded(double value, double rest) {
    const bool tiny = std::abs(value) < 1e-280;  // there the rest itself is rounded
    if (value == 0.0) {
        return std::signbit(value) ? Rounded{-smallest, 0.0} : Rounded{0.0, smallest};
    }
    return {tiny || rest < 0.0 || value == infinity ? down(value, 1) : value,
            tiny || rest > 0.0 || value == -infinity ? up(value, 1) : value};
}

/// Knuth's error-free sum.
Rounded sum_of(double a, double b) {
    const double s = a + b;
    const double of_b = s - a;
    const double rest = (a - (s - of_b)) + (b - of_b);
    return rest == 0.0 ? Rounded{s, s} : rounded(s, rest);
}

/// Zero times infinity is zero: the infinity is a limit, no number takes its place.
Rounded product_of(double a, double b) {
    if (a == 0.0 || b == 0.0) {
        return {0.0, 0.0};
    }
    const double p = a * b;
    return rounded(p, std::fma(a, b, -p));
}

Rounded quotient_of(double a, double b) {
    if (a == 0.0 || (std::isinf(a) && std::isinf(b))) {
        return {0.0, 0.0};
    }
    const double q = a / b;
    const double rest = std::fma(-q, b, a);
    return rounded(q, b > 0.0 ? rest : -rest);
}

/// f(x, y) at the corners of two intervals.
template <class F>
Interval corners(const Interval& a, const Interval& b, const F& f) {
    Interval result = nothing;
    for (const double x : {a.low, a.high}) {
        for (const double y : {b.low, b.high}) {
            const Rounded r = f(x, y);
            result.low = std::min(result.low, r.below);
            result.high = std::max(result.high, r.above);
        }
    }
    result.defined = true;
    return result;
}

Interval marked(const Interval& a, bool defined) { return {a.low, a.high, a.defined && defined}; }

Interval hull(const Interval& a, const Interval& b) {
    return {std::min(a.low, b.low), std::max(a.high, b.high), a.defined && b.defined};
}

Interval negative(const Interval& a) { return {-a.high, -a.low, a.defined}; }

Interval divide(const Interval& a, const Interval& b) {
    if (!b.contains(0.0)) {
        return corners(a, b, quotient_of);
    }
    if (b.low == 0.0 && b.high == 0.0) {
        return nothing;
    }
    // Each side of the pole by itself; at its edge a quotient is infinite, or zero over nothing.
    Interval result = nothing;
    const auto side = [&](double edge, double sign) {
        const auto over = [&](double x) {
            return Rounded{
                std::min(quotient_of(x, edge).below, x == 0.0 ? 0.0 : sign * x * infinity),
                std::max(quotient_of(x, edge).above, x == 0.0 ? 0.0 : sign * x * infinity)};
        };
        for (const double x : {a.low, a.high}) {
            result.low = std::min(result.low, over(x).below);
            result.high = std::max(result.high, over(x).above);
        }
    };
    if (b.low < 0.0) {
        side(b.low, -1.0);
    }
    if (b.high > 0.0) {
        side(b.high, 1.0);
    }
    return result;  // not defined
}

/// The kernel's and the library's error added to both ends, within the range, which both keep to.
Interval between(const OperatorFacts& facts, double from, double to) {
    const int ulps = facts.ulps + library_ulps;
    return {std::max(down(from, ulps), facts.range.low), std::min(up(to, ulps), facts.range.high)};
}

/// Of |a|.
Interval size_of(const Interval& a) {
    const double most = std::max(std::abs(a.low), std::abs(a.high));
    const double least = a.contains(0.0) ? 0.0 : std::min(std::abs(a.low), std::abs(a.high));
    return {least, most, a.defined};
}

/// Whether one of the points start + k*period, k whole, lies in a, or so near that rounding of the
/// period leaves it open.
bool meets(const Interval& a, double start, double period) {
    const double first = (a.low - start) / period;
    const double last = (a.high - start) / period;
    const double margin = 4.0 * epsilon * std::max({1.0, std::abs(first), std::abs(last)});
    return std::floor(last + margin) >= std::ceil(first - margin);
}

/// sin and cos, which is largest at `top`.
Interval wave(const OperatorFacts& facts, const Interval& a, double top) {
    const double first = facts.library(a.low, 0.0);
    const double last = facts.library(a.high, 0.0);
    if (std::isinf(a.low) || std::isinf(a.high)) {
        return {facts.range.low, facts.range.high};
    }
    Interval result = between(facts, std::min(first, last), std::max(first, last));
    if (meets(a, top, 2.0 * pi)) {
        result.high = facts.range.high;
    }
    if (meets(a, top + pi, 2.0 * pi)) {
        result.low = facts.range.low;
    }
    return result;
}

/// |a|^b, with its pole at zero.
Interval power_of_size(const OperatorFacts& facts, const Interval& a, const Interval& b) {
    return corners(size_of(a), b, [&](double x, double y) {
        const double value = facts.library(x, y);
        const Interval wide = between(facts, value, value);
        return Rounded{std::max(wide.low, 0.0), std::max(wide.high, smallest)};
    });
}

}  // namespace

Interval widened(const Interval& a, int ulps) {
    return {down(a.low, ulps), up(a.high, ulps), a.defined};
}

}  // namespace closedform

namespace closedform::enclosures {

using F = OperatorFacts;  // of the operator

Interval sum(const F& /*facts*/, const Interval& a, const Interval& b) {
    return {sum_of(a.low, b.low).below, sum_of(a.high, b.high).above};
}

Interval difference(const F& facts, const Interval& a, const Interval& b) {
    return sum(facts, a, negative(b));
}

Interval product(const F& /*facts*/, const Interval& a, const Interval& b) {
    return corners(a, b, product_of);
}

Interval quotient(const F& /*facts*/, const Interval& a, const Interval& b) { return divide(a, b); }

Interval reciprocal(const F& /*facts*/, const Interval& a, const Interval& /*b*/) {
    return divide({1.0, 1.0}, a);
}

Interval square(const F& /*facts*/, const Interval& a, const Interval& /*b*/) {
    const Interval size = size_of(a);
    return {product_of(size.low, size.low).below, product_of(size.high, size.high).above};
}

Interval magnitude(const F& /*facts*/, const Interval& a, const Interval& /*b*/) {
    return size_of(a);
}

Interval increasing(const F& facts, const Interval& a, const Interval& /*b*/) {
    return between(facts, facts.library(a.low, 0.0), facts.library(a.high, 0.0));
}

Interval decreasing(const F& facts, const Interval& a, const Interval& /*b*/) {
    return between(facts, facts.library(a.high, 0.0), facts.library(a.low, 0.0));
}

Interval growing(const F& facts, const Interval& a, const Interval& b) {
    return increasing(facts, size_of(a), b);
}

Interval exact(const F& facts, const Interval& a, const Interval& /*b*/) {
    return {facts.library(a.low, 0.0), facts.library(a.high, 0.0)};
}

Interval power(const F& facts, const Interval& a, const Interval& b) {
    const bool whole = b.low == b.high && b.low == std::round(b.low);
    const bool pole = a.contains(0.0) && b.low < 0.0;
    const Interval size = marked(power_of_size(facts, a, b), !pole);
    if (a.low >= 0.0 || (whole && std::fmod(b.low, 2.0) == 0.0)) {
        return size;
    }
    const Interval left = {a.low, std::min(a.high, 0.0)};
    const Interval right = {0.0, std::max(a.high, 0.0)};
    if (whole) {
        const Interval falling = marked(negative(power_of_size(facts, left, b)), !pole);
        return a.high < 0.0 ? falling
                            : hull(falling, marked(power_of_size(facts, right, b), !pole));
    }
    // A negative base has values at whole exponents alone, of either sign.
    const bool some = b.low != b.high && std::floor(b.high) >= std::ceil(b.low);
    const Interval positive =
        a.high >= 0.0 ? marked(power_of_size(facts, right, b), false) : nothing;
    return some ? marked(hull(hull(size, negative(size)), positive), false) : positive;
}

Interval sine(const F& facts, const Interval& a, const Interval& /*b*/) {
    return wave(facts, a, 0.5 * pi);
}

Interval cosine(const F& facts, const Interval& a, const Interval& /*b*/) {
    return wave(facts, a, 0.0);
}

Interval tangent(const F& facts, const Interval& a, const Interval& b) {
    if (std::isinf(a.low) || std::isinf(a.high) || meets(a, 0.5 * pi, pi)) {
        return {-infinity, infinity, false};
    }
    return increasing(facts, a, b);
}

Interval exponential(const F& facts, const Interval& a, const Interval& b) {
    const Interval result = increasing(facts, a, b);
    return {result.low, std::max(result.high, 4.0 * smallest)};  // where it is subnormal
}

Interval larger(const F& /*facts*/, const Interval& a, const Interval& b) {
    return {std::max(a.low, b.low), std::max(a.high, b.high)};
}

Interval smaller(const F& /*facts*/, const Interval& a, const Interval& b) {
    return {std::min(a.low, b.low), std::min(a.high, b.high)};
}

Interval comparison(const F& /*facts*/, const Interval& a, const Interval& b) {
    return {a.low > b.high ? 1.0 : 0.0, a.high > b.low ? 1.0 : 0.0};
}

}  // namespace closedform::enclosures
