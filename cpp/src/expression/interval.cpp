#include "closedform/expression/interval.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

#include "closedform/expression/infix.hpp"
#include "closedform/expression/operator_table.hpp"

namespace closedform {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double largest = std::numeric_limits<double>::max();
constexpr double smallest = std::numeric_limits<double>::denorm_min();
constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr double pi = 3.14159265358979323846;
constexpr int library_ulps = 2;  // most that the C library's functions are off by
constexpr int slope_ulps = 2;    // a slope's products may be rounded in another order

constexpr Interval nothing = {infinity, -infinity, false};

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
Rounded sum(double a, double b) {
    const double s = a + b;
    const double of_b = s - a;
    const double rest = (a - (s - of_b)) + (b - of_b);
    return rest == 0.0 ? Rounded{s, s} : rounded(s, rest);
}

/// Zero times infinity is zero: the infinity is a limit, no number takes its place.
Rounded product(double a, double b) {
    if (a == 0.0 || b == 0.0) {
        return {0.0, 0.0};
    }
    const double p = a * b;
    return rounded(p, std::fma(a, b, -p));
}

Rounded quotient(double a, double b) {
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

Interval add(const Interval& a, const Interval& b) {
    return {sum(a.low, b.low).below, sum(a.high, b.high).above};
}

Interval negative(const Interval& a) { return {-a.high, -a.low, a.defined}; }

Interval divide(const Interval& a, const Interval& b) {
    if (!b.contains(0.0)) {
        return corners(a, b, quotient);
    }
    if (b.low == 0.0 && b.high == 0.0) {
        return nothing;
    }
    // Each side of the pole by itself; at its edge a quotient is infinite, or zero over nothing.
    Interval result = nothing;
    const auto side = [&](double edge, double sign) {
        const auto over = [&](double x) {
            return Rounded{std::min(quotient(x, edge).below, x == 0.0 ? 0.0 : sign * x * infinity),
                           std::max(quotient(x, edge).above, x == 0.0 ? 0.0 : sign * x * infinity)};
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

/// The kernel's and the library's error added to both ends, within [low, high], which both keep to.
Interval widened(double from, double to, const OperatorFacts& facts, double low = -infinity,
                 double high = infinity) {
    const int ulps = facts.ulps + library_ulps;
    return {std::max(down(from, ulps), low), std::min(up(to, ulps), high)};
}

Interval increasing(const Interval& a, const OperatorFacts& facts, double low, double high) {
    return widened(facts.library(a.low, 0.0), facts.library(a.high, 0.0), facts, low, high);
}

/// Of |a|.
Interval magnitude(const Interval& a) {
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
Interval wave(const Interval& a, const OperatorFacts& facts, double top) {
    const double first = facts.library(a.low, 0.0);
    const double last = facts.library(a.high, 0.0);
    if (std::isinf(a.low) || std::isinf(a.high)) {
        return {-1.0, 1.0};
    }
    Interval result = widened(std::min(first, last), std::max(first, last), facts, -1.0, 1.0);
    if (meets(a, top, 2.0 * pi)) {
        result.high = 1.0;
    }
    if (meets(a, top + pi, 2.0 * pi)) {
        result.low = -1.0;
    }
    return result;
}

Interval tangent(const Interval& a, const OperatorFacts& facts) {
    if (std::isinf(a.low) || std::isinf(a.high) || meets(a, 0.5 * pi, pi)) {
        return {-infinity, infinity, false};
    }
    return increasing(a, facts, -infinity, infinity);
}

Interval comparison(bool always, bool sometimes) {
    return {always ? 1.0 : 0.0, sometimes ? 1.0 : 0.0};
}

/// |a|^b, with its pole at zero.
Interval power_of_magnitude(const Interval& a, const Interval& b, const OperatorFacts& facts) {
    Interval result = corners(magnitude(a), b, [&](double x, double y) {
        const double value = facts.library(x, y);
        const Interval wide = widened(value, value, facts, 0.0);
        return Rounded{wide.low, std::max(wide.high, smallest)};
    });
    return result;
}

Interval power(const Interval& a, const Interval& b, const OperatorFacts& facts) {
    const bool whole = b.low == b.high && b.low == std::round(b.low);
    const bool pole = a.contains(0.0) && b.low < 0.0;
    const Interval size = marked(power_of_magnitude(a, b, facts), !pole);
    if (a.low >= 0.0 || (whole && std::fmod(b.low, 2.0) == 0.0)) {
        return size;
    }
    const Interval left = {a.low, std::min(a.high, 0.0)};
    const Interval right = {0.0, std::max(a.high, 0.0)};
    if (whole) {
        const Interval falling = marked(negative(power_of_magnitude(left, b, facts)), !pole);
        return a.high < 0.0 ? falling
                            : hull(falling, marked(power_of_magnitude(right, b, facts), !pole));
    }
    // A negative base has values at whole exponents alone, of either sign.
    const bool some = b.low != b.high && std::floor(b.high) >= std::ceil(b.low);
    const Interval positive =
        a.high >= 0.0 ? marked(power_of_magnitude(right, b, facts), false) : nothing;
    return some ? marked(hull(hull(size, negative(size)), positive), false) : positive;
}

/// `a` within the domain; empty where it is outside.
Interval clipped(const Interval& a, const Domain& domain) {
    const bool inside = domain.open ? a.low > domain.low && a.high < domain.high
                                    : a.low >= domain.low && a.high <= domain.high;
    return {std::max(a.low, domain.low), std::min(a.high, domain.high),
            inside || (std::isinf(domain.low) && std::isinf(domain.high))};
}

Interval value_of(Op op, const Interval& a, const Interval& b) {
    const OperatorFacts& known = facts(op);
    switch (op) {
        case Op::constant:
        case Op::variable:
            break;
        case Op::add:
            return add(a, b);
        case Op::sub:
            return add(a, negative(b));
        case Op::mul:
            return corners(a, b, product);
        case Op::div:
            return divide(a, b);
        case Op::inv:
            return divide({1.0, 1.0}, a);
        case Op::pow:
            return power(a, b, known);
        case Op::sin:
            return wave(a, known, 0.5 * pi);
        case Op::cos:
            return wave(a, known, 0.0);
        case Op::tan:
            return tangent(a, known);
        case Op::exp: {
            const Interval result = increasing(a, known, 0.0, infinity);
            return {result.low, std::max(result.high, 4.0 * smallest)};
        }
        case Op::square: {
            const Interval size = magnitude(a);
            return {product(size.low, size.low).below, product(size.high, size.high).above};
        }
        case Op::cube:
            return widened(known.library(a.low, 0.0), known.library(a.high, 0.0), known);
        case Op::abs:
            return magnitude(a);
        case Op::tanh:
        case Op::erf:
            return increasing(a, known, -1.0, 1.0);
        case Op::log:
        case Op::log10:
        case Op::sqrt:
        case Op::atan:
        case Op::asin:
        case Op::sinh:
            return increasing(a, known, -infinity, infinity);
        case Op::acos:
            return widened(known.library(a.high, 0.0), known.library(a.low, 0.0), known, 0.0);
        case Op::cosh:
            return increasing(magnitude(a), known, 1.0, infinity);
        case Op::sign:
            return {known.library(a.low, 0.0), known.library(a.high, 0.0)};
        case Op::max:
            return {std::max(a.low, b.low), std::max(a.high, b.high)};
        case Op::min:
            return {std::min(a.low, b.low), std::min(a.high, b.high)};
        case Op::greater:
            return comparison(a.low > b.high, a.high > b.low);
    }
    return nothing;
}

Interval applied(Op op, const Interval& a, const Interval& b) {
    const OperatorFacts& known = facts(op);
    const bool binary = known.operands == 2;
    const Interval first = binary ? a : clipped(a, known.domain);
    if (first.empty() || (binary && b.empty())) {
        return nothing;
    }
    const Interval result = value_of(op, first, b);
    const bool finite = std::isfinite(result.low) && std::isfinite(result.high);
    return marked(result, finite && first.defined && a.defined && (!binary || b.defined));
}

/// Of every node. A tape's own size is at most 255, and so is this.
std::vector<Interval> values_of(const Tape& tape, std::span<const Interval> box) {
    std::vector<Interval> values(tape.size());
    for (std::size_t i = 0; i < tape.size(); ++i) {
        const Node& node = tape[i];
        if (node.op == Op::constant) {
            const bool number = std::isfinite(node.value);
            values[i] = number ? Interval{node.value, node.value} : nothing;
        } else if (node.op == Op::variable) {
            values[i] = box[static_cast<std::size_t>(node.variable)];
        } else {
            const bool binary = arity(node.op) == 2;
            const Interval& first = values[binary ? operands(tape, i).left : i - 1];
            values[i] = applied(node.op, first, values[i - 1]);
        }
    }
    return values;
}

/// Tapes of the table's slopes, in columns a, b and v.
const Tape& slope_tape(Op op, std::size_t k) {
    using Slopes = std::array<Tape, 2>;
    static const std::vector<Slopes> all = [] {
        const std::vector<std::string> names = {"a", "b", "v"};
        std::vector<Slopes> tapes(op_count);
        for (const Op each : OpSet::all().operators()) {
            for (int operand = 0; operand < arity(each); ++operand) {
                const auto at = static_cast<std::size_t>(operand);
                tapes[static_cast<std::size_t>(each)][at] = parse(facts(each).slopes[at], names);
            }
        }
        return tapes;
    }();
    return all[static_cast<std::size_t>(op)][k];
}

Interval slope_of(Op op, std::size_t k, const Interval& a, const Interval& b, const Interval& v) {
    const std::array<Interval, 3> abv = {a, b, v};
    const Interval slope = values_of(slope_tape(op, k), abv).back();
    const bool jumps = (op == Op::sign && a.contains(0.0)) ||
                       (op == Op::greater && a.high >= b.low && a.low <= b.high);
    return {down(slope.low, slope_ulps), up(slope.high, slope_ulps), slope.defined && !jumps};
}

void check(const Tape& tape, std::span<const Interval> box) {
    if (static_cast<std::size_t>(inputs_needed(tape)) > box.size()) {
        throw std::invalid_argument("box: has " + std::to_string(box.size()) +
                                    " intervals, the expression reads input " +
                                    std::to_string(inputs_needed(tape)));
    }
    for (std::size_t j = 0; j < box.size(); ++j) {
        const bool ordered = box[j].low <= box[j].high;  // not if one is no number
        if (!ordered || box[j].low == infinity || box[j].high == -infinity) {
            throw std::invalid_argument("box: the interval of input " + std::to_string(j + 1) +
                                        " has no number in it; give low <= high");
        }
    }
}

}  // namespace

Interval enclose(const Tape& tape, std::span<const Interval> box) {
    check(tape, box);
    return values_of(tape, box).back();
}

std::vector<Interval> enclose_gradient(const Tape& tape, std::span<const Interval> box) {
    check(tape, box);
    const std::vector<Interval> values = values_of(tape, box);
    const bool defined = values.back().defined;
    std::array<bool, max_tape_size> active{};
    for (std::size_t i = 0; i < tape.size(); ++i) {
        active[i] = tape[i].op == Op::variable;
    }
    mark_ancestors(tape, active);
    std::vector<Interval> adjoint(tape.size());
    adjoint.back() = {1.0, 1.0, defined};
    for (std::size_t i = tape.size(); i-- > 0;) {
        const Op op = tape[i].op;
        const auto pass = [&](std::size_t operand, std::size_t k, std::size_t first) {
            if (active[operand]) {
                const Interval slope = slope_of(op, k, values[first], values[i - 1], values[i]);
                adjoint[operand] = applied(Op::mul, adjoint[i], slope);
            }
        };
        if (!active[i] || arity(op) == 0) {
            continue;
        }
        const std::size_t first = arity(op) == 2 ? operands(tape, i).left : i - 1;
        pass(first, 0, first);
        if (arity(op) == 2) {
            pass(i - 1, 1, first);
        }
    }
    std::vector<Interval> gradient(box.size(), Interval{0.0, 0.0, defined});
    for (std::size_t i = 0; i < tape.size(); ++i) {
        if (tape[i].op == Op::variable) {
            Interval& total = gradient[static_cast<std::size_t>(tape[i].variable)];
            total = applied(Op::add, total, adjoint[i]);
        }
    }
    return gradient;
}

}  // namespace closedform
