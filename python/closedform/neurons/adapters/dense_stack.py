"""Stacks of dense layers, run by the C++ core: what every framework's plain networks become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from closedform import _core
from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError
from closedform.neurons.adapters.neuron import (
    Neuron,
    NeuronFunction,
    always,
    never,
    output_index,
    split_neuron,
    unknown_layer,
)


@dataclass(frozen=True)
class Dense:
    """x -> W x + b; `weights` (outputs, inputs), `bias` (outputs,)."""

    name: str
    weights: npt.NDArray[Any]
    bias: npt.NDArray[Any]


@dataclass(frozen=True)
class Affine:
    """x -> scale x + shift, input by input, both (inputs,): scalers and batch normalisation."""

    name: str
    scale: Floats
    shift: Floats


@dataclass(frozen=True)
class Pointwise:
    """x -> activation(x); `kind` as the core calls it, or "exp", which only an output may have."""

    name: str
    kind: str
    parameter: float = 0.0


@dataclass(frozen=True)
class Softmax:
    """Over all outputs; its logarithm counts as the same."""

    name: str


Step: TypeAlias = Dense | Affine | Pointwise | Softmax


@dataclass
class _Layer:
    """A dense layer and its activation, as the core takes them."""

    weights: npt.NDArray[Any]
    bias: npt.NDArray[Any]
    activation: str = "identity"
    parameter: float = 0.0


def neuron_function(
    steps: Sequence[Step],
    neuron: Neuron,
    names: tuple[str, ...] | None = None,
    inner: str | None = None,
) -> NeuronFunction:
    """The neuron of a stack. A sigmoid or exp at its very end is removed (f changes by a monotone
    function only), a softmax there becomes the class's log-odds.

    Args:
        inner: the name of the layer the steps end with, where it is not the model's output.

    Raises:
        InputError: no such neuron; nothing dense in the stack; a softmax before its end.
    """
    layer, index = split_neuron(neuron)
    wanted = list(steps)
    if layer is not None:
        ends = [i for i, s in enumerate(steps) if s.name == layer or s.name.startswith(layer + ".")]
        if not ends:
            raise unknown_layer(layer, list(dict.fromkeys(step.name for step in steps)))
        wanted = wanted[: ends[-1] + 1]
    is_output = len(wanted) == len(steps) and inner is None
    layer = inner if inner is not None else layer
    where = "the output" if is_output else f"layer {layer!r}"
    while len(wanted) > 1 and isinstance(wanted[-1], Pointwise) and wanted[-1].kind == "identity":
        wanted.pop()  # a dropout behind a sigmoid must not hide it
    end = wanted[-1]
    head, removed, classifier = "neuron", "", False
    if isinstance(end, Softmax):
        wanted.pop()
        head, classifier = "log_odds", is_output
        removed = f", log-odds in place of the softmax of {end.name!r}"
    elif is_output and isinstance(end, Pointwise) and end.kind in ("sigmoid", "exp"):
        wanted.pop()
        classifier = end.kind == "sigmoid"
        removed = f", without the {end.kind} of {end.name!r}"
    for step in wanted:
        if isinstance(step, Softmax):
            raise InputError(f"model: layer {step.name!r} is a softmax before the end, unsupported")
    layers = _layers(wanted, plain_end=head == "log_odds")
    width = len(layers[-1].bias)
    if head == "log_odds" and width < 2:
        raise InputError(f"model: the softmax of {end.name!r} has one class, which says nothing")
    k = output_index(index, width, where, classes=head == "log_odds")
    single = all(s.weights.dtype != np.float64 for s in wanted if isinstance(s, Dense))
    native = _Native(layers, single, head, k)
    what = f"output {k}" if is_output else f"neuron {k} of layer {layer!r}"
    kind = f"{len(layers)} dense layers, native, {'float32' if single else 'float64'}"
    return NeuronFunction(
        inputs=layers[0].weights.shape[1],
        value=native.value,
        gradient=native.gradient,
        classifier=always if classifier else never,
        description=f"{what}{removed}; {kind}",
        names=names,
        on_gpu=native.on_gpu,
    )


@dataclass
class _Native:
    """One number of the layers, computed by the core; a pickle has the layers alone."""

    layers: Sequence[_Layer]
    single: bool
    head: str
    k: int

    @cached_property
    def core(self) -> _core.NetworkFloat32 | _core.NetworkFloat64:
        return _core_network(self.layers, self.single)

    def value(self, X: FloatMatrix, threads: int) -> Floats:
        return self.core.value(X, self.head, len(self.layers) - 1, self.k, threads)

    def gradient(self, X: FloatMatrix, threads: int) -> Floats:
        return self.core.gradient(X, self.head, len(self.layers) - 1, self.k, threads)

    def on_gpu(self, X: FloatMatrix | _core.DeviceMatrix, slopes: bool) -> Floats:
        work = self.core.gradient if slopes else self.core.value
        return work(X, self.head, len(self.layers) - 1, self.k, on_device=True)

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in vars(self).items() if key != "core"}


def _core_network(
    layers: Sequence[_Layer], single: bool
) -> _core.NetworkFloat32 | _core.NetworkFloat64:
    if single:
        return _core.NetworkFloat32([_part(layer, np.float32) for layer in layers])
    return _core.NetworkFloat64([_part(layer, np.float64) for layer in layers])


def _part(layer: _Layer, dtype: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any], str, float]:
    weights = np.ascontiguousarray(layer.weights, dtype=dtype)
    bias = np.ascontiguousarray(layer.bias, dtype=dtype)
    return weights, bias, layer.activation, layer.parameter


def _layers(steps: Sequence[Step], *, plain_end: bool) -> list[_Layer]:
    """Dense layers each with one activation. Affine steps go into the dense layer before them, or
    into the one behind where an activation lies between; an identity matrix stands in where there
    is no dense layer to go into. `plain_end`: the last layer must have no activation.
    """
    first = next((s for s in steps if not isinstance(s, (Pointwise, Softmax))), None)
    if first is None or not any(isinstance(step, Dense) for step in steps):
        raise InputError("model: has no dense layer to interpret")
    width = first.weights.shape[1] if isinstance(first, Dense) else len(first.scale)
    layers: list[_Layer] = []
    pending: tuple[Floats, Floats] | None = None  # scale and shift for the next dense layer

    def add(weights: npt.NDArray[Any], bias: npt.NDArray[Any]) -> None:
        nonlocal pending
        w, b = np.asarray(weights, np.float64), np.asarray(bias, np.float64)
        if pending is not None:
            w, b = w * pending[0], b + w @ pending[1]
            pending = None
        layers.append(_Layer(w, b))

    for step in steps:
        size = len(layers[-1].bias) if layers else width
        open_end = bool(layers) and layers[-1].activation == "identity" and pending is None
        if isinstance(step, Dense):
            if step.weights.shape[1] != size:
                raise InputError(
                    f"model: layer {step.name!r} takes {step.weights.shape[1]} inputs, "
                    f"{size} come in"
                )
            add(step.weights, step.bias)
        elif isinstance(step, Affine) and open_end:
            layers[-1].weights = step.scale[:, None] * layers[-1].weights
            layers[-1].bias = step.scale * layers[-1].bias + step.shift
        elif isinstance(step, Affine):
            scale, shift = pending or (np.ones(size), np.zeros(size))
            pending = step.scale * scale, step.scale * shift + step.shift
        elif isinstance(step, Pointwise) and step.kind != "identity":
            if not open_end:
                add(np.eye(size), np.zeros(size))
            layers[-1].activation, layers[-1].parameter = step.kind, step.parameter
    if pending is not None or (plain_end and layers[-1].activation != "identity"):
        size = len(layers[-1].bias)
        add(np.eye(size), np.zeros(size))
    return layers
