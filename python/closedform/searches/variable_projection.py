"""Sums of terms with inner constants, fitted: what is linear solved for at each step of the rest.

Golub and Pereyra 1973, with Kaufman's simplification (1975) and Levenberg's damping.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from closedform._typing import Floats
from closedform.searches.pieces import Piece

RANK = 1e-13  # singular value over the largest of columns that say something
DAMPING, LEAST_DAMPING, GROWTH = 1e-3, 1e-12, 8.0
TRIES = 6  # of a step, each more damped than the one before
SLOW, PATIENCE = 1e-4, 3  # relative gain of a step that is hardly one, and how many end a fit


@dataclass(frozen=True)
class Term:
    """A product of pieces of different inputs.

    Attributes:
        factors: column and piece of each.
        constants: the inner constant of each, unused where a piece has none.
    """

    factors: tuple[tuple[int, Piece], ...]
    constants: tuple[float, ...]

    def values(self, X: Floats) -> Floats:
        """(n,) at the rows of (n, d)."""
        pairs = zip(self.factors, self.constants, strict=True)
        result = np.ones(len(X))
        for (j, piece), k in pairs:
            result = result * piece.value(X[:, j], k)
        return result

    def slopes(self, X: Floats) -> Iterator[tuple[int, Floats]]:
        """Positions of constants, and derivatives by them."""
        for place, ((j, piece), k) in enumerate(zip(self.factors, self.constants, strict=True)):
            if piece.slope is None:
                continue
            others = Term(_without(self.factors, place), _without(self.constants, place))
            yield place, piece.slope(X[:, j], k) * others.values(X)

    def text(self, names: Sequence[str]) -> str:
        pairs = zip(self.factors, self.constants, strict=True)
        return "*".join(
            f"({piece.text.format(x=names[j], k=f'({k!r})')})" for (j, piece), k in pairs
        )


def _without(values: tuple, place: int) -> tuple:  # type: ignore[type-arg]
    return (*values[:place], *values[place + 1 :])


@dataclass(frozen=True)
class Fitted:
    """constant + sum of factor * term.

    Attributes:
        factors: the constant first.
        left: (n,) of the target.
        loss: mean square of it.
    """

    terms: tuple[Term, ...]
    factors: Floats
    left: Floats
    loss: float

    def text(self, names: Sequence[str]) -> str:
        constant, *factors = (float(factor) for factor in self.factors)
        parts = [f"({c!r})*{t.text(names)}" for c, t in zip(factors, self.terms, strict=True)]
        return " + ".join([repr(constant), *parts])


def columns(terms: Sequence[Term], X: Floats) -> Floats:
    """(n, 1 + terms): ones, and the terms' values."""
    return np.column_stack([np.ones(len(X)), *(term.values(X) for term in terms)])


def solved(terms: Sequence[Term], X: Floats, y: Floats) -> Fitted | None:
    """With inner constants as they are; None where a term has no values."""
    design = columns(terms, X)
    sizes = np.linalg.norm(design, axis=0)
    if not (np.isfinite(sizes).all() and (sizes > 0).all()):
        return None
    factors = np.linalg.lstsq(design / sizes, y, rcond=RANK)[0] / sizes
    left = y - design @ factors
    return Fitted(tuple(terms), factors, left, float(left @ left) / len(y))


def fitted(terms: Sequence[Term], X: Floats, y: Floats, steps: int) -> Fitted | None:
    """With all constants fitted, by at most so many steps; None where a term has no values."""
    now = solved(terms, X, y)
    damping, slow = DAMPING, 0
    while now is not None and steps > 0 and slow < PATIENCE:
        steps -= 1
        places, slopes = tangents(now, X)
        sizes = np.linalg.norm(slopes, axis=0)
        if not places or not (np.isfinite(sizes).all() and (sizes > 0).all()):
            break
        following, damping = _step(now, X, y, places, slopes / sizes, sizes, damping)
        if following is None:
            break
        slow = slow + 1 if now.loss <= (1 + SLOW) * following.loss else 0
        now = following
    return now


def tangents(sum_: Fitted, X: Floats) -> tuple[list[tuple[int, int]], Floats]:
    """Which constant of which term, and what is left of the derivatives by it beside the terms."""
    places, slopes = [], []
    for at, (term, factor) in enumerate(zip(sum_.terms, sum_.factors[1:], strict=True)):
        for place, slope in term.slopes(X):
            places.append((at, place))
            slopes.append(factor * slope)
    if not places:
        return [], np.empty((len(X), 0))
    design = columns(sum_.terms, X)
    basis, _ = np.linalg.qr(design / np.linalg.norm(design, axis=0))
    whole = np.column_stack(slopes)
    return places, whole - basis @ (basis.T @ whole)


def _step(
    now: Fitted,
    X: Floats,
    y: Floats,
    places: Sequence[tuple[int, int]],
    slopes: Floats,
    sizes: Floats,
    damping: float,
) -> tuple[Fitted | None, float]:
    """A step that leaves less, and the damping to go on with; None where none was found."""
    normal, towards = slopes.T @ slopes, slopes.T @ now.left
    for _ in range(TRIES):
        change = np.linalg.solve(normal + damping * np.eye(len(towards)), towards) / sizes
        constants = [list(term.constants) for term in now.terms]
        for (at, place), by in zip(places, change.tolist(), strict=True):
            constants[at][place] += by
        terms = [Term(t.factors, tuple(k)) for t, k in zip(now.terms, constants, strict=True)]
        following = solved(terms, X, y)
        if following is not None and following.loss < now.loss:
            return following, max(damping / GROWTH, LEAST_DAMPING)
        damping *= GROWTH
    return None, damping
