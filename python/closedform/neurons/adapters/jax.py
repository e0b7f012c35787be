"""JAX functions of a row or of a batch, Flax modules among them, through JAX's autograd."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError
from closedform.neurons.adapters.blocks import BLOCK_ROWS, by_blocks
from closedform.neurons.adapters.neuron import (
    Neuron,
    NeuronFunction,
    output_index,
    split_neuron,
    unknown_layer,
)

_RESHAPES = ("squeeze", "reshape")


def read(model: Any, neuron: Neuron) -> NeuronFunction:
    """An output of a function of JAX arrays: (d,) -> () or (k,), or else (n, d) -> (n,) or (n, k).

    A sigmoid or softmax it ends with is found in its trace and removed. jax.jit is looked through.

    Raises:
        InputError: a named layer, or a Flax module without its variables.
    """
    layer, index = split_neuron(neuron)
    flax = hasattr(model, "scope") and hasattr(model, "apply")
    if flax and model.scope is None:
        raise InputError("model: the Flax module has no variables; give model.bind(variables)")
    if layer is not None and not flax:
        raise InputError(
            "neuron: a JAX function has no named layers; give a function that returns the layer, "
            "and an index"
        )
    function = getattr(model, "__wrapped__", model)
    if layer is not None:
        function = _flax_layer(model, layer)

    description = (
        f"output {index or 0}, without a sigmoid or softmax that the function's trace ends with; "
        "through JAX's autograd"
        if layer is None
        else f"neuron {index} of layer {layer!r}; through JAX's autograd"
    )

    @lru_cache(maxsize=4)  # by the number of inputs
    def logits(d: int) -> _Logits:
        return _Logits(function, d, index, whole=layer is not None)

    def value(X: FloatMatrix, threads: int) -> Floats:
        return by_blocks(X, None, logits(X.shape[1]).value)

    def gradient(X: FloatMatrix, threads: int) -> Floats:
        return by_blocks(X, X.shape[1], logits(X.shape[1]).gradient)

    return NeuronFunction(
        inputs=None,
        value=value,
        gradient=gradient,
        # A layer's sigmoid is its own, not a probability's.
        classifier=lambda d: layer is None and logits(d).end != "",
        description=description,
    )


def _flax_layer(model: Any, layer: str) -> Callable[[Any], Any]:
    """What a submodule of a bound Flax module, "block/Dense_0", gives for the module's input."""
    module, variables = model.unbind()
    path = layer.replace(".", "/").split("/")

    def function(x: Any) -> Any:
        _, state = module.apply(variables, x, capture_intermediates=True, mutable=["intermediates"])
        found = state["intermediates"]
        for name in path:
            if name not in found:
                raise unknown_layer(layer, [key for key in found if key != "__call__"])
            found = found[name]
        return found["__call__"][0]

    return function


class _Logits:
    """f of a batch of rows of d numbers; `whole`: whatever it ends with.

    Attributes:
        end: "sigmoid", "softmax" or "", what was removed.
        value, gradient: compiled, (n, d) -> (n,) and (n, d).
    """

    def __init__(self, function: Any, d: int, index: int | None, *, whole: bool) -> None:
        import jax
        import jax.numpy as jnp

        number = jnp.zeros(()).dtype
        row, batch = (jax.ShapeDtypeStruct(s, number) for s in ((d,), (BLOCK_ROWS, d)))
        by_row = _shape(function, row)
        if not isinstance(by_row, str) and len(by_row) <= 1:
            before, self.end, shape = _before_end(function, row, whole=whole)
            rows_of: Callable[[Any], Any] = jax.vmap(before)
        else:
            by_batch = _shape(function, batch)
            if isinstance(by_batch, str):
                raise InputError(
                    f"model: fails on {BLOCK_ROWS} rows of {d} numbers ({by_batch}) and on one row;"
                    " give a JAX function of (d,) or of (n, d)"
                )
            if len(by_batch) not in (1, 2) or by_batch[0] != BLOCK_ROWS:
                raise InputError(
                    f"model: gives shape {by_batch} for {BLOCK_ROWS} rows, not (n,) or (n, k)"
                )
            _, self.end, batch_shape = _before_end(function, batch, whole=whole)
            shape = batch_shape[1:]

            def rows_of(X: Any) -> Any:  # a trace holds for one number of rows
                like = jax.ShapeDtypeStruct(X.shape, X.dtype)
                return _before_end(function, like, whole=whole)[0](X)

        k = output_index(
            index, shape[0] if shape else 1, "the output", classes=self.end == "softmax"
        )

        def f(X: Any) -> Any:
            z = rows_of(X)
            if z.ndim == 1:
                return z
            if self.end != "softmax":
                return z[:, k]
            others = jnp.concatenate([z[:, :k], z[:, k + 1 :]], axis=1)
            return z[:, k] - jax.nn.logsumexp(others, axis=1)

        value = jax.jit(f)
        gradient = jax.jit(jax.grad(lambda X: f(X).sum()))
        self.value = lambda X: np.asarray(value(jnp.asarray(X, number)))
        self.gradient = lambda X: np.asarray(gradient(jnp.asarray(X, number)))


def _shape(function: Any, like: Any) -> tuple[int, ...] | str:
    """Of what the function gives, or in a line why it cannot take this."""
    import jax

    try:
        out = jax.eval_shape(function, like)
    except Exception as error:  # the function is tried out: it may raise whatever it likes
        return (str(error) or type(error).__name__).splitlines()[0]
    return tuple(out.shape) if hasattr(out, "shape") else f"gives a {type(out).__name__}"


def _before_end(
    function: Any, like: Any, *, whole: bool
) -> tuple[Callable[[Any], Any], str, tuple[int, ...]]:
    """The function up to a sigmoid or softmax at its end, which of the two, and its shape; all of
    the function, where it is to be whole."""
    import jax

    closed = jax.make_jaxpr(function)(like)
    jaxpr = closed.jaxpr
    out = jaxpr.outvars[0]
    shape = tuple(out.aval.shape)
    makers = {id(var): eqn for eqn in jaxpr.eqns for var in eqn.outvars}
    end, logits, reshaped = "", None, False
    eqn = makers.get(id(out))
    while eqn is not None:
        name = eqn.primitive.name
        name = eqn.params["name"] if name in ("jit", "pjit") else name
        if name in _RESHAPES:
            reshaped = True
            eqn = makers.get(id(eqn.invars[0]))
            continue
        if name in ("logistic", "sigmoid"):
            end, logits = "sigmoid", eqn.invars[0]
        elif name == "log_softmax" and not reshaped:
            end, logits = "softmax", eqn.invars[0]
        elif name == "div" and not reshaped:
            logits = _softmax_of(eqn, makers)
            end = "" if logits is None else "softmax"
        break
    if logits is None or whole:
        return function, "", shape
    before = jaxpr.replace(outvars=[logits])

    def evaluate(x: Any) -> Any:
        return jax.core.eval_jaxpr(before, closed.consts, x)[0].reshape(shape)

    return evaluate, end, shape


def _softmax_of(division: Any, makers: dict[int, Any]) -> Any:
    """s where the division is exp(s) / sum exp(s) over the last axis, else None. JAX has taken the
    largest logit off s; log-odds do not notice."""
    above, below = (makers.get(id(var)) for var in division.invars)
    if above is None or below is None or above.primitive.name != "exp":
        return None
    total = makers.get(id(below.invars[0]))
    if below.primitive.name != "broadcast_in_dim" or total is None:
        return None
    last = (above.outvars[0].aval.ndim - 1,)
    if total.primitive.name != "reduce_sum" or tuple(total.params["axes"]) != last:
        return None
    return above.invars[0] if total.invars[0] is above.outvars[0] else None
