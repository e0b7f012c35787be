"""Functions of one input with constants that no small step finds: bells, steps, poles, powers.

A search fits constants from where it stands, and the valleys of these are narrow. Here they are
looked for on grids, what enters linearly solved for at each point (variable projection: Golub and
Pereyra 1973), as a formula to begin with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from closedform._typing import Floats
from closedform.searches.valleys import refined

CENTRES = 24  # in the input's range and a quarter beyond
WIDTHS = np.geomspace(0.02, 2.0, 12)  # over the range
RATES = np.geomspace(0.1, 60.0, 24)  # by how much an exponent changes over the range
BEYOND = np.geomspace(0.005, 8.0, 20)  # distances of a pole from the range, over the range
# Beside whole and half numbers, which a fit leaves as they are.
EXPONENTS = np.array(
    [0.25, 0.33, 0.51, 0.67, 1.51, 2.01, 2.51, 3.01, 4.01, 5.01, 6.01, 8.01, 12.01]
)

# Points of the grids whose valleys are followed, and the share of the variance they leave at most.
FOLLOWED, NEAR = 2, 0.01


@dataclass(frozen=True)
class Shape:
    """One kind of function.

    Attributes:
        values: (grid, n) at the rows, from the grid's two constants, (grid, 1) each, and x (n,).
        text: of the function of `x` with constants {a} and {b}.
        grid: the constants, from the ends of the input's range.
    """

    values: Callable[[Floats, Floats, Floats], Floats]
    text: str
    grid: Callable[[float, float], tuple[Floats, Floats]]


def _crossed(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    first, second = np.meshgrid(a, b, indexing="ij")
    return first.ravel(), second.ravel()


def _places(low: float, high: float) -> tuple[Floats, Floats]:
    quarter = 0.25 * (high - low)
    return _crossed(np.linspace(low - quarter, high + quarter, CENTRES), WIDTHS * (high - low))


def _rates(low: float, high: float) -> tuple[Floats, Floats]:
    rates = RATES / (high - low)
    return np.concatenate([-rates, rates]), np.zeros(2 * len(rates))


def _outside(low: float, high: float) -> Floats:
    distances = BEYOND * (high - low)
    poles = np.concatenate([low - distances, high + distances])
    return np.append(poles, 0.0) if low > 0 or high < 0 else poles


def _poles(low: float, high: float) -> tuple[Floats, Floats]:
    poles = _outside(low, high)
    return poles, np.zeros(len(poles))


def _below(low: float, high: float) -> tuple[Floats, Floats]:
    poles, unused = _poles(low, high)
    return poles[poles < low], unused[poles < low]


def _powers(low: float, high: float) -> tuple[Floats, Floats]:
    poles = _outside(low, high)
    return _crossed(poles[poles < low], np.concatenate([-EXPONENTS, EXPONENTS]))


def _approaches(low: float, high: float) -> tuple[Floats, Floats]:
    poles = _outside(low, high)
    poles, changes = _crossed(poles[poles < low], np.concatenate([-RATES, RATES]))
    return poles, changes / (1 / (low - poles) - 1 / (high - poles))


def _halves(low: float, high: float) -> tuple[Floats, Floats]:
    if low <= 0:
        return np.zeros(0), np.zeros(0)
    return _crossed(
        np.geomspace(low / 3, high * 3, CENTRES), np.array([1.01, 1.51, 2.01, 3.01, 4.01, 6.01])
    )


SHAPES = (
    Shape(lambda a, b, x: np.exp(-(((x - a) / b) ** 2)), "exp(-((x - {a})/{b})**2)", _places),
    Shape(lambda a, b, x: 1 / (1 + ((x - a) / b) ** 2), "1/(1 + ((x - {a})/{b})**2)", _places),
    Shape(lambda a, b, x: 1 / (1 + np.exp((a - x) / b)), "1/(1 + exp(({a} - x)/{b}))", _places),
    Shape(lambda a, b, x: np.exp(a * x), "exp({a}*x)", _rates),
    Shape(lambda a, b, x: 1 / (x - a), "1/(x - {a})", _poles),
    Shape(lambda a, b, x: np.log(x - a), "log(x - {a})", _below),
    Shape(lambda a, b, x: (x - a) ** b, "(x - {a})**{b}", _powers),
    Shape(lambda a, b, x: np.exp(b / (x - a)), "exp({b}/(x - {a}))", _approaches),
    Shape(lambda a, b, x: 1 / (1 + (a / x) ** b), "1/(1 + ({a}/x)**{b})", _halves),
)


def fitted_shapes(x: Floats, y: Floats, weights: Floats) -> Iterator[tuple[float, str]]:
    """The best of each kind, times a factor, beside a constant, and beside a straight line.

    Args:
        x, y, weights: (n,) float64, weights that sum to 1.

    Yields:
        Share of the variance that is left, and text in x.
    """
    low, high = float(x.min()), float(x.max())
    whole = float((y - weights @ y) ** 2 @ weights)
    if not (high > low and whole > 0):
        return
    for columns in range(3):
        base = np.column_stack([np.ones_like(x), x])[:, :columns]
        points = []
        for shape in SHAPES:
            with np.errstate(all="ignore"):
                first, second = shape.grid(low, high)
                values = shape.values(first[:, None], second[:, None], x)
                values /= np.abs(values).max(axis=1, keepdims=True)
            usable = np.isfinite(values).all(axis=1)
            if usable.any():
                best, left = _best(values[usable], base, y, weights)
                a, b = float(first[usable][best]), float(second[usable][best])
                points.append((left, shape, a, b))
        points.sort(key=lambda point: point[0])
        for i, (left, shape, a, b) in enumerate(points):
            if i < FOLLOWED and left <= NEAR * whole:
                a, b, left = refined(shape.values, a, b, x, base, y, weights)
            inner = shape.text.format(a=_number(a), b=_number(b))
            values = shape.values(np.array(a), np.array(b), x)
            text = _sum(inner, base, values, y, weights)
            if text is not None:
                yield left / whole, text


def _best(values: Floats, base: Floats, y: Floats, weights: Floats) -> tuple[int, float]:
    """Which of the functions leaves least beside the base, and how much."""
    project = _projection(base, weights)
    target = project(y[None])[0]
    left = project(values)
    with np.errstate(all="ignore"):
        told = (left @ (weights * target)) ** 2 / ((left**2) @ weights)
    told[~np.isfinite(told)] = 0.0
    best = int(np.argmax(told))
    return best, max(0.0, float(target**2 @ weights) - float(told[best]))


def _projection(base: Floats, weights: Floats) -> Callable[[Floats], Floats]:
    """What is left of rows of values after the base's columns, in the weighted least squares."""
    basis, _ = np.linalg.qr(base * np.sqrt(weights)[:, None])
    root = np.sqrt(weights)

    def project(values: Floats) -> Floats:
        scaled = values * root
        left: Floats = (scaled - (scaled @ basis) @ basis.T) / np.maximum(root, 1e-300)
        return left

    return project


def _sum(inner: str, base: Floats, values: Floats, y: Floats, weights: Floats) -> str | None:
    """Text of the linear fit of the base and one function; None where a factor is no number."""
    size = float(np.abs(values).max())
    root = np.sqrt(weights)[:, None]
    columns = np.column_stack([base, values / size]) * root
    solution = np.linalg.lstsq(columns, y * root[:, 0], rcond=None)[0]
    with np.errstate(over="ignore"):
        factor = solution[-1] / size
    if not np.isfinite([factor, *solution]).all():
        return None
    terms = [f"{_number(factor)}*({inner})", _number(solution[0])]
    if base.shape[1] > 1:
        terms.append(f"{_number(solution[1])}*x")
    return " + ".join(terms[: 1 + base.shape[1]])


def _number(value: float) -> str:
    return f"({float(value)!r})"
