#pragma once
// Value, first and second partial derivatives of every tape operator at one row. `v` is the
// operator's own value, known from the forward pass. For a tangent (p, q) of the operands (a, b),
// left_tangent and right_tangent are the tangents of the partial derivatives.

#include "closedform/kernels/elementary.hpp"

namespace closedform::kernels {

struct Add {
    CLOSEDFORM_HOST_DEVICE static double value(double a, double b) { return a + b; }
    CLOSEDFORM_HOST_DEVICE static double left(double, double, double) { return 1.0; }
    CLOSEDFORM_HOST_DEVICE static double right(double, double, double) { return 1.0; }
    CLOSEDFORM_HOST_DEVICE static double left_tangent(double, double, double, double, double) {
        return 0.0;
    }
    CLOSEDFORM_HOST_DEVICE static double right_tangent(double, double, double, double, double) {
        return 0.0;
    }
};
struct Sub {
    CLOSEDFORM_HOST_DEVICE static double value(double a, double b) { return a - b; }
    CLOSEDFORM_HOST_DEVICE static double left(double, double, double) { return 1.0; }
    CLOSEDFORM_HOST_DEVICE static double right(double, double, double) { return -1.0; }
    CLOSEDFORM_HOST_DEVICE static double left_tangent(double, double, double, double, double) {
        return 0.0;
    }
    CLOSEDFORM_HOST_DEVICE static double right_tangent(double, double, double, double, double) {
        return 0.0;
    }
};
struct Mul {
    CLOSEDFORM_HOST_DEVICE static double value(double a, double b) { return a * b; }
    CLOSEDFORM_HOST_DEVICE static double left(double, double b, double) { return b; }
    CLOSEDFORM_HOST_DEVICE static double right(double a, double, double) { return a; }
    CLOSEDFORM_HOST_DEVICE static double left_tangent(double, double, double, double, double q) {
        return q;
    }
    CLOSEDFORM_HOST_DEVICE static double right_tangent(double, double, double, double p, double) {
        return p;
    }
};
struct Div {
    CLOSEDFORM_HOST_DEVICE static double value(double a, double b) { return a / b; }
    CLOSEDFORM_HOST_DEVICE static double left(double, double b, double) { return 1.0 / b; }
    CLOSEDFORM_HOST_DEVICE static double right(double, double b, double v) { return -v / b; }
    CLOSEDFORM_HOST_DEVICE static double left_tangent(double, double b, double, double, double q) {
        return -q / (b * b);
    }
    CLOSEDFORM_HOST_DEVICE static double right_tangent(double, double b, double v, double p,
                                                       double q) {
        return (2.0 * v * q - p) / (b * b);
    }
};
struct Pow {
    CLOSEDFORM_HOST_DEVICE static double value(double a, double b) { return ::pow(a, b); }
    CLOSEDFORM_HOST_DEVICE static double left(double a, double b, double) {
        return b * ::pow(a, b - 1.0);
    }
    // 0^b is 0 for every b > 0: no slope, where v log(a) would be 0 * inf.
    CLOSEDFORM_HOST_DEVICE static double right(double a, double, double v) {
        return v == 0.0 ? 0.0 : v * log(a);
    }
    CLOSEDFORM_HOST_DEVICE static double left_tangent(double a, double b, double, double p,
                                                      double q) {
        const double lower = ::pow(a, b - 2.0);
        const double by_exponent = q == 0.0 ? 0.0 : q * a * lower * (1.0 + b * log(a));
        return p * b * (b - 1.0) * lower + by_exponent;
    }
    CLOSEDFORM_HOST_DEVICE static double right_tangent(double a, double b, double v, double p,
                                                       double q) {
        if (v == 0.0) {
            return 0.0;
        }
        const double l = log(a);
        return p * (v / a) * (1.0 + b * l) + q * v * l * l;
    }
};

struct Sin {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return sincos(a).sin; }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) { return sincos(a).cos; }
    CLOSEDFORM_HOST_DEVICE static double curve(double, double v) { return -v; }
};
struct Cos {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return sincos(a).cos; }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) { return -sincos(a).sin; }
    CLOSEDFORM_HOST_DEVICE static double curve(double, double v) { return -v; }
};
struct Tan {
    CLOSEDFORM_HOST_DEVICE static double value(double a) {
        const SinCos both = sincos(a);
        return both.sin / both.cos;
    }
    CLOSEDFORM_HOST_DEVICE static double slope(double, double v) { return 1.0 + v * v; }
    CLOSEDFORM_HOST_DEVICE static double curve(double, double v) { return 2.0 * v * (1.0 + v * v); }
};
// The same for arguments too large for the reduction in sincos.
struct SinFar {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return ::sin(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) { return ::cos(a); }
    CLOSEDFORM_HOST_DEVICE static double curve(double, double v) { return -v; }
};
struct CosFar {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return ::cos(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) { return -::sin(a); }
    CLOSEDFORM_HOST_DEVICE static double curve(double, double v) { return -v; }
};
struct TanFar {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return ::tan(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double, double v) { return 1.0 + v * v; }
    CLOSEDFORM_HOST_DEVICE static double curve(double, double v) { return 2.0 * v * (1.0 + v * v); }
};
struct Exp {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return exp(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double, double v) { return v; }
    CLOSEDFORM_HOST_DEVICE static double curve(double, double v) { return v; }
};
struct Log {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return log(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) { return 1.0 / a; }
    CLOSEDFORM_HOST_DEVICE static double curve(double a, double) { return -1.0 / (a * a); }
};
struct Sqrt {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return __builtin_sqrt(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double, double v) { return 0.5 / v; }
    CLOSEDFORM_HOST_DEVICE static double curve(double, double v) { return -0.25 / (v * v * v); }
};
struct Square {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return a * a; }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) { return 2.0 * a; }
    CLOSEDFORM_HOST_DEVICE static double curve(double, double) { return 2.0; }
};
struct Cube {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return a * a * a; }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) { return 3.0 * a * a; }
    CLOSEDFORM_HOST_DEVICE static double curve(double a, double) { return 6.0 * a; }
};
struct Abs {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return __builtin_fabs(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) {
        return a > 0.0 ? 1.0 : (a < 0.0 ? -1.0 : 0.0);
    }
    CLOSEDFORM_HOST_DEVICE static double curve(double, double) { return 0.0; }
};
struct Tanh {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return tanh(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double, double v) { return 1.0 - v * v; }
    CLOSEDFORM_HOST_DEVICE static double curve(double, double v) {
        return -2.0 * v * (1.0 - v * v);
    }
};
struct Inv {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return 1.0 / a; }
    CLOSEDFORM_HOST_DEVICE static double slope(double, double v) { return -v * v; }
    CLOSEDFORM_HOST_DEVICE static double curve(double, double v) { return 2.0 * v * v * v; }
};

}  // namespace closedform::kernels
