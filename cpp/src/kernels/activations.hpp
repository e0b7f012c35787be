#pragma once
// Activations of neurons: value and slope together, for one number. At a kink (relu, leaky relu)
// the slope is the one from the left, as in every framework. NaN passes through.

#include <math.h>

#include "closedform/core/activation.hpp"
#include "kernels/elementary.hpp"
#include "kernels/host_device.hpp"

namespace closedform {

namespace kernels {

template <class T>
struct Response {
    T value;
    T slope;
};

template <class T>
CLOSEDFORM_HOST_DEVICE Response<T> sigmoid(T z) {
    // From exp(-|z|): neither end overflows, and the slope keeps its digits where it is tiny.
    const T e = exp(z < T(0.0) ? z : -z);
    const T inverse = T(1.0) / (T(1.0) + e);
    return {z < T(0.0) ? e * inverse : inverse, e * inverse * inverse};
}

template <class T>
CLOSEDFORM_HOST_DEVICE T softplus(T z) {
    const T e = exp(z < T(0.0) ? z : -z);
    const T u = T(1.0) + e;
    // log(1 + e) to full precision although 1 + e is rounded (Kahan).
    const T tail = u == T(1.0) ? e : log(u) * e / (u - T(1.0));
    return z > T(0.0) ? z + tail : tail;
}

/// Sine for |z| beyond CLOSEDFORM_SINCOS_LIMIT, up to which respond<Activation::sin> holds.
template <class T>
CLOSEDFORM_HOST_DEVICE Response<T> far_sine(T z) {
    return {::sin(z), ::cos(z)};
}

/// The smooth ones.
template <Activation kind, class T>
CLOSEDFORM_HOST_DEVICE Response<T> respond_smoothly(T z, T parameter) {
    if constexpr (kind == Activation::gelu) {
        const T below = T(0.5) * ::erfc(-T(0.70710678118654752440) * z);
        return {z * below, below + z * T(0.39894228040143267794) * exp(-T(0.5) * z * z)};
    } else if constexpr (kind == Activation::gelu_tanh) {
        const T scale = T(0.79788456080286535588);  // sqrt(2 / pi)
        const T t = tanh(scale * z * (T(1.0) + T(0.044715) * z * z));
        const T inner = scale * (T(1.0) + T(3.0) * T(0.044715) * z * z);
        return {T(0.5) * z * (T(1.0) + t),
                T(0.5) * (T(1.0) + t) + T(0.5) * z * (T(1.0) - t * t) * inner};
    } else if constexpr (kind == Activation::silu) {
        const Response<T> s = sigmoid(z);
        return {z * s.value, s.value + z * s.slope};
    } else if constexpr (kind == Activation::softplus) {
        return {softplus(parameter * z) / parameter, sigmoid(parameter * z).value};
    } else if constexpr (kind == Activation::tanh) {
        const T t = tanh(z);
        return {t, T(1.0) - t * t};
    } else if constexpr (kind == Activation::sigmoid) {
        return sigmoid(z);
    } else if constexpr (kind == Activation::sin) {
        const SinCos<T> both = sincos(z);
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

/// All of it in the precision of z, for GPUs: there float64 can cost 64 times as much.
template <class T>
CLOSEDFORM_HOST_DEVICE Response<T> respond_to(Activation kind, T z, T parameter) {
    switch (kind) {
        case Activation::identity:
            return respond<Activation::identity>(z, parameter);
        case Activation::relu:
            return respond<Activation::relu>(z, parameter);
        case Activation::leaky_relu:
            return respond<Activation::leaky_relu>(z, parameter);
        case Activation::elu:
            return respond<Activation::elu>(z, parameter);
        case Activation::gelu:
            return respond_smoothly<Activation::gelu>(z, parameter);
        case Activation::gelu_tanh:
            return respond_smoothly<Activation::gelu_tanh>(z, parameter);
        case Activation::silu:
            return respond_smoothly<Activation::silu>(z, parameter);
        case Activation::softplus:
            return respond_smoothly<Activation::softplus>(z, parameter);
        case Activation::tanh:
            return respond_smoothly<Activation::tanh>(z, parameter);
        case Activation::sigmoid:
            return respond_smoothly<Activation::sigmoid>(z, parameter);
        default:
            // float's own sine has no limit.
            return sizeof(T) == sizeof(double) && magnitude(z) > T(CLOSEDFORM_SINCOS_LIMIT)
                       ? far_sine(z)
                       : respond_smoothly<Activation::sin>(z, parameter);
    }
}

}  // namespace kernels
}  // namespace closedform
