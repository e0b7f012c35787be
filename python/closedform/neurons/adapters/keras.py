"""Keras 3 models: dense stacks natively, anything else through the backend's autograd."""

from __future__ import annotations

from typing import Any

import numpy as np

from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError
from closedform.neurons.adapters import dense_stack
from closedform.neurons.adapters.blocks import by_blocks
from closedform.neurons.adapters.neuron import (
    Neuron,
    NeuronFunction,
    output_index,
    split_neuron,
    unknown_layer,
)

# Layers that do nothing to rows of numbers outside training.
_SILENT = (
    "InputLayer Identity Dropout AlphaDropout GaussianDropout GaussianNoise "
    "ActivityRegularization Flatten"
).split()
# keras.activations that need no number of their own, and those whose default is meant by the name.
_NAMED: dict[str, tuple[str, float]] = {
    "linear": ("identity", 0.0),
    "relu": ("relu", 0.0),
    "leaky_relu": ("leaky_relu", 0.2),
    "elu": ("elu", 1.0),
    "gelu": ("gelu", 0.0),
    "silu": ("silu", 0.0),
    "softplus": ("softplus", 1.0),
    "tanh": ("tanh", 0.0),
    "sigmoid": ("sigmoid", 0.0),
}


def read(model: Any, neuron: Neuron) -> NeuronFunction:
    """A neuron of a Keras model, evaluated as outside training.

    Raises:
        InputError: not built, no such neuron, or a backend whose autograd is not supported.
    """
    if not model.built or not model.layers:
        raise InputError("model: is not built; call it on data (or give it an Input) first")
    steps = _steps(model)
    if steps is not None:
        return dense_stack.neuron_function(steps, neuron)
    return _through_backend(model, neuron)


def _steps(model: Any) -> list[dense_stack.Step] | None:
    """The model as a dense stack, or None if it is something else."""
    try:
        chain = all(
            after.input is before.output
            for before, after in zip(model.layers, model.layers[1:], strict=False)
        )
        chain = chain and model.outputs[0] is model.layers[-1].output and len(model.outputs) == 1
    except (AttributeError, ValueError):  # a layer used twice, or a model that is only a `call`
        return None
    if not chain:
        return None
    steps: list[dense_stack.Step] = []
    for layer in model.layers:
        inner = _layer_steps(layer)
        if inner is None:
            return None
        steps += inner
    return steps if any(isinstance(step, dense_stack.Dense) for step in steps) else None


def _layer_steps(layer: Any) -> list[dense_stack.Step] | None:
    import keras

    kind, name = type(layer).__name__, layer.name
    if type(layer).__module__.split(".")[0] != "keras":  # a subclass may do anything
        return None
    if kind in _SILENT:
        return [dense_stack.Pointwise(name, "identity")]
    if kind == "Dense":
        weights = _numbers(layer.kernel).T
        bias = _numbers(layer.bias) if layer.use_bias else np.zeros(len(weights))
        activation = _activation(name, layer.activation)
        return None if activation is None else [dense_stack.Dense(name, weights, bias), activation]
    if kind == "Activation":
        activation = _activation(name, layer.activation)
        return None if activation is None else [activation]
    if kind == "Softmax":
        return [dense_stack.Softmax(name)] if layer.axis in (-1, 1) else None
    if kind == "ReLU" and layer.max_value is None and layer.threshold == 0:
        return [dense_stack.Pointwise(name, "leaky_relu", float(layer.negative_slope))]
    if kind == "LeakyReLU":
        return [dense_stack.Pointwise(name, "leaky_relu", float(layer.negative_slope))]
    if kind == "ELU":
        return [dense_stack.Pointwise(name, "elu", float(layer.alpha))]
    if kind == "BatchNormalization" and layer.axis in (-1, 1):
        mean, variance = _numbers(layer.moving_mean), _numbers(layer.moving_variance)
        scale = 1 / np.sqrt(variance.astype(np.float64) + layer.epsilon)
        if layer.scale:
            scale = scale * _numbers(layer.gamma)
        shift = -mean * scale + (_numbers(layer.beta) if layer.center else 0.0)
        return [dense_stack.Affine(name, scale, shift)]
    if kind == "Normalization" and not layer.invert and np.ndim(layer.mean) == 2:
        deviation = np.sqrt(_numbers(layer.variance)[0].astype(np.float64))
        scale = 1 / np.maximum(deviation, keras.config.epsilon())
        return [dense_stack.Affine(name, scale, -_numbers(layer.mean)[0] * scale)]
    return None


def _activation(name: str, function: Any) -> dense_stack.Step | None:
    import keras

    if isinstance(function, keras.layers.Layer):
        steps = _layer_steps(function)
        return steps[0] if steps is not None and len(steps) == 1 else None
    known = getattr(function, "__name__", "")
    if getattr(keras.activations, known, None) is not function:
        return None
    if known in ("softmax", "log_softmax"):
        return dense_stack.Softmax(name)
    return dense_stack.Pointwise(name, *_NAMED[known]) if known in _NAMED else None


def _numbers(variable: Any) -> Any:
    import keras

    values = keras.ops.convert_to_numpy(variable)
    return values if values.dtype == np.float64 else values.astype(np.float32)


def _through_backend(model: Any, neuron: Neuron) -> NeuronFunction:
    import keras

    backend = keras.backend.backend()
    if backend not in _GRADIENTS:
        raise InputError(
            f"model: is not a plain dense stack, and gradients through the backend {backend!r} "
            f"are not supported; use KERAS_BACKEND={' or '.join(_GRADIENTS)}"
        )
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 2:
        raise InputError(
            "model: takes something else than one (n, d) input; wrap it in one that does"
        )
    layer, index = split_neuron(neuron)
    if layer is None:
        part, end, removed = _without_end(model)
        where = "the output"
    else:
        known = [candidate.name for candidate in model.layers]
        if layer not in known:
            raise unknown_layer(layer, known)
        part, end, removed = keras.Model(model.inputs[0], model.get_layer(layer).output), "", ""
        where = f"layer {layer!r}"
    if len(part.outputs) != 1 or len(part.outputs[0].shape) != 2:
        raise InputError(f"neuron: {where} does not give (n, k) numbers; flatten it")
    k = output_index(index, part.outputs[0].shape[1], where, classes=end == "softmax")
    ops = keras.ops

    def f(x: Any) -> Any:
        z = part(x, training=False)
        if end != "softmax":
            return z[:, k]
        others = ops.concatenate([z[:, :k], z[:, k + 1 :]], axis=1)
        return z[:, k] - ops.logsumexp(others, axis=1)

    dtype = part.inputs[0].dtype
    gradient_of = _GRADIENTS[backend]

    def value(X: FloatMatrix, threads: int) -> Floats:
        def block_value(block: FloatMatrix) -> Any:
            return ops.convert_to_numpy(f(ops.convert_to_tensor(np.array(block, dtype))))

        return by_blocks(X, None, block_value)

    def gradient(X: FloatMatrix, threads: int) -> Floats:
        def block_gradient(block: FloatMatrix) -> Any:
            x = ops.convert_to_tensor(np.array(block, dtype))
            return ops.convert_to_numpy(gradient_of(f, x))

        return by_blocks(X, X.shape[1], block_gradient)

    what = f"output {k}" if layer is None else f"neuron {k} of layer {layer!r}"
    return NeuronFunction(
        inputs=part.inputs[0].shape[1],
        value=value,
        gradient=gradient,
        classifier=lambda _: end != "",
        description=f"{what}{removed}; through Keras on {backend}",
    )


def _without_end(model: Any) -> tuple[Any, str, str]:
    """The model up to the input of a final sigmoid or softmax, which of the two it was (or ""), and
    what to say about it."""
    import keras

    last = model.layers[-1]
    unseen = model, "", f", as it is: no sigmoid or softmax is seen in {last.name!r}"
    if len(model.outputs) != 1 or model.outputs[0] is not last.output:
        return unseen
    steps = _layer_steps(last)
    if steps is None:
        return unseen
    end = steps[-1]
    if isinstance(end, dense_stack.Softmax):
        kind, said = "softmax", f", log-odds in place of the softmax of {last.name!r}"
    elif isinstance(end, dense_stack.Pointwise) and end.kind == "sigmoid":
        kind, said = "sigmoid", f", without the sigmoid of {last.name!r}"
    else:
        return model, "", ""
    logits = last.input
    if type(last).__name__ == "Dense":
        logits = keras.ops.matmul(logits, keras.ops.convert_to_tensor(last.kernel))
        if last.use_bias:
            logits = logits + keras.ops.convert_to_tensor(last.bias)
    return keras.Model(model.inputs[0], logits), kind, said


def _jax_gradient(f: Any, x: Any) -> Any:
    import jax

    return jax.grad(lambda rows: f(rows).sum())(x)


def _torch_gradient(f: Any, x: Any) -> Any:
    import torch

    with torch.enable_grad():
        rows = x.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(f(rows).sum(), rows)
    return gradient


_GRADIENTS = {"jax": _jax_gradient, "torch": _torch_gradient}
