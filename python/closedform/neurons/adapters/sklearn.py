"""scikit-learn's MLPClassifier and MLPRegressor, alone or behind scalers in a Pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np

from closedform.errors import InputError
from closedform.neurons.adapters import dense_stack
from closedform.neurons.adapters.neuron import Neuron, NeuronFunction
from closedform.tables.names import variable_names

_ACTIVATIONS = {"logistic": "sigmoid", "tanh": "tanh", "relu": "relu", "identity": "identity"}
_ENDS = {"logistic": "sigmoid", "exp": "exp", "identity": "identity"}
_SUPPORTED = "MLPClassifier, MLPRegressor, or a Pipeline of scalers and one of them"


def read(model: Any, neuron: Neuron) -> NeuronFunction:
    """A neuron of a fitted MLP. Layers are called "hidden1", "hidden2", ... and "output".

    Raises:
        InputError: not fitted, another kind of model, or no such neuron.
    """
    steps: list[dense_stack.Step] = []
    mlp = model
    if type(model).__name__ == "Pipeline":
        *before, (name, mlp) = model.steps
        for step_name, step in before:
            if step is not None and step != "passthrough":
                steps.append(_scaler(step_name, step))
        _check_mlp(mlp, f"step {name!r}")
    else:
        _check_mlp(mlp, "it")
    layers = list(zip(mlp.coefs_, mlp.intercepts_, strict=True))
    for number, (weights, bias) in enumerate(layers, start=1):
        last = number == len(layers)
        name = "output" if last else f"hidden{number}"
        steps.append(dense_stack.Dense(name, weights.T, bias))
        if not last:
            steps.append(dense_stack.Pointwise(name, _ACTIVATIONS[mlp.activation]))
        elif mlp.out_activation_ == "softmax":
            steps.append(dense_stack.Softmax(name))
        else:
            steps.append(dense_stack.Pointwise(name, _ENDS[mlp.out_activation_]))
    labels = getattr(model, "feature_names_in_", None)
    return dense_stack.neuron_function(
        steps, neuron, None if labels is None else variable_names(labels)
    )


def _check_mlp(mlp: Any, which: str) -> None:
    if type(mlp).__name__ not in ("MLPClassifier", "MLPRegressor"):
        raise InputError(f"model: {which} is a {type(mlp).__name__}; supported: {_SUPPORTED}")
    if not hasattr(mlp, "coefs_"):
        raise InputError(f"model: the {type(mlp).__name__} is not fitted; call fit(X, y) first")


def _scaler(name: str, step: Any) -> dense_stack.Affine:
    kind = type(step).__name__
    if not hasattr(step, "n_features_in_"):
        raise InputError(f"model: step {name!r} is not fitted; call fit(X, y) first")
    d = step.n_features_in_
    if kind == "StandardScaler":
        mean = step.mean_ if step.with_mean else np.zeros(d)
        scale = 1 / step.scale_ if step.with_std else np.ones(d)
        return dense_stack.Affine(name, scale, -mean * scale)
    if kind == "MinMaxScaler" and not step.clip:
        return dense_stack.Affine(name, step.scale_, step.min_)
    if kind == "MaxAbsScaler":
        return dense_stack.Affine(name, 1 / step.scale_, np.zeros(d))
    raise InputError(f"model: step {name!r}, a {kind}, is not supported; supported: {_SUPPORTED}")
