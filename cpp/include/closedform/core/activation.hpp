#pragma once
// The activations of neurons, as plain data (what they compute: cpp/src/kernels/activations.hpp).

namespace closedform {

/// The parameter beside it is the activation's own number, not read by those without one.
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

}  // namespace closedform
