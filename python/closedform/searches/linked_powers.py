"""Laws that are a known function of one power product, 1/(exp(a*x**p*y**q) - 1) for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from closedform._typing import Floats
from closedform.searches.products import Product, rounded

EXACT = 1e-7  # what rounding may leave of a logarithm

# What makes a power product of the target, and the target from it.
LINKS: tuple[tuple[Callable[[Floats], Floats], str], ...] = (
    (lambda y: y - 1, "1 + {0}"),
    (lambda y: y + 1, "{0} - 1"),
    (lambda y: y**2 - 1, "sqrt(1 + {0})"),
    (lambda y: 1 / y - 1, "1/(1 + {0})"),
    (lambda y: 1 / y + 1, "1/({0} - 1)"),
    (lambda y: 1 / y**2 - 1, "1/sqrt(1 + {0})"),
    (lambda y: np.log(y), "exp({0})"),
    (lambda y: np.exp(y), "log({0})"),
    (lambda y: np.expm1(y), "log(1 + {0})"),
    (lambda y: np.log1p(-y), "1 - exp({0})"),
    (lambda y: np.log1p(1 / y), "1/(exp({0}) - 1)"),
    (lambda y: np.log(1 / y - 1), "1/(exp({0}) + 1)"),
    (lambda y: np.arctanh(y), "tanh({0})"),
    (lambda y: np.arcsin(y), "sin({0})"),
    (lambda y: np.arccos(y), "cos({0})"),
    (lambda y: np.arctan(y), "tan({0})"),
    (lambda y: np.sin(y), "asin({0})"),
    (lambda y: np.cos(y), "acos({0})"),
    (lambda y: np.tan(y), "atan({0})"),
)


def linked_powers(X: Floats, y: Floats, names: Sequence[str]) -> Iterator[str]:
    """Texts of those whose logarithm is straight in the inputs' logarithms, up to rounding.

    Args:
        X, y: (n, d) and (n,) float64, finite.
        names: of the inputs.
    """
    used = np.flatnonzero((X != 0).all(axis=0))
    design = np.column_stack([np.ones(len(y)), np.log(np.abs(X[:, used]))])
    if len(y) < 2 * design.shape[1] + 2:
        return
    with np.errstate(all="ignore"):
        for link, text in LINKS:
            linked = link(y)
            target = np.log(np.abs(linked))
            if not np.isfinite(target).all():
                continue
            solution = np.linalg.lstsq(design, target, rcond=None)[0]
            if np.abs(target - design @ solution).max() <= EXACT:
                exponents = np.zeros(X.shape[1])
                exponents[used] = [rounded(exponent) for exponent in solution[1:].tolist()]
                exponents[np.abs(exponents) < EXACT] = 0.0
                size = float(np.exp(solution[0]))
                for factor in (size, -size):
                    product = Product(tuple(exponents.tolist())).text(names)
                    yield text.format(f"({factor!r})*{product}")
