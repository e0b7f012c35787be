#pragma once
// Value, first and second partial derivatives of every tape operator at one row. `v` is the
// operator's own value, known from the forward pass. For a tangent (p, q) of the operands (a, b),
// left_tangent and right_tangent are the tangents of the partial derivatives. T: double, or float
// on a GPU. Slopes are those that core/operator_list.hpp has as text.

#include "kernels/elementary.hpp"

namespace closedform::kernels {

struct Unary {
    static constexpr int arity = 1;
};
struct Binary {
    static constexpr int arity = 2;
};

struct Add : Binary {
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
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left_tangent(T, T, T, T, T) {
        return T(0.0);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right_tangent(T, T, T, T, T) {
        return T(0.0);
    }
};
struct Sub : Binary {
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
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left_tangent(T, T, T, T, T) {
        return T(0.0);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right_tangent(T, T, T, T, T) {
        return T(0.0);
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
        return -v / b;
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
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left(T a, T b, T) {
        return b * ::pow(a, b - T(1.0));
    }
    // 0^b is 0 for every b > 0: no slope, where v log(a) would be 0 * inf.
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right(T a, T, T v) {
        return v == T(0.0) ? T(0.0) : v * log(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T left_tangent(T a, T b, T, T p, T q) {
        const T lower = ::pow(a, b - T(2.0));
        const T by_exponent = q == T(0.0) ? T(0.0) : q * a * lower * (T(1.0) + b * log(a));
        return p * b * (b - T(1.0)) * lower + by_exponent;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T right_tangent(T a, T b, T v, T p, T q) {
        if (v == T(0.0)) {
            return T(0.0);
        }
        const T l = log(a);
        return p * (v / a) * (T(1.0) + b * l) + q * v * l * l;
    }
};

/// How sin, cos and tan come by their values: by the reduction in sincos, which has a limit ...
struct NearAngle {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T sin(T a) {
        return sincos(a).sin;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T cos(T a) {
        return sincos(a).cos;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T tan(T a) {
        const SinCos<T> both = sincos(a);
        return both.sin / both.cos;
    }
};
/// ... or by the library.
struct FarAngle {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T sin(T a) {
        return ::sin(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T cos(T a) {
        return ::cos(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T tan(T a) {
        return ::tan(a);
    }
};

template <class Angle>
struct SinBy : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return Angle::sin(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T a, T) {
        return Angle::cos(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T, T v) {
        return -v;
    }
};
struct Sin : SinBy<NearAngle> {
    using OfFarAngle = SinBy<FarAngle>;
};
template <class Angle>
struct CosBy : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return Angle::cos(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T a, T) {
        return -Angle::sin(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T, T v) {
        return -v;
    }
};
struct Cos : CosBy<NearAngle> {
    using OfFarAngle = CosBy<FarAngle>;
};
template <class Angle>
struct TanBy : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return Angle::tan(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T, T v) {
        return T(1.0) + v * v;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T, T v) {
        return T(2.0) * v * (T(1.0) + v * v);
    }
};
struct Tan : TanBy<NearAngle> {
    using OfFarAngle = TanBy<FarAngle>;
};
struct Exp : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return exp(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T, T v) {
        return v;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T, T v) {
        return v;
    }
};
struct Log : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return log(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T a, T) {
        return T(1.0) / a;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T a, T) {
        return -T(1.0) / (a * a);
    }
};
struct Sqrt : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return square_root(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T, T v) {
        return T(0.5) / v;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T, T v) {
        return -T(0.25) / (v * v * v);
    }
};
struct Square : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return a * a;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T a, T) {
        return T(2.0) * a;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T, T) {
        return T(2.0);
    }
};
struct Cube : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return a * a * a;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T a, T) {
        return T(3.0) * a * a;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T a, T) {
        return T(6.0) * a;
    }
};
struct Abs : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return magnitude(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T a, T) {
        return a > T(0.0) ? T(1.0) : (a < T(0.0) ? -T(1.0) : T(0.0));
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T, T) {
        return T(0.0);
    }
};
struct Tanh : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return tanh(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T, T v) {
        return T(1.0) - v * v;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T, T v) {
        return -T(2.0) * v * (T(1.0) - v * v);
    }
};
struct Inv : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return T(1.0) / a;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T, T v) {
        return -v * v;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T, T v) {
        return T(2.0) * v * v * v;
    }
};

}  // namespace closedform::kernels
