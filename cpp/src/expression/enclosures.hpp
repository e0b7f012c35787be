#pragma once
// Interval extensions of the operators (expression/interval.hpp says what they hold): functions
// that the entries of core/operator_list.hpp name. A new operator that rises or falls on its whole
// domain takes one that is here.

#include "closedform/expression/interval.hpp"
#include "closedform/expression/operator_table.hpp"

namespace closedform {

/// Of no number at all.
inline constexpr Interval nothing = {std::numeric_limits<double>::infinity(),
                                     -std::numeric_limits<double>::infinity(), false};

/// Widened to either side by so many units in the last place.
Interval widened(const Interval& a, int ulps);

}  // namespace closedform

namespace closedform::enclosures {

// Arithmetic, each bound rounded outwards where it is not exact.
Interval sum(const OperatorFacts& facts, const Interval& a, const Interval& b);
Interval difference(const OperatorFacts& facts, const Interval& a, const Interval& b);
Interval product(const OperatorFacts& facts, const Interval& a, const Interval& b);
Interval quotient(const OperatorFacts& facts, const Interval& a, const Interval& b);
Interval reciprocal(const OperatorFacts& facts, const Interval& a, const Interval& b);
Interval square(const OperatorFacts& facts, const Interval& a, const Interval& b);
Interval magnitude(const OperatorFacts& facts, const Interval& a, const Interval& b);

// By `library` at the ends, off by at most OperatorFacts::ulps, within the range.
Interval increasing(const OperatorFacts& facts, const Interval& a, const Interval& b);
Interval decreasing(const OperatorFacts& facts, const Interval& a, const Interval& b);
/// Even, and increasing with |a|.
Interval growing(const OperatorFacts& facts, const Interval& a, const Interval& b);
/// Not decreasing, and without any error.
Interval exact(const OperatorFacts& facts, const Interval& a, const Interval& b);

// Of one operator each.
Interval power(const OperatorFacts& facts, const Interval& a, const Interval& b);
Interval sine(const OperatorFacts& facts, const Interval& a, const Interval& b);
Interval cosine(const OperatorFacts& facts, const Interval& a, const Interval& b);
Interval tangent(const OperatorFacts& facts, const Interval& a, const Interval& b);
Interval exponential(const OperatorFacts& facts, const Interval& a, const Interval& b);
Interval larger(const OperatorFacts& facts, const Interval& a, const Interval& b);
Interval smaller(const OperatorFacts& facts, const Interval& a, const Interval& b);
Interval comparison(const OperatorFacts& facts, const Interval& a, const Interval& b);

}  // namespace closedform::enclosures
