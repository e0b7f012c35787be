#pragma once
// Value, first and second partial derivatives of the operators of two operands at one row. `v` is
// the operator's own value, known from the forward pass. For a tangent (p, q) of the operands
// (a, b), left_tangent and right_tangent are the tangents of the partial derivatives. T: double, or
// float on a GPU. Slopes are those that core/operator_list.hpp has as text.

#include "kernels/elementary.hpp"

namespace closedform::kernels {

struct Binary {
    static constexpr int arity = 2;
};

/// Linear, at least in pieces: without second derivatives.
struct PiecewiseLinear : Binary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left_tangent(T, T, T, T, T) {
        return T(0.0);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right_tangent(T, T, T, T, T) {
        return T(0.0);
    }
};

struct Add : PiecewiseLinear {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a, T b) {
        return a + b;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left(T, T, T) {
        return T(1.0);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right(T, T, T) {
        return T(1.0);
    }
};
struct Sub : PiecewiseLinear {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a, T b) {
        return a - b;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left(T, T, T) {
        return T(1.0);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right(T, T, T) {
        return -T(1.0);
    }
};
struct Mul : Binary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a, T b) {
        return a * b;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left(T, T b, T) {
        return b;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right(T a, T, T) {
        return a;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left_tangent(T, T, T, T, T q) {
        return q;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right_tangent(T, T, T, T p, T) {
        return p;
    }
};
struct Div : Binary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a, T b) {
        return a / b;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left(T, T b, T) {
        return T(1.0) / b;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right(T, T b, T v) {
        return -v * (T(1.0) / b);  // the left one's quotient, where both are wanted
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left_tangent(T, T b, T, T, T q) {
        return -q / (b * b);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right_tangent(T, T b, T v, T p, T q) {
        return (T(2.0) * v * q - p) / (b * b);
    }
};
struct Pow : Binary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a, T b) {
        return ::pow(a, b);
    }
    // a^0 is 1 and a^1 is a, at 0 too, where a lower power would be infinite.
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left(T a, T b, T) {
        return b == T(0.0) ? T(0.0) : b * ::pow(a, b - T(1.0));
    }
    // 0^b is 0 for every b > 0: no slope, where v log(a) would be 0 * inf. A negative base has
    // values at integer exponents alone; in between, |a|^b stands for it.
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right(T a, T, T v) {
        return v == T(0.0) ? T(0.0) : v * log(magnitude(a));
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left_tangent(T a, T b, T, T p, T q) {
        const T lower = ::pow(a, b - T(2.0));
        const T by_exponent =
            q == T(0.0) ? T(0.0) : q * a * lower * (T(1.0) + b * log(magnitude(a)));
        const T factor = b * (b - T(1.0));
        return (factor == T(0.0) ? T(0.0) : p * factor * lower) + by_exponent;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right_tangent(T a, T b, T v, T p, T q) {
        if (v == T(0.0)) {
            return T(0.0);
        }
        const T l = log(magnitude(a));
        return p * (v / a) * (T(1.0) + b * l) + q * v * l * l;
    }
};

/// Not a number where one of the two is not, as the library's is not.
struct Max : PiecewiseLinear {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a, T b) {
        return a < b ? b : (b != b ? b : a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left(T a, T b, T) {
        return b > a ? T(0.0) : T(1.0);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right(T a, T b, T) {
        return b > a ? T(1.0) : T(0.0);
    }
};
struct Min : PiecewiseLinear {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a, T b) {
        return a > b ? b : (b != b ? b : a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left(T a, T b, T) {
        return a > b ? T(0.0) : T(1.0);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right(T a, T b, T) {
        return a > b ? T(1.0) : T(0.0);
    }
};
/// 0 where one of the two is not a number, as comparisons are everywhere.
struct Greater : PiecewiseLinear {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a, T b) {
        return a > b ? T(1.0) : T(0.0);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left(T, T, T) {
        return T(0.0);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right(T, T, T) {
        return T(0.0);
    }
};

}  // namespace closedform::kernels
