"""A surrogate of the suite's size, its test function, and the same function written for JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from closedform import _core

Floats = npt.NDArray[np.float64]

INPUTS, MODES, SEGMENTS = 10, 14, 10


def jax() -> Any:
    """JAX in float64."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def random_surrogate(rng: np.random.Generator) -> _core.TensorSurrogate:
    nodes = [np.linspace(0, 1, SEGMENTS + 1)] * INPUTS
    factors = [1 + 0.3 * rng.normal(size=(MODES, SEGMENTS + 1)) for _ in range(INPUTS)]
    return _core.TensorSurrogate(nodes, [(2, 2)] * INPUTS, factors, 0.5, "linear")


def target(X: Floats) -> Floats:
    """Friedman's function and three more terms: ten inputs, all of them active."""
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3]
    return y + 5 * X[:, 4] + 4 * np.exp(X[:, 5] * X[:, 6]) + 8 * X[:, 7] * X[:, 8] * X[:, 9]


def line_quartics(nodes: Floats, factor: Floats) -> Floats:
    """(elements, 5): one interpolant as polynomials in t in [-1/2, 1/2] on every element."""
    t = np.linspace(-0.5, 0.5, 5)
    line = _core.TensorSurrogate([nodes], [(2, 2)], [factor[None]], 0, "linear")
    x = (np.arange(SEGMENTS)[:, None] + 0.5 + t) / SEGMENTS
    values = line.value(np.ascontiguousarray(x.reshape(-1, 1))).reshape(SEGMENTS, 5)
    return np.linalg.solve(np.vander(t, increasing=True), values.T).T


def jax_surrogate(surrogate: _core.TensorSurrogate) -> Callable[[Any], Any]:
    """The surrogate as a JAX function of one row."""
    jnp = jax().numpy
    quartics = [
        np.stack([line_quartics(surrogate.nodes(d), f) for f in surrogate.factor(d)], axis=-1)
        for d in range(INPUTS)
    ]
    table = jnp.asarray(np.stack(quartics))  # (inputs, elements, 5, modes)
    offset = surrogate.offset

    def u(x: Any) -> Any:
        e = jnp.clip((x * SEGMENTS).astype(jnp.int32), 0, SEGMENTS - 1)
        t = (x * SEGMENTS - e - 0.5)[:, None]
        c = table[jnp.arange(INPUTS), e]  # (inputs, 5, modes)
        f = (((c[:, 4] * t + c[:, 3]) * t + c[:, 2]) * t + c[:, 1]) * t + c[:, 0]
        return offset + jnp.prod(f, axis=0).sum()

    return u
