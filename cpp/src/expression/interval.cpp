#include "closedform/expression/interval.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

#include "closedform/expression/infix.hpp"
#include "closedform/expression/operator_table.hpp"
#include "expression/enclosures.hpp"

namespace closedform {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr int slope_ulps = 2;  // a slope's products may be rounded in another order

/// `a` within the domain; empty where it is outside.
Interval clipped(const Interval& a, const Domain& domain) {
    const bool inside = domain.open ? a.low > domain.low && a.high < domain.high
                                    : a.low >= domain.low && a.high <= domain.high;
    return {std::max(a.low, domain.low), std::min(a.high, domain.high),
            inside || (std::isinf(domain.low) && std::isinf(domain.high))};
}

Interval applied(Op op, const Interval& a, const Interval& b) {
    const OperatorFacts& known = facts(op);
    const bool binary = known.operands == 2;
    const auto is = [](const Interval& interval, double value) {
        return interval.defined && interval.low == value && interval.high == value;
    };
    if (known.one_whatever && (is(a, 1.0) || is(b, 0.0))) {
        return {1.0, 1.0};
    }
    const Interval first = binary ? a : clipped(a, known.domain);
    if (first.empty() || (binary && b.empty())) {
        return nothing;
    }
    Interval result = known.enclosure(known, first, b);
    const bool finite = std::isfinite(result.low) && std::isfinite(result.high);
    result.defined =
        result.defined && finite && first.defined && a.defined && (!binary || b.defined);
    return result;
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
    Interval slope = values_of(slope_tape(op, k), abv).back();
    const Interval other = arity(op) == 2 ? b : Interval{0.0, 0.0};
    const bool jumps = facts(op).jumps && a.high >= other.low && a.low <= other.high;
    slope.defined = slope.defined && !jumps;
    return widened(slope, slope_ulps);
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
