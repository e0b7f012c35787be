"""Transforms of the target under which a function may become a sum: y = inverse(sum)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from closedform._typing import Floats


@dataclass(frozen=True)
class Transform:
    """L(y) and the text of its inverse.

    Attributes:
        forward: L on values.
        slope: |dL/dy| at values.
        inverse: puts an expression's text into the inverse of L.
        operators: what the inverse's text needs.
        signed: values of both signs can be told from L(y).
    """

    forward: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    inverse: Callable[[str], str]
    operators: frozenset[str]
    signed: bool = False


TRANSFORMS = {
    "identity": Transform(lambda y: y, np.ones_like, lambda t: t, frozenset(), signed=True),
    "reciprocal": Transform(
        lambda y: 1.0 / y, lambda y: y**-2, lambda t: f"1.0/{t}", frozenset({"/"})
    ),
    "log": Transform(np.log, lambda y: 1.0 / np.abs(y), lambda t: f"exp{t}", frozenset({"exp"})),
    "square": Transform(
        np.square, lambda y: 2.0 * np.abs(y), lambda t: f"sqrt{t}", frozenset({"sqrt"})
    ),
    "sqrt": Transform(
        np.sqrt, lambda y: 0.5 / np.sqrt(y), lambda t: f"{t}**2", frozenset({"square"})
    ),
    "exp": Transform(np.exp, np.exp, lambda t: f"log{t}", frozenset({"log"}), signed=True),
    "inverse square": Transform(
        lambda y: y**-2.0,
        lambda y: 2.0 * np.abs(y) ** -3.0,
        lambda t: f"1.0/sqrt{t}",
        frozenset({"/", "sqrt"}),
    ),
}
