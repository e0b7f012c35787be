#pragma once
// What two columns together take of a target's square.

namespace closedform {

/// A column among two: its square, at most 1, and its product with the target.
struct PairColumn {
    double own = 0.0;
    double along = 0.0;
};

/// 0 where they are dependent. product: of both; least: share of a column's square that lies
/// outside the other, or is left of it, at least.
inline double pair_gain(const PairColumn& a, const PairColumn& b, double product, double least) {
    if (!(a.own > least && b.own > least)) {
        return 0.0;
    }
    const double squares = a.own * b.own;
    const double outside = squares - product * product;
    if (!(outside > least * squares)) {
        return 0.0;
    }
    const double taken = a.along * a.along * b.own + b.along * b.along * a.own;
    return (taken - 2.0 * a.along * b.along * product) / outside;
}

}  // namespace closedform
