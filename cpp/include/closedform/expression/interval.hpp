#pragma once
// What values an expression, or its gradient, can have where its inputs lie in intervals. Moore,
// Kearfott and Cloud, Introduction to Interval Analysis (SIAM 2009), chapters 2 to 6.

#include <limits>
#include <span>
#include <vector>

#include "closedform/expression/expression.hpp"

namespace closedform {

/// All numbers from low to high; none where low > high.
struct Interval {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
    /// Every point has a finite value. Where not, one may lie outside a domain, at a pole, or have
    /// a value too large for a double; low and high then hold for the points that have one, with
    /// everything they are computed from.
    bool defined = true;

    bool empty() const { return low > high; }
    bool contains(double value) const { return low <= value && value <= high; }
    bool operator==(const Interval&) const = default;
};

/// Encloses the values at all points of the box, the exact ones as well as those that `evaluate`
/// computes, on every instruction set: every operator rounds outwards, by one unit in the last
/// place where it is not exact, or by what its kernel and the C library are off by at most
/// (OperatorFacts::ulps). As tight as it can be for one operator; in expressions that read an input
/// twice it may be wider than the range. `box` has an interval an input. Throws
/// std::invalid_argument for one with no number in it, or for too few.
Interval enclose(const Tape& tape, std::span<const Interval> box);

/// The same for the derivatives by all inputs of the box, as `evaluate_gradient` has them. Where
/// an operand of abs, max or min may be at the kink, both slopes are in; sign and > have none where
/// they may jump.
std::vector<Interval> enclose_gradient(const Tape& tape, std::span<const Interval> box);

}  // namespace closedform
