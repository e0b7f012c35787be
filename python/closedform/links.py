"""Transforms of the target under which a function may become a sum: y = inverse(sum)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Link:
    """L(y) and the text of its inverse.

    Attributes:
        forward: L on values.
        inverse: puts an expression's text into the inverse of L.
        operators: what the inverse's text needs.
    """

    forward: Callable[[Floats], Floats]
    inverse: Callable[[str], str]
    operators: frozenset[str]


LINKS = {
    "identity": Link(lambda y: y, lambda t: t, frozenset()),
    "reciprocal": Link(lambda y: 1.0 / y, lambda t: f"1.0/{t}", frozenset({"/"})),
    "log": Link(np.log, lambda t: f"exp{t}", frozenset({"exp"})),
    "square": Link(np.square, lambda t: f"sqrt{t}", frozenset({"sqrt"})),
    "sqrt": Link(np.sqrt, lambda t: f"{t}**2", frozenset({"square"})),
    "exp": Link(np.exp, lambda t: f"log{t}", frozenset({"log"})),
}
