#pragma once
// Activations of neurons: value and slope together, for one number. At a kink (relu, leaky relu)
// the slope is the one from the left, as in every framework. NaN passes through.

#include <math.h>

#include "closedform/kernels/elementary.hpp"
#include "closedform/kernels/host_device.hpp"

namespace closedform {

/// `parameter` below is the activation's own number, not read by those without one.
enum class Activation {
    identity,
    relu,
    leaky_relu,  ///< parameter: the slope below zero
    elu,         ///< parameter: minus the limit at minus infinity
    gelu,        ///< z Phi(z), Phi the normal distribution
    gelu_tanh,   ///< the same with Phi approximated by tanh (Hendrycks and Gimpel 2016)
    silu,        ///< z sigmoid(z)
    softplus,    ///< log(1 + exp(parameter z)) / parameter
    tanh,
    sigmoid,
    sin
};

namespace kernels {

template <class T>
struct Response {
    T value;
    T slope;
};

CLOSEDFORM_HOST_DEVICE Response<double> sigmoid(double z) {
    // From exp(-|z|): neither end overflows, and the slope keeps its digits where it is tiny.
    const double e = exp(z < 0.0 ? z : -z);
    const double inverse = 1.0 / (1.0 + e);
    return {z < 0.0 ? e * inverse : inverse, e * inverse * inverse};
}

CLOSEDFORM_HOST_DEVICE double softplus(double z) {
    const double e = exp(z < 0.0 ? z : -z);
    const double u = 1.0 + e;
    // log(1 + e) to full precision although 1 + e is rounded (Kahan).
    const double tail = u == 1.0 ? e : log(u) * e / (u - 1.0);
    return z > 0.0 ? z + tail : tail;
}

/// Sine for |z| beyond CLOSEDFORM_SINCOS_LIMIT, up to which respond<Activation::sin> holds.
CLOSEDFORM_HOST_DEVICE Response<double> far_sine(double z) { return {::sin(z), ::cos(z)}; }

/// The smooth ones.
template <Activation kind>
CLOSEDFORM_HOST_DEVICE Response<double> respond_smoothly(double z, double parameter) {
    if constexpr (kind == Activation::gelu) {
        const double below = 0.5 * ::erfc(-0.70710678118654752440 * z);
        return {z * below, below + z * 0.39894228040143267794 * exp(-0.5 * z * z)};
    } else if constexpr (kind == Activation::gelu_tanh) {
        const double scale = 0.79788456080286535588;  // sqrt(2 / pi)
        const double t = tanh(scale * z * (1.0 + 0.044715 * z * z));
        const double inner = scale * (1.0 + 3.0 * 0.044715 * z * z);
        return {0.5 * z * (1.0 + t), 0.5 * (1.0 + t) + 0.5 * z * (1.0 - t * t) * inner};
    } else if constexpr (kind == Activation::silu) {
        const Response<double> s = sigmoid(z);
        return {z * s.value, s.value + z * s.slope};
    } else if constexpr (kind == Activation::softplus) {
        return {softplus(parameter * z) / parameter, sigmoid(parameter * z).value};
    } else if constexpr (kind == Activation::tanh) {
        const double t = tanh(z);
        return {t, 1.0 - t * t};
    } else if constexpr (kind == Activation::sigmoid) {
        return sigmoid(z);
    } else if constexpr (kind == Activation::sin) {
        const SinCos<double> both = sincos(z);
        return {both.sin, both.cos};
    }
}

/// In the precision of z what is cheap there; the smooth ones are widened to float64.
template <Activation kind, class T>
CLOSEDFORM_HOST_DEVICE Response<T> respond(T z, T parameter) {
    const T zero = 0;
    const T one = 1;
    if constexpr (kind == Activation::identity) {
        return {z, one};
    } else if constexpr (kind == Activation::relu) {
        return {z <= zero ? zero : z, z <= zero ? zero : one};
    } else if constexpr (kind == Activation::leaky_relu) {
        return {z <= zero ? parameter * z : z, z <= zero ? parameter : one};
    } else if constexpr (kind == Activation::elu) {
        const T e = exp_minus_one(z <= zero ? z : zero);
        return {z <= zero ? parameter * e : z, z <= zero ? parameter * (e + one) : one};
    } else {
        const Response<double> wide =
            respond_smoothly<kind>(static_cast<double>(z), static_cast<double>(parameter));
        return {static_cast<T>(wide.value), static_cast<T>(wide.slope)};
    }
}

}  // namespace kernels
}  // namespace closedform
