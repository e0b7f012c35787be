"""Models and rows for the tests, and what rounding may change: c n eps times the sum of the
absolute terms of each number, as in tests/cpp (grid_models.hpp)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from closedform import _core

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.floating[Any]]
NetworkKind = type[_core.NetworkFloat32] | type[_core.NetworkFloat64]


def eps(dtype: type) -> float:
    return float(np.finfo(dtype).eps)


def assert_close(found: Floats, expected: Floats, most: Floats | float) -> None:
    """|found - expected| <= most everywhere; NaN never is."""
    assert found.shape == expected.shape
    assert found.dtype == np.float64
    off = np.abs(found - expected)
    share = off / (most + np.zeros(off.shape) + 1e-300)
    worst = float(share.max(initial=0.0))
    assert worst <= 1, (
        f"{worst:.3g} times what rounding may be, at {np.argmax(share)} of {off.size}"
    )


def random_surrogate(
    inputs: int, modes: int, *, outside: str = "linear", seed: int = 7
) -> _core.TensorSurrogate:
    """Grids of 1 to 6 nodes; every one a float32 number, so that both precisions put a row into the
    same cell."""
    rng = np.random.default_rng([seed, inputs])
    nodes = [
        np.cumsum([-1.0, *(0.5 + rng.uniform(size=d % 6))]).astype(np.float32).astype(float)
        for d in range(inputs)
    ]
    factors = [1 + 0.3 * rng.normal(size=(modes, len(x))) for x in nodes]
    return _core.TensorSurrogate(nodes, [(2, 2)] * inputs, factors, 0.7, outside)


def rows_of(core: _core.TensorSurrogate, rows: int, dtype: type, seed: int = 3) -> Rows:
    """In and a little around the grid."""
    rng = np.random.default_rng([seed, rows])
    low = np.array([core.nodes(d)[0] for d in range(core.inputs)])
    high = np.array([core.nodes(d)[-1] for d in range(core.inputs)])
    X = low - 0.1 + (high - low + 0.2) * rng.uniform(size=(rows, core.inputs))
    return np.ascontiguousarray(X, dtype=dtype)


def surrogate_terms(core: _core.TensorSurrogate) -> int:
    """Roundings on the longest way: a product of D quartics, summed over modes; that x - center is
    rounded counts once more where t is small."""
    return 16 * core.inputs + core.modes


def surrogate_sizes(core: _core.TensorSurrogate, X: Rows, order: int) -> Floats:
    """The sums of absolute terms of value, gradient (order 1) or Hessian (2)."""
    factors = [
        [_factor_sizes(core, d, X[:, d], o) for o in range(order + 1)] for d in _inputs(core)
    ]
    shape = (len(X),) + (core.inputs,) * order
    sizes = np.empty(shape)
    for at in np.ndindex(*shape[1:]):
        product = np.ones((len(X), core.modes))
        for d in _inputs(core):
            product *= factors[d][at.count(d)]
        sizes[(slice(None), *at)] = product.sum(axis=1)
    return sizes + (abs(core.offset) if order == 0 else 0.0)


def _inputs(core: _core.TensorSurrogate) -> range:
    return range(core.inputs)


def _factor_sizes(core: _core.TensorSurrogate, d: int, x: Rows, order: int) -> Floats:
    """(rows, modes): the sum of |c_k t^k|, or of its derivatives' terms. Of a row on a node, which
    the extremes of a fit's data are, the larger of both cells'."""
    nodes, center, inverse_width, planes = core.table(d)
    largest = np.zeros((len(x), core.modes))
    for cell in (np.searchsorted(nodes, x.astype(float), side=s) for s in ("left", "right")):
        t = np.abs((x - center[cell]) * inverse_width[cell])
        sizes = np.zeros((len(x), core.modes))
        for power in range(order, 5):
            falling = [1, power, power * (power - 1)][order]
            sizes += falling * np.abs(planes[cell, power]) * (t ** (power - order))[:, None]
        np.maximum(largest, sizes * (inverse_width[cell] ** order)[:, None], out=largest)
    return largest


def random_network(widths: list[int], activation: str, dtype: type) -> Any:
    rng = np.random.default_rng([2, *widths])
    kind: NetworkKind = _core.NetworkFloat32 if dtype is np.float32 else _core.NetworkFloat64
    return kind(random_layers(widths, activation, dtype, rng))


def random_layers(
    widths: list[int], activation: str, dtype: type, rng: np.random.Generator
) -> list[Any]:
    return [
        (
            (rng.normal(size=(out, given)) / np.sqrt(given)).astype(dtype),
            (0.3 * rng.normal(size=out)).astype(dtype),
            activation,
            0.7,
        )
        for given, out in pairwise(widths)
    ]


def network_size(widths: list[int], activation: str, dtype: type, largest: float) -> float:
    """Values and slopes are at most those of the same network with all weights and inputs made
    positive: no activation grows faster than the identity but for a constant. Times the number of
    roundings."""
    layers = random_layers(widths, activation, dtype, np.random.default_rng([2, *widths]))
    h = largest
    for weights, bias, *_ in layers:
        h = float((np.abs(bias) + 1 + np.abs(weights).sum(axis=1, dtype=float) * h).max())
    return (40 + sum(widths)) * h
