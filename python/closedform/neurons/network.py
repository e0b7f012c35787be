"""`network`: any trained model as one differentiable function f of its inputs.

A classifier's sigmoid is removed and a softmax becomes the class's log-odds
f_k = z_k - log sum_{j != k} exp z_j, so that F = sigmoid(f) is the probability (Wetzel, arXiv
2401.04978; a single logit of a softmax is fixed only up to a common function of x).
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from closedform import _core
from closedform._choices import Device
from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError
from closedform.formulas.formula import Formula
from closedform.neurons.adapters.blocks import by_blocks
from closedform.neurons.adapters.neuron import (
    Neuron,
    NeuronFunction,
    never,
    output_index,
    split_neuron,
)
from closedform.surrogates.model import Surrogate
from closedform.tables import devices, scalars
from closedform.tables.checks import matrix
from closedform.tables.columns import model_inputs


class Network:
    """One neuron of a model: value, input gradient and, for classifiers, probability of rows.

    Attributes:
        inputs: how many numbers a row has; None when the model does not say.
        names: the inputs' names, or None.
        description: one line: which neuron, what was removed, native or through the framework.
    """

    def __init__(
        self,
        function: NeuronFunction,
        names: tuple[str, ...] | None,
        classifier: bool | None,
        device: Device = "auto",
    ) -> None:
        self._function = function
        self._device: Device = device
        self._classifier = classifier
        self.names = function.names if names is None else names
        self.inputs = (
            len(names) if function.inputs is None and names is not None else function.inputs
        )
        self.description = function.description

    def value(self, X: object, *, threads: int | None = None) -> Floats:
        """f at each row.

        Args:
            X: (n, d) numbers or a table that has the columns of `names`. C-contiguous float64 and
                float32 arrays are read where they lie, on a GPU too (CuPy, torch, JAX) for a
                native network, whatever its `device`; others get a copy in the host's memory.
            threads: how many a native network uses; None for all cores. The result does not
                depend on it. Frameworks keep to their own setting.

        Returns:
            (n,) float64.

        Raises:
            InputError: a ValueError, for rows that do not fit.
        """
        return self._evaluate(X, threads, slopes=False)

    def gradient(self, X: object, *, threads: int | None = None) -> Floats:
        """df/dx_j at each row, exact; arguments as for `value`.

        Returns:
            (n, d) float64.
        """
        return self._evaluate(X, threads, slopes=True)

    def probability(self, X: object, *, threads: int | None = None) -> Floats | None:
        """F = sigmoid(f) at each row, (n,) float64, or None where f is no log-odds: a regressor, a
        hidden neuron, or a bare logit that was not said to belong to a classifier."""
        there = self._matrix_there(X)
        rows = self._rows(X) if there is None else there
        known = self._classifier
        if not (self._function.classifier(rows.shape[1]) if known is None else known):
            return None
        f = self._evaluate(X, threads, slopes=False)
        with np.errstate(over="ignore"):  # exp(-f) = inf gives the right 0
            return 1.0 / (1.0 + np.exp(-f))

    def _evaluate(self, X: object, threads: int | None, *, slopes: bool) -> Floats:
        on_gpu, there = self._function.on_gpu, self._matrix_there(X)
        if on_gpu is not None and there is not None:
            devices.on_gpu("cuda", there.shape[0])
            if there.shape[1] != self.inputs:
                raise InputError(
                    f"X: has {there.shape[1]} columns; the network takes {self.inputs}"
                )
            return devices.running(lambda: on_gpu(there, slopes))
        rows = self._rows(X)
        if on_gpu is not None and devices.on_gpu(self._device, len(rows)):
            return devices.running(lambda: on_gpu(rows, slopes))
        work = self._function.gradient if slopes else self._function.value
        return work(rows, scalars.thread_count(threads))

    def _matrix_there(self, X: object) -> _core.DeviceMatrix | None:
        """X on a GPU, for a network that runs there; else it is brought here (`_rows`)."""
        return None if self._function.on_gpu is None else devices.matrix_there(X)

    def _rows(self, X: object) -> FloatMatrix:
        return model_inputs(matrix(X, min_rows=1), self.names, self.inputs, "the network")

    def __reduce__(self) -> tuple[Callable[..., Network], tuple[Any, ...]]:
        try:
            function = pickle.dumps(self._function)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise InputError(
                f"network: {self.description} has no pickle ({error}); save the model by its "
                "framework's means and call network() where it is loaded"
            ) from error
        return _unpickled, (function, self.names, self._classifier, self._device)

    def __deepcopy__(self, _: object) -> Network:
        return self  # nothing in it changes

    def __repr__(self) -> str:
        return f"Network({self.description})"


def _unpickled(function: bytes, *rest: Any) -> Network:
    return Network(pickle.loads(function), *rest)


def network(
    model: Any,
    *,
    neuron: Neuron = None,
    names: Sequence[str] | None = None,
    classifier: bool | None = None,
    device: Device = "auto",
) -> Network:
    """Takes one neuron out of a trained model.

    Args:
        model: a torch module; a Keras 3 model; a scikit-learn MLPClassifier or MLPRegressor, or a
            Pipeline of scalers and one of them; a JAX function of a row or a batch, or a Flax
            module with its variables; an ONNX file's path or ModelProto; a pair of callables
            (value, gradient) taking (n, d) and giving (n,) and (n, d); a Surrogate; a Formula.
            Dense stacks run natively, others through their framework's autograd, in blocks.
        neuron: index of an output, or ("layer", index) for a hidden one, after its activation
            where the layer has one. None: the only output, or the second of two classes.
        names: the inputs' names; default those the model knows.
        classifier: True makes a bare logit a classifier's (F = sigmoid(f)); False says that a
            final sigmoid is no probability. None: what the model shows.
        device: where a native network runs: "cpu"; "cuda", a GPU; or "auto", a GPU where one can
            be used, for 131,072 rows or more. Other models run where their framework has them.

    Returns:
        The neuron. A sigmoid at the end of an output is removed, a softmax turned into log-odds;
        `description` says so, or that none was seen.

    Raises:
        InputError: a ValueError in one line, naming the layer that is not supported, or what else
            cannot be used.

    Example:
        >>> import closedform as cf
        >>> net = cf.network((lambda X: X[:, 0] * X[:, 1], lambda X: X[:, ::-1]))
        >>> net.value([[2.0, 3.0]]), net.gradient([[2.0, 3.0]])
        (array([6.]), array([[3., 2.]]))
    """
    where = devices.checked(device)
    if classifier is not None:
        classifier = scalars.flag(classifier, "classifier")
    function = _neuron_function(model, neuron)
    if where == "cuda" and function.on_gpu is None:
        raise InputError(f"device: {function.description} runs where it is; leave device out")
    if names is not None:
        names = scalars.texts(names, "names")
        if len(set(names)) != len(names):
            raise InputError("names: must be distinct texts, one per input")
        if function.inputs is not None and len(names) != function.inputs:
            raise InputError(f"names: are {len(names)}; the network takes {function.inputs} inputs")
    return Network(function, names, classifier, where)


def _neuron_function(model: Any, neuron: Neuron) -> NeuronFunction:
    if isinstance(model, Network):
        raise InputError("model: is a Network already; use it as it is")
    if isinstance(model, Formula):
        return _plain(model, model.gradient, neuron, f"the formula {model}", model.names)
    if isinstance(model, Surrogate):
        model.core  # noqa: B018 (raises where the surrogate is not fitted)
        return _plain(model.predict, model.gradient, neuron, "a surrogate", model.names)
    if isinstance(model, (tuple, list)) and len(model) == 2 and all(callable(f) for f in model):
        return _pair(model[0], model[1], neuron)
    if isinstance(model, (str, os.PathLike)):
        if os.path.splitext(model)[1] != ".onnx":
            raise InputError(
                f"model: {os.fspath(model)} is not an .onnx file; other files are not opened, "
                "load the model in its framework and give it"
            )
        _need_onnx()
        from closedform.neurons.adapters import onnx

        return onnx.read(model, neuron)
    return _framework_function(model, neuron)


def _framework_function(model: Any, neuron: Neuron) -> NeuronFunction:
    """By the packages that the model's class and its bases come from, so that no framework is
    imported that has not made the model. Keras comes first: its classes derive from torch's or
    JAX's where these are its backend."""
    packages = {base.__module__.split(".")[0] for base in type(model).__mro__}
    if "keras" in packages:
        from closedform.neurons.adapters import keras

        return keras.read(model, neuron)
    if "torch" in packages:
        from closedform.neurons.adapters import torch

        return torch.read(model, neuron)
    if "sklearn" in packages:
        from closedform.neurons.adapters import sklearn

        return sklearn.read(model, neuron)
    if "onnx" in packages:
        from closedform.neurons.adapters import onnx

        return onnx.read(model, neuron)
    if callable(model) and (packages & {"jax", "jaxlib", "flax"} or "jax" in sys.modules):
        from closedform.neurons.adapters import jax

        return jax.read(model, neuron)
    if callable(model):
        raise InputError(
            "model: is a function without a gradient; give the pair (value, gradient), or write it "
            "in JAX"
        )
    raise InputError(
        f"model: a {type(model).__name__} is not supported; give a torch, Keras, scikit-learn MLP, "
        "JAX or ONNX model, or a pair of functions (value, gradient)"
    )


def _need_onnx() -> None:
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise InputError("model: reading ONNX needs: pip install 'closedform[onnx]'") from error


def _plain(
    value: Any, gradient: Any, neuron: Neuron, description: str, names: tuple[str, ...]
) -> NeuronFunction:
    layer, index = split_neuron(neuron)
    if layer is not None:
        raise InputError(f"neuron: {description} has no layers; leave neuron out")
    output_index(index, 1, description)

    return NeuronFunction(
        len(names), _Whole(value), _Whole(gradient), never, f"{description}; native", names
    )


def _pair(value: Any, gradient: Any, neuron: Neuron) -> NeuronFunction:
    if neuron is not None:
        raise InputError("neuron: a pair of functions is one neuron; leave neuron out")

    return NeuronFunction(
        None,
        _InBlocks(value, slopes=False),
        _InBlocks(gradient, slopes=True),
        never,
        "a pair of functions (value, gradient)",
    )


@dataclass(frozen=True)
class _Whole:
    """What a model of ours says of all rows at once."""

    work: Callable[[FloatMatrix], Floats]

    def __call__(self, X: FloatMatrix, threads: int) -> Floats:
        return np.asarray(self.work(X), np.float64)


@dataclass(frozen=True)
class _InBlocks:
    """What a user's function says of a block of rows after another."""

    work: Callable[[FloatMatrix], Any]
    slopes: bool

    def __call__(self, X: FloatMatrix, threads: int) -> Floats:
        return by_blocks(X, X.shape[1] if self.slopes else None, self.work)
