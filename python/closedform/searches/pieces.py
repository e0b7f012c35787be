"""Functions of one input with at most one inner constant, of which terms are products."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from closedform._typing import Floats
from closedform.formulas.formula import Formula

Grid = Callable[[float, float], Sequence[float]]
Values = Callable[[Floats, float], Floats]


@dataclass(frozen=True, eq=False)
class Piece:
    """One kind of function.

    Attributes:
        text: of {x} and the inner constant {k}.
        value: at x, for a constant; one that has none ignores it.
        slope: by the constant; None where there is none.
        grid: constants to begin with, from the least and the largest value of an input.
        limits: texts of pieces that it comes near to for some constant; "" for 1.
    """

    text: str
    value: Values
    slope: Values | None = None
    grid: Grid = lambda low, high: [0.0]
    limits: tuple[str, ...] = ()

    @property
    def operators(self) -> frozenset[str]:
        return Formula(self.text.format(x="x", k="(0.37)"), ["x"]).operators

    def starts(self, low: float, high: float) -> list[float]:
        """Constants to begin with."""
        return [float(k) for k in self.grid(low, high)]


def _size(low: float, high: float) -> float:
    return max(abs(low), abs(high))


def _above_0(sizes: Sequence[float]) -> Grid:
    """Multiples of one over the largest value, of an input that is never negative."""
    return lambda low, high: [k / high for k in sizes] if low >= 0 else []


def _rates(low: float, high: float) -> list[float]:
    return [sign * k / (high - low) for k in (0.5, 1.5, 4.0, 10.0) for sign in (1, -1)]


def _frequencies(low: float, high: float) -> list[float]:
    """From a quarter of a period over the range to four and a quarter."""
    return [quarters * math.pi / (2 * (high - low)) for quarters in range(1, 18)]


def _root_frequencies(low: float, high: float) -> list[float]:
    return [k * math.pi / math.sqrt(high) for k in (0.5, 1.0, 2.0, 3.0)] if low >= 0 else []


def _few_frequencies(low: float, high: float) -> list[float]:
    return [0.6, 1.0, 2.0, 4.0] if low >= 0 else []


def _exponents(low: float, high: float) -> list[float]:
    """Beside whole and half ones, where a fit would stay."""
    above = [0.3, 0.75, 1.3, 1.7, 2.4, 3.4] if low >= 0 else []
    return [*above, -0.6] if low > 0 else above


def _waves(
    text: str,
    inner: Callable[[Floats], Floats],
    grid: Grid,
    of_sine: tuple[str, ...],
    of_cosine: tuple[str, ...],
) -> tuple[Piece, Piece]:
    """Sine and cosine of k times a function, and the limits of each."""
    return (
        Piece(
            f"sin({{k}}*{text})",
            lambda x, k: np.sin(k * inner(x)),
            lambda x, k: inner(x) * np.cos(k * inner(x)),
            grid,
            of_sine,
        ),
        Piece(
            f"cos({{k}}*{text})",
            lambda x, k: np.cos(k * inner(x)),
            lambda x, k: -inner(x) * np.sin(k * inner(x)),
            grid,
            of_cosine,
        ),
    )


FEW = _above_0((0.5, 2.0, 8.0, 30.0))

PIECES = (
    Piece("{x}", lambda x, k: x),
    Piece("{x}**2", lambda x, k: x**2),
    Piece("{x}**3", lambda x, k: x**3),
    Piece("1/{x}", lambda x, k: 1 / x),
    Piece("sqrt({x})", lambda x, k: np.sqrt(x)),
    Piece("log({x})", lambda x, k: np.log(x)),
    Piece(
        "{x}**{k}",
        lambda x, k: x**k,
        lambda x, k: x**k * np.log(x),
        _exponents,
        limits=("", "{x}", "{x}**2", "{x}**3", "sqrt({x})", "1/{x}"),
    ),
    Piece(
        "exp({k}*{x})",
        lambda x, k: np.exp(k * x),
        lambda x, k: x * np.exp(k * x),
        _rates,
        limits=("",),
    ),
    Piece(
        "exp({k}*{x}**2)",
        lambda x, k: np.exp(k * x**2),
        lambda x, k: x**2 * np.exp(k * x**2),
        lambda low, high: [-k / _size(low, high) ** 2 for k in (1.0, 4.0, 15.0, 50.0)],
        limits=("",),
    ),
    *_waves("{x}", lambda x: x, _frequencies, ("{x}",), ("", "{x}**2")),
    Piece(
        "1/(1 + {k}*{x})",
        lambda x, k: 1 / (1 + k * x),
        lambda x, k: -x / (1 + k * x) ** 2,
        FEW,
        limits=("", "1/{x}"),
    ),
    Piece(
        "{x}/(1 + {k}*{x})",
        lambda x, k: x / (1 + k * x),
        lambda x, k: -((x / (1 + k * x)) ** 2),
        FEW,
        limits=("", "{x}"),
    ),
    Piece(
        "1/(1 + {k}*{x}**2)",
        lambda x, k: 1 / (1 + k * x**2),
        lambda x, k: -((x / (1 + k * x**2)) ** 2),
        lambda low, high: [k / _size(low, high) ** 2 for k in (0.5, 2.0, 8.0, 30.0)],
        limits=("",),
    ),
    Piece(
        "log(1 + {k}*{x})",
        lambda x, k: np.log1p(k * x),
        lambda x, k: x / (1 + k * x),
        FEW,
        limits=("{x}", "log({x})"),
    ),
    Piece(
        "tanh({k}*{x})",
        lambda x, k: np.tanh(k * x),
        lambda x, k: x / np.cosh(k * x) ** 2,
        lambda low, high: [k / _size(low, high) for k in (1.0, 3.0, 9.0)],
        limits=("", "{x}"),
    ),
    *_waves("sqrt({x})", np.sqrt, _root_frequencies, ("sqrt({x})",), ("", "{x}")),
    *_waves("log(1 + {x})", np.log1p, _few_frequencies, (), ("",)),
)

OF_TEXT = {piece.text: piece for piece in PIECES}
