#pragma once
// Value and partial derivatives of every tape operator at one row. `v` is the operator's own value,
// known from the forward pass.

#include "closedform/kernels/elementary.hpp"

namespace closedform::kernels {

struct Add {
    CLOSEDFORM_HOST_DEVICE static double value(double a, double b) { return a + b; }
    CLOSEDFORM_HOST_DEVICE static double left(double, double, double) { return 1.0; }
    CLOSEDFORM_HOST_DEVICE static double right(double, double, double) { return 1.0; }
};
struct Sub {
    CLOSEDFORM_HOST_DEVICE static double value(double a, double b) { return a - b; }
    CLOSEDFORM_HOST_DEVICE static double left(double, double, double) { return 1.0; }
    CLOSEDFORM_HOST_DEVICE static double right(double, double, double) { return -1.0; }
};
struct Mul {
    CLOSEDFORM_HOST_DEVICE static double value(double a, double b) { return a * b; }
    CLOSEDFORM_HOST_DEVICE static double left(double, double b, double) { return b; }
    CLOSEDFORM_HOST_DEVICE static double right(double a, double, double) { return a; }
};
struct Div {
    CLOSEDFORM_HOST_DEVICE static double value(double a, double b) { return a / b; }
    CLOSEDFORM_HOST_DEVICE static double left(double, double b, double) { return 1.0 / b; }
    CLOSEDFORM_HOST_DEVICE static double right(double, double b, double v) { return -v / b; }
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
};

struct Sin {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return sincos(a).sin; }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) { return sincos(a).cos; }
};
struct Cos {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return sincos(a).cos; }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) { return -sincos(a).sin; }
};
struct Tan {
    CLOSEDFORM_HOST_DEVICE static double value(double a) {
        const SinCos both = sincos(a);
        return both.sin / both.cos;
    }
    CLOSEDFORM_HOST_DEVICE static double slope(double, double v) { return 1.0 + v * v; }
};
// The same for arguments too large for the reduction in sincos.
struct SinFar {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return ::sin(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) { return ::cos(a); }
};
struct CosFar {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return ::cos(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) { return -::sin(a); }
};
struct TanFar {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return ::tan(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double, double v) { return 1.0 + v * v; }
};
struct Exp {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return exp(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double, double v) { return v; }
};
struct Log {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return log(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) { return 1.0 / a; }
};
struct Sqrt {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return __builtin_sqrt(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double, double v) { return 0.5 / v; }
};
struct Square {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return a * a; }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) { return 2.0 * a; }
};
struct Cube {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return a * a * a; }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) { return 3.0 * a * a; }
};
struct Abs {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return __builtin_fabs(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double a, double) {
        return a > 0.0 ? 1.0 : (a < 0.0 ? -1.0 : 0.0);
    }
};
struct Tanh {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return tanh(a); }
    CLOSEDFORM_HOST_DEVICE static double slope(double, double v) { return 1.0 - v * v; }
};
struct Inv {
    CLOSEDFORM_HOST_DEVICE static double value(double a) { return 1.0 / a; }
    CLOSEDFORM_HOST_DEVICE static double slope(double, double v) { return -v * v; }
};

}  // namespace closedform::kernels
