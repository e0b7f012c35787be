"""PyTorch modules: dense stacks natively, anything else through torch's autograd."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
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

# Modules that do nothing to rows of numbers outside training.
_SILENT = ("Identity", "Dropout", "AlphaDropout", "FeatureAlphaDropout", "Flatten")
# What front ends that take no rows of numbers take for each.
_SHAPES = {"Conv1d": "channels, length", "Conv2d": "channels, height, width"}


def read(model: Any, neuron: Neuron) -> NeuronFunction:
    """A neuron of a torch module, evaluated as if model.eval() had been called.

    Raises:
        InputError: no such neuron, or the module cannot be run on rows of numbers.
    """
    steps = _steps(model, "")
    if steps is not None:
        return dense_stack.neuron_function(steps, neuron)
    return _through_autograd(model, neuron)


def _steps(module: Any, name: str) -> list[dense_stack.Step] | None:
    """The module as a dense stack, or None if it is something else."""
    import torch.nn as nn

    if module._forward_hooks or module._forward_pre_hooks:  # they may change what goes through
        return None
    if type(module) is nn.Sequential:
        steps: list[dense_stack.Step] = []
        for child_name, child in module.named_children():
            inner = _steps(child, f"{name}.{child_name}" if name else child_name)
            if inner is None:
                return None
            steps += inner
        return steps if name or any(isinstance(s, dense_stack.Dense) for s in steps) else None
    step = _step(module, name)
    return None if step is None else [step]


def _step(module: Any, name: str) -> dense_stack.Step | None:
    import torch.nn as nn

    kind = type(module)
    if kind.__module__.split(".")[0] != "torch":  # a subclass may do anything
        return None
    if kind is nn.Linear:
        weights = _numbers(module.weight)
        bias = np.zeros(len(weights)) if module.bias is None else _numbers(module.bias)
        return dense_stack.Dense(name, weights, bias)
    if kind is nn.BatchNorm1d and module.running_mean is not None:
        scale = 1 / np.sqrt(_numbers(module.running_var).astype(np.float64) + module.eps)
        shift = -_numbers(module.running_mean) * scale
        if module.affine:
            scale = scale * _numbers(module.weight)
            shift = shift * _numbers(module.weight) + _numbers(module.bias)
        return dense_stack.Affine(name, scale, shift)
    if kind in (nn.Softmax, nn.LogSoftmax) and module.dim in (1, -1):
        return dense_stack.Softmax(name)
    parameters = {
        "ReLU": ("relu", 0.0),
        "Tanh": ("tanh", 0.0),
        "Sigmoid": ("sigmoid", 0.0),
        "SiLU": ("silu", 0.0),
    }
    if kind.__name__ in _SILENT:
        return dense_stack.Pointwise(name, "identity")
    if kind.__name__ in parameters:
        return dense_stack.Pointwise(name, *parameters[kind.__name__])
    if kind is nn.LeakyReLU:
        return dense_stack.Pointwise(name, "leaky_relu", module.negative_slope)
    if kind is nn.ELU:
        return dense_stack.Pointwise(name, "elu", module.alpha)
    if kind is nn.Softplus:
        return dense_stack.Pointwise(name, "softplus", module.beta)
    if kind is nn.GELU:
        return dense_stack.Pointwise(name, "gelu_tanh" if module.approximate == "tanh" else "gelu")
    return None


def _numbers(tensor: Any) -> Any:
    import torch

    wide = torch.float64 if tensor.dtype == torch.float64 else torch.float32
    return tensor.detach().to("cpu", wide).numpy()


def _through_autograd(model: Any, neuron: Neuron) -> NeuronFunction:
    import torch

    layer, index = split_neuron(neuron)
    modules = dict(model.named_modules())
    if layer is not None and layer not in modules:
        raise unknown_layer(layer, [name for name in modules if name])
    parameter = next((p for p in model.parameters() if p.is_floating_point()), None)
    place = {} if parameter is None else {"dtype": parameter.dtype, "device": parameter.device}
    where = "the output" if layer is None else f"layer {layer!r}"

    @lru_cache(maxsize=4)  # by the number of inputs
    def settled(inputs: int) -> tuple[int, str]:
        """Which of the outputs is meant, and what stands at their end."""
        with torch.no_grad():
            out, end = _outputs(model, layer, torch.zeros((2, inputs), **place))
        if out.ndim not in (1, 2) or len(out) != 2:
            raise InputError(
                f"neuron: {where} gives shape {tuple(out.shape)} for 2 rows, not (2, k)"
            )
        width = 1 if out.ndim == 1 else out.shape[1]
        return output_index(index, width, where, classes=end == "softmax"), end

    def f(x: Any) -> Any:
        k, end = settled(x.shape[1])
        z, _ = _outputs(model, layer, x)
        if z.ndim == 1:
            return z
        if end != "softmax":
            return z[:, k]
        others = torch.cat([z[:, :k], z[:, k + 1 :]], dim=1)
        return z[:, k] - torch.logsumexp(others, dim=1)

    def value_block(block: FloatMatrix) -> Any:
        with torch.no_grad():
            return f(torch.tensor(block, **place)).cpu().numpy()

    def gradient_block(block: FloatMatrix) -> Any:
        with torch.enable_grad():
            x = torch.tensor(block, **place).requires_grad_(True)
            out = f(x)
            if not out.requires_grad:
                raise InputError(f"model: {where} is cut off from X; remove detach or no_grad")
            (gradient,) = torch.autograd.grad(out.sum(), x)
            return gradient.cpu().numpy()

    def value(X: FloatMatrix, threads: int) -> Floats:
        return by_blocks(X, None, value_block)

    def gradient(X: FloatMatrix, threads: int) -> Floats:
        return by_blocks(X, X.shape[1], gradient_block)

    which, removed = index or 0, ", without a sigmoid or softmax at its end"
    inputs = _inputs(model, settled)
    if inputs is not None:
        which, end = settled(inputs)
        removed = {
            "sigmoid": ", without its final sigmoid",
            "softmax": ", log-odds in place of its final softmax",
        }.get(end, ", as it is: no final sigmoid or softmax was seen")
    what = f"output {which}{removed}" if layer is None else f"neuron {which} of layer {layer!r}"
    return NeuronFunction(
        inputs=inputs,
        value=value,
        gradient=gradient,
        classifier=lambda d: settled(d)[1] != "",
        description=f"{what}; through torch's autograd",
    )


def _inputs(model: Any, settled: Callable[[int], object]) -> int | None:
    """How many numbers a row has: what the first dense layer takes, if rows of so many go through.
    None behind another front end: as many as the rows it will be given.

    Raises:
        InputError: the model begins with a dense layer and cannot be run, or has no such neuron.
    """
    import torch

    dense = next((m for m in model.modules() if isinstance(m, torch.nn.Linear)), None)
    front = _front(model)
    if dense is None or type(front).__name__ in _SHAPES:
        return None
    try:
        settled(dense.in_features)
    except InputError:
        if front is dense:
            raise
        return None
    return int(dense.in_features)


def _front(model: Any) -> Any:
    """The first module that has parameters and no modules of its own; None where there is none."""
    leaves = (m for m in model.modules() if next(m.children(), None) is None)
    return next((m for m in leaves if next(m.parameters(), None) is not None), None)


def _outputs(model: Any, layer: str | None, x: Any) -> tuple[Any, str]:
    """What a layer (None: the module itself, before a final sigmoid or softmax) gives for x, and
    which of the two was found there ("" for neither)."""
    caught: list[Any] = []
    with _evaluating(model):
        if layer is not None:
            module = model.get_submodule(layer)
            handle = module.register_forward_hook(lambda _module, _inputs, out: caught.append(out))
            try:
                _run(model, x)
            finally:
                handle.remove()
            if not caught:
                raise InputError(f"neuron: layer {layer!r} is not used by the model's forward")
            return _tensor(caught[-1]), ""
        watch = _final_watch()
        with watch:
            out = _tensor(_run(model, x))
    if watch.seen is not None and watch.seen[0] is out:
        return watch.seen[1], watch.seen[2]
    return out, ""


def _run(model: Any, x: Any) -> Any:
    try:
        return model(x)
    except InputError:
        raise
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"model: fails on rows of shape {tuple(x.shape)} ({reason}); {_remedy(model)}"
        ) from error


def _remedy(model: Any) -> str:
    """How a module that does not take rows of numbers can be made to."""
    kind = type(_front(model)).__name__
    if kind in _SHAPES:
        return (
            f"it begins with a {kind}, which takes (n, {_SHAPES[kind]}): put "
            f"torch.nn.Unflatten(1, ({_SHAPES[kind]})) before it"
        )
    return "wrap it in a module that takes (n, d)"


def _tensor(out: Any) -> Any:
    import torch

    if not isinstance(out, torch.Tensor):
        raise InputError(f"model: gives a {type(out).__name__}; wrap it to give one tensor")
    return out


def _final_watch() -> Any:
    """Sees every torch function called: `seen` is (result, what went in, which kind) of the last
    sigmoid or softmax, kept through a change of shape."""
    from torch.overrides import TorchFunctionMode

    kinds = {
        "sigmoid": "sigmoid",
        "expit": "sigmoid",
        "special_expit": "sigmoid",
        "softmax": "softmax",
        "log_softmax": "softmax",
    }
    reshapes = ("squeeze", "flatten", "reshape", "view", "ravel")

    class Watch(TorchFunctionMode):  # type: ignore[misc]
        seen: tuple[Any, Any, str] | None = None

        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            kwargs = kwargs or {}
            out = function(*args, **kwargs)
            name = getattr(function, "__name__", "")
            kind = kinds.get(name)
            given = args[0] if args else kwargs.get("input")
            if kind == "sigmoid":
                self.seen = (out, given, kind)
            elif kind == "softmax":
                dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
                if out.ndim == 2 and dim in (1, -1):
                    self.seen = (out, given, kind)
            elif name in reshapes and self.seen is not None and self.seen[0] is given:
                # A softmax's classes must stay where they are: only a sigmoid may change shape.
                before = function(self.seen[1], *args[1:], **kwargs)
                self.seen = (out, before, "sigmoid") if self.seen[2] == "sigmoid" else None
            return out

    return Watch()


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """model.eval() for a while; every module gets its own mode back."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training
