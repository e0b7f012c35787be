"""Functions of JAX and modules of Flax: values, gradients and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import X, close, log_odds

import closedform as cf
from closedform.errors import InputError


@pytest.mark.parametrize("form", ["row", "batch", "compiled"])
@pytest.mark.parametrize("end", ["none", "sigmoid", "softmax", "log_softmax", "column"])
def test_jax_functions(form: str, end: str) -> None:
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    rng = np.random.default_rng(1)
    w1, w2 = jnp.asarray(rng.normal(size=(3, 5))), jnp.asarray(rng.normal(size=(5, 3)))

    def logits(x: Any) -> Any:
        return jnp.sin((x[:, :] if form == "batch" else x) @ w1) @ w2  # no row has a [:, :]

    def model(x: Any) -> Any:
        z = logits(x)
        match end:
            case "sigmoid":
                return jax.nn.sigmoid(z)
            case "softmax":
                return jax.nn.softmax(z)
            case "log_softmax":
                return jax.nn.log_softmax(z)
            case "column":
                return jnp.squeeze(jax.nn.sigmoid(z[..., 1:2]), -1)
        return z

    def f(x: Any) -> Any:
        z = jnp.sin(x @ w1) @ w2
        others = jnp.stack([z[0], z[2]])
        return z[1] - jax.nn.logsumexp(others) if "softmax" in end else z[1]

    net = cf.network(
        jax.jit(model) if form == "compiled" else model, neuron=None if end == "column" else 1
    )
    close(net.value(X), np.asarray(jax.vmap(f)(jnp.asarray(X))))
    close(net.gradient(X), np.asarray(jax.vmap(jax.grad(f))(jnp.asarray(X))))
    if end == "none":
        assert net.probability(X) is None
    else:
        close(net.probability(X), np.asarray(jax.nn.sigmoid(jax.vmap(f)(jnp.asarray(X)))))


def test_flax_modules() -> None:
    jax = pytest.importorskip("jax")
    linen = pytest.importorskip("flax.linen")
    from flax import nnx

    class Linen(linen.Module):  # type: ignore[name-defined,misc]
        @linen.compact
        def __call__(self, x: Any) -> Any:
            return linen.sigmoid(linen.Dense(1)(linen.elu(linen.Dense(6)(x))))

    module = Linen()
    variables = module.init(jax.random.key(0), jax.numpy.ones(3))
    net = cf.network(module.bind(variables))
    p = np.asarray(module.apply(variables, X), np.float64)[:, 0]
    close(net.value(X), log_odds(p), 1e-4)
    slope = jax.vmap(jax.grad(lambda x: module.apply(variables, x)[0]))(jax.numpy.asarray(X))
    close(net.gradient(X), np.asarray(slope) / (p * (1 - p))[:, None], 1e-4)
    close(net.probability(X), p)
    with pytest.raises(InputError, match="no variables; give"):
        cf.network(module)

    class Nnx(nnx.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            self.first = nnx.Linear(3, 6, rngs=nnx.Rngs(0))
            self.last = nnx.Linear(6, 2, rngs=nnx.Rngs(1))

        def __call__(self, x: Any) -> Any:
            return self.last(nnx.elu(self.first(x)))

    other = Nnx()
    net = cf.network(other, neuron=1, names=["p", "q", "r"])
    close(net.value(X), np.asarray(other(jax.numpy.asarray(X)))[:, 1])
    assert net.inputs == 3


def test_flax_hidden_layers_by_name() -> None:
    jax = pytest.importorskip("jax")
    nn = pytest.importorskip("flax.linen")

    class Block(nn.Module):  # type: ignore[misc]
        @nn.compact  # type: ignore[untyped-decorator]
        def __call__(self, x: Any) -> Any:
            return nn.sigmoid(nn.Dense(4, name="inner")(x))

    class Whole(nn.Module):  # type: ignore[misc]
        @nn.compact  # type: ignore[untyped-decorator]
        def __call__(self, x: Any) -> Any:
            return nn.Dense(1, name="head")(Block(name="block")(x))

    module = Whole()
    variables = module.init(jax.random.PRNGKey(0), jax.numpy.ones((1, 3)))
    model = module.bind(variables)
    dense = variables["params"]["block"]["inner"]
    kernel, bias = np.asarray(dense["kernel"]), np.asarray(dense["bias"])
    inner = cf.network(model, neuron=("block/inner", 2))
    close(inner.value(X), X @ kernel[:, 2] + bias[2], 1e-5)
    close(inner.gradient(X), np.tile(kernel[:, 2], (len(X), 1)), 1e-5)
    block = cf.network(model, neuron=("block", 2))
    close(block.value(X), 1 / (1 + np.exp(-(X @ kernel[:, 2] + bias[2]))), 1e-5)
    assert block.probability(X) is None
    with pytest.raises(InputError, match="no layer 'tail'; its layers are block, head"):
        cf.network(model, neuron=("tail", 0)).value(X)


def test_jax_errors() -> None:
    jax = pytest.importorskip("jax")
    with pytest.raises(InputError, match="no named layers"):
        cf.network(jax.jit(lambda x: x[0]), neuron=("a", 0))
    with pytest.raises(
        InputError, match=r"fails on 1000 rows of 3 numbers \(dot_general .* and on one row"
    ):
        cf.network(jax.jit(lambda x: x @ jax.numpy.ones((4, 2)))).value(X)
    with pytest.raises(InputError, match="the output has 3 outputs; say which"):
        cf.network(jax.jit(lambda x: x)).value(X)
