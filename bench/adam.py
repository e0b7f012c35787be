"""The peer of the surrogate's fit: Adam in JAX on the same model, compiled epochs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.surrogate_functions import INPUTS, MODES, SEGMENTS, Floats, jax, line_quartics

BATCH, STEPS = 1000, 50  # rows of a step, steps of a compiled call
RATE, LATER_RATE, LATER = 1e-2, 3e-3, 3  # the rate falls after so many passes over the rows


def fit(
    X: Floats, y: Floats, error: Callable[[Any], float], Z: Floats, enough: float, limit: float
) -> tuple[float, float]:
    """Seconds until the error is small enough, or the limit; and the error. No compile time.

    Args:
        error: of predictions at the held-out rows Z.
        enough: error at which to stop.
        limit: seconds.
    """
    jnp = jax().numpy
    predict = model()
    steps = optimiser(predict)
    mean, spread = float(y.mean()), float(y.std())
    start = np.random.default_rng(2).uniform(0.7, 1.1, (INPUTS, SEGMENTS + 1, MODES))
    U = jnp.asarray(start)
    state = (U, jnp.zeros_like(U), jnp.zeros_like(U), jnp.asarray(0.0))
    scaled = (y - mean) / spread
    chunk = STEPS * BATCH

    def batches(at: int) -> tuple[Floats, Floats]:
        rows = slice(at, at + chunk)
        return X[rows].reshape(STEPS, BATCH, -1), scaled[rows].reshape(STEPS, BATCH)

    steps(state, *batches(0), RATE)
    check = jax().jit(predict)
    check(U, Z)
    begun = time.perf_counter()
    left, seen = float("inf"), 0
    while time.perf_counter() - begun < limit and left >= enough:
        at = seen % (len(X) - chunk + 1) // chunk * chunk
        state = steps(state, *batches(at), RATE if seen < LATER * len(X) else LATER_RATE)
        seen += chunk
        left = error(np.asarray(check(state[0], Z)) * spread + mean)
    return time.perf_counter() - begun, left


def model() -> Callable[[Any, Any], Any]:
    """predict(U, x): U (inputs, nodes, modes) the values at the nodes, x (rows, inputs)."""
    jnp = jax().numpy
    nodes = np.linspace(0, 1, SEGMENTS + 1)
    # The basis on an element: every shape function's quartic, from the surrogate's own tables.
    shapes = np.stack([line_quartics(nodes, row) for row in np.eye(SEGMENTS + 1)], axis=1)
    width = 6
    first = np.array([int(np.flatnonzero(np.abs(s).max(1) > 0)[0]) for s in shapes])
    first = np.minimum(first, SEGMENTS + 1 - width)
    table = jnp.asarray(np.stack([s[f : f + width] for s, f in zip(shapes, first, strict=True)]))
    starts = jnp.asarray(first)

    def predict(U: Any, x: Any) -> Any:
        e = jnp.clip((x * SEGMENTS).astype(jnp.int32), 0, SEGMENTS - 1)
        powers = (x * SEGMENTS - e - 0.5)[..., None] ** jnp.arange(5)
        weights = jnp.einsum("ndjk,ndk->ndj", table[e], powers)
        members = starts[e][..., None] + jnp.arange(width)
        values = U[jnp.arange(INPUTS)[None, :, None], members]  # (rows, inputs, width, modes)
        return jnp.prod(jnp.einsum("ndj,ndjm->ndm", weights, values), axis=1).sum(-1)

    return predict


def optimiser(predict: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Adam (Kingma and Ba, arXiv 1412.6980) over many batches in one compiled call."""
    jnp = jax().numpy

    def loss(U: Any, x: Any, target: Any) -> Any:
        return jnp.mean((predict(U, x) - target) ** 2)

    def steps(state: Any, xs: Any, ys: Any, rate: float) -> Any:
        def step(state: Any, data: Any) -> Any:
            U, m, v, k = state
            g = jax().grad(loss)(U, *data)
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g * g
            k = k + 1
            U = U - rate * (m / (1 - 0.9**k)) / (jnp.sqrt(v / (1 - 0.999**k)) + 1e-8)
            return (U, m, v, k), None

        return jax().lax.scan(step, state, (xs, ys))[0]

    compiled: Callable[..., Any] = jax().jit(steps)
    return compiled
