"""ONNX graphs that are a chain of dense layers. Only the graph's nodes and numbers are read:
nothing in the file is executed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from closedform._typing import Floats
from closedform.errors import InputError
from closedform.neurons.adapters import dense_stack
from closedform.neurons.adapters.neuron import Neuron, NeuronFunction, split_neuron

_POINTWISE = {
    "Relu": "relu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Sin": "sin",
    "Softplus": "softplus",
    "Identity": "identity",
    "Dropout": "identity",
    "Cast": "identity",
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
}


def read(model: Any, neuron: Neuron) -> NeuronFunction:
    """A neuron of an ONNX model: a path or a ModelProto. Layers are called by the names of nodes,
    or of the tensors they give.

    Raises:
        InputError: unreadable, a node that is not supported, or no such neuron.
    """
    import onnx

    if isinstance(model, (str, os.PathLike)):
        try:
            model = onnx.load(os.fspath(model))
        except Exception as error:  # protobuf's own kinds of error differ between versions
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"model: {model!s} cannot be read as ONNX ({reason})") from error
    graph = _Graph(model.graph)
    layer, index = split_neuron(neuron)
    if layer is None:
        if len(graph.outputs) != 1:
            raise InputError(
                f"neuron: the graph has outputs {', '.join(graph.outputs)}; "
                'say which as ("name", index)'
            )
        layer = graph.outputs[0]
    tensor = graph.tensor(layer)
    inner = None if tensor in graph.outputs else layer
    return dense_stack.neuron_function(graph.steps(tensor), index, inner=inner)


def _array(tensor: Any) -> npt.NDArray[Any]:
    from onnx import numpy_helper

    try:
        numbers: npt.NDArray[Any] = numpy_helper.to_array(tensor)
    except Exception as error:  # whatever a file says that is broken
        raise InputError(
            f"model: the numbers of {tensor.name!r} cannot be read ({error}); export it again"
        ) from error
    return numbers


class _Graph:
    def __init__(self, graph: Any) -> None:
        self.constants = {t.name: _array(t) for t in graph.initializer}
        self.makers = {name: node for node in graph.node for name in node.output}
        for node in graph.node:
            if node.op_type == "Constant":
                for attribute in node.attribute:
                    if attribute.name == "value":
                        self.constants[node.output[0]] = _array(attribute.t)
        self.nodes = list(graph.node)
        self.outputs = [out.name for out in graph.output]
        inputs = [i for i in graph.input if i.name not in self.constants]
        if len(inputs) != 1:
            raise InputError(f"model: the graph has {len(inputs)} inputs, not one (n, d) table")
        self.input = inputs[0].name
        shape = [d.dim_value or None for d in inputs[0].type.tensor_type.shape.dim]
        self.width = shape[-1] if len(shape) == 2 else None

    def tensor(self, name: str) -> str:
        """The tensor meant by a tensor's or a node's name."""
        if name in self.makers:
            return name
        for node in self.nodes:
            if node.name == name:
                return str(node.output[0])
        known = ", ".join(_name(node) for node in self.nodes[:20])
        raise InputError(f"neuron: the graph has no {name!r}; its nodes are {known}")

    def steps(self, tensor: str) -> list[dense_stack.Step]:
        """The chain of nodes from the graph's input to a tensor."""
        backwards: list[dense_stack.Step] = []
        while tensor != self.input:
            node = self.makers.get(tensor)
            if node is None or tensor in self.constants or len(backwards) > len(self.nodes):
                raise InputError(f"model: {tensor!r} does not depend on the graph's input")
            step, tensor = self._step(node)
            backwards.append(step)
        return backwards[::-1]

    def _step(self, node: Any) -> tuple[dense_stack.Step, str]:
        """A node as a step, and the tensor that it acts on."""
        from onnx import helper

        values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        op, name, given = node.op_type, _name(node), list(node.input)
        if op in _POINTWISE:
            return dense_stack.Pointwise(name, _POINTWISE[op], float(op == "Softplus")), given[0]
        if op == "LeakyRelu":
            return dense_stack.Pointwise(name, "leaky_relu", values.get("alpha", 0.01)), given[0]
        if op == "Elu":
            return dense_stack.Pointwise(name, "elu", values.get("alpha", 1.0)), given[0]
        if op == "Gelu":
            approximate = values.get("approximate", b"none") == b"tanh"
            return dense_stack.Pointwise(name, "gelu_tanh" if approximate else "gelu"), given[0]
        if op in ("Softmax", "LogSoftmax") and values.get("axis", -1) in (-1, 1):
            return dense_stack.Softmax(name), given[0]
        if op == "Flatten" and values.get("axis", 1) == 1:
            return dense_stack.Pointwise(name, "identity"), given[0]
        if op == "Gemm" and not values.get("transA") and given[1] in self.constants:
            matrix = self.constants[given[1]]
            weights = values.get("alpha", 1.0) * (matrix if values.get("transB") else matrix.T)
            bias = np.zeros(len(weights), weights.dtype)
            if len(given) > 2 and given[2]:
                bias = bias + values.get("beta", 1.0) * self._constant(node, given[2]).reshape(-1)
            return dense_stack.Dense(name, _float(weights), _float(bias)), given[0]
        if op == "MatMul" and given[1] in self.constants:
            weights = self.constants[given[1]].T
            return dense_stack.Dense(
                name, _float(weights), np.zeros(len(weights), np.float32)
            ), given[0]
        if op == "BatchNormalization" and not values.get("training_mode"):
            gamma, beta, mean, variance = (
                self._constant(node, part).astype(np.float64) for part in given[1:5]
            )
            scale = gamma / np.sqrt(variance + values.get("epsilon", 1e-5))
            return dense_stack.Affine(name, scale, beta - mean * scale), given[0]
        if op == "Mul" and len(given) == 2 and self._is_sigmoid_of(*given):
            return dense_stack.Pointwise(name, "silu"), given[0]
        if op == "Mul" and len(given) == 2 and self._is_sigmoid_of(*given[::-1]):
            return dense_stack.Pointwise(name, "silu"), given[1]
        if op in _ARITHMETIC and len(given) == 2:
            return self._arithmetic(node, name)
        raise InputError(
            f"model: node {name!r} ({op}) is not supported natively, and ONNX has no gradients; "
            "give the model in the framework that made it"
        )

    def _is_sigmoid_of(self, x: str, y: str) -> bool:
        """y = sigmoid(x): x y is how exporters write silu."""
        maker = self.makers.get(y)
        return maker is not None and maker.op_type == "Sigmoid" and maker.input[0] == x

    def _arithmetic(self, node: Any, name: str) -> tuple[dense_stack.Step, str]:
        """An input combined with a constant: a scale and a shift, found from its values at 0, 1."""
        left, right = node.input
        apply = _ARITHMETIC[node.op_type]
        if right in self.constants:
            constant = self._constant(node, right)
            at = [apply(x, constant) for x in (0.0, 1.0)]
            data = left
        elif left in self.constants and node.op_type != "Div":
            constant = self._constant(node, left)
            at = [apply(constant, x) for x in (0.0, 1.0)]
            data = right
        else:
            raise InputError(
                f"model: node {name!r} ({node.op_type}) joins two branches; only a chain of layers "
                "is supported natively: give the model in the framework that made it"
            )
        shift = np.asarray(at[0], np.float64)
        scale = np.asarray(at[1], np.float64) - shift
        size = shift.size
        if shift.shape[:-1] != (1,) * (shift.ndim - 1) or shift.ndim > 2:
            raise InputError(f"model: node {name!r}: its constant is not one number per column")
        if size == 1:
            size = self._width_of(data)
        return (
            dense_stack.Affine(
                name, np.broadcast_to(scale.ravel(), size), np.broadcast_to(shift.ravel(), size)
            ),
            data,
        )

    def _width_of(self, tensor: str) -> int:
        """Number of columns of a tensor on the chain."""
        for step in reversed(self.steps(tensor)):
            if isinstance(step, dense_stack.Dense):
                return len(step.bias)
            if isinstance(step, dense_stack.Affine):
                return len(step.scale)
        if self.width is None:
            raise InputError(f"model: the graph does not say how many columns {self.input!r} has")
        return int(self.width)

    def _constant(self, node: Any, name: str) -> npt.NDArray[Any]:
        if name not in self.constants:
            raise InputError(f"model: node {_name(node)!r}: {name!r} is not a constant of the file")
        constant: npt.NDArray[Any] = self.constants[name]
        return constant


def _name(node: Any) -> str:
    return str(node.name or node.output[0])


def _float(values: npt.NDArray[Any]) -> Floats:
    return values if values.dtype == np.float64 else values.astype(np.float32)
