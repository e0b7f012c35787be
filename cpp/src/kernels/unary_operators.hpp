#pragma once
// Value, first and second derivative of the operators of one operand at one row. `v` is the
// operator's own value, known from the forward pass. T: double, or float on a GPU. Slopes are those
// that core/operator_list.hpp has as text.

#include "kernels/elementary.hpp"

namespace closedform::kernels {

struct Unary {
    static constexpr int arity = 1;
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

/// Of operators that give both for the work of one.
template <class T>
struct ValueAndSlope {
    T value;
    T slope;
};
template <class F>
inline constexpr bool has_value_and_slope = requires(double a) { F::value_and_slope(a); };

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
    template <class T>
    CLOSEDFORM_HOST_DEVICE static ValueAndSlope<T> value_and_slope(T a) {
        const SinCos<T> both = sincos(a);
        return {both.sin, both.cos};
    }
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
    template <class T>
    CLOSEDFORM_HOST_DEVICE static ValueAndSlope<T> value_and_slope(T a) {
        const SinCos<T> both = sincos(a);
        return {both.cos, -both.sin};
    }
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
        return a > T(0.0) ? T(1.0) : (a < T(0.0) ? -T(1.0) : a);  // NaN of NaN
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

struct Erf : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return erf(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T a, T) {
        return T(1.1283791670955126) * exp(-(a * a));
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T a, T v) {
        return -T(2.0) * a * slope(a, v);
    }
};
struct Atan : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return atan(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T a, T) {
        return T(1.0) / (a * a + T(1.0));
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T a, T v) {
        const T s = slope(a, v);
        return -T(2.0) * a * s * s;
    }
};
struct Asin : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return asin(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T a, T) {
        return T(1.0) / square_root(T(1.0) - a * a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T a, T v) {
        const T s = slope(a, v);
        return a * s * s * s;
    }
};
struct Acos : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return acos(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T a, T v) {
        return -Asin::slope(a, v);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T a, T v) {
        return -Asin::curve(a, v);
    }
};
struct Sinh : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return sinh(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T a, T) {
        return cosh(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T, T v) {
        return v;
    }
};
struct Cosh : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return cosh(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T a, T) {
        return sinh(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T, T v) {
        return v;
    }
};
struct Log10 : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return log10(a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T a, T) {
        return T(0.4342944819032518) / a;
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T a, T) {
        return -T(0.4342944819032518) / (a * a);
    }
};
/// Zero's is zero, and that of what is not a number is none.
struct Sign : Unary {
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T value(T a) {
        return a > T(0.0) ? T(1.0) : (a < T(0.0) ? -T(1.0) : a);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T slope(T, T) {
        return T(0.0);
    }
    template <class T>
    CLOSEDFORM_HOST_DEVICE static T curve(T, T) {
        return T(0.0);
    }
};

}  // namespace closedform::kernels
