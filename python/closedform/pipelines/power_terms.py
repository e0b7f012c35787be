"""Terms that are products of powers, read from the slopes of a surrogate.

A term is all that is left of a sum in the derivative by an input that no other term has, however
many inputs the terms share: y = q*V*d/r**2 + g(q, d, r, e) has the slope q*d/r**2 by V. So sums are
taken apart that split into no blocks, the way Ex-HiDeNN takes blocks apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from closedform._typing import Floats
from closedform.searches.products import Product

MOST_TERMS = 8
SIMPLE = 0.04  # from an exponent to a multiple of one half, at most
LARGEST = 6.0
SPREAD = 0.02  # relative error, of most rows, of a slope that is a product of powers
CERTAIN = 0.8  # share of the rows that tell: with the nearest to the product
SMALL = 0.02  # over the median: slopes that say little of themselves
ROUNDS = 3
UNKNOWN = 1.0  # a slope's effect on the target, over the surrogate's error, that says nothing
QUIET = 0.05  # of the median of a slope, what its terms leave of it where it has no others


@dataclass(frozen=True)
class PowerTerm:
    """coefficient * prod x_j**exponents[j]."""

    coefficient: float
    exponents: tuple[float, ...]

    def text(self, names: Sequence[str]) -> str:
        return f"({self.coefficient!r})*{Product(self.exponents).text(names)}"

    def values(self, X: Floats) -> Floats:
        with np.errstate(all="ignore"):
            values: Floats = self.coefficient * np.prod(X ** np.array(self.exponents), axis=1)
        return values

    def own(self, X: Floats, gone: Sequence[int]) -> Floats:
        """What of it no function of the inputs but those gone can be; of independent inputs."""
        powers = np.array(self.exponents)[list(gone)]
        with np.errstate(all="ignore"):
            factor = np.prod(X[:, list(gone)] ** powers, axis=1)
            own: Floats = self.values(X) * (1.0 - np.mean(factor) / factor)
        return own

    def slopes(self, X: Floats) -> Floats:
        """By every input, (n, d)."""
        slopes: Floats = self.values(X)[:, None] * np.array(self.exponents) / X
        return slopes


def power_terms(X: Floats, slopes: Floats, error: float) -> tuple[list[PowerTerm], list[int]]:
    """Terms whose derivatives explain those of a surrogate, by some of the inputs.

    Args:
        X: (n, d) rows.
        slopes: (n, d) derivatives by the inputs there.
        error: of the surrogate, in the target's units.

    Returns:
        The terms, each found with those before it taken away; and the inputs by which they were
        found, which enter nowhere else.
    """
    if not (np.isfinite(slopes).all() and (X != 0).all()):
        return [], []
    with np.errstate(all="ignore"):  # sizes whose squares are no numbers say nothing
        return _taken_apart(X, slopes, error)


def _taken_apart(X: Floats, slopes: Floats, error: float) -> tuple[list[PowerTerm], list[int]]:
    left, terms, by = slopes, list[PowerTerm](), set[int]()
    spans = np.std(X, axis=0)
    while len(terms) < MOST_TERMS:
        found = []
        for j in np.flatnonzero(_rms(left) * spans > UNKNOWN * error).tolist():
            term, spread = _term(X, left[:, j], j)
            if term is not None and all(term.exponents != known.exponents for known in terms):
                found.append((spread, j, term))
        if not found:
            break
        _, j, best = min(found, key=lambda one: one[0])
        rest = left - best.slopes(X)
        if not np.isfinite(rest).all():
            break
        left = rest
        terms.append(best)
        by.add(j)
    quiet = np.median(np.abs(left), axis=0) <= QUIET * np.median(np.abs(slopes), axis=0)
    return terms, [j for j in sorted(by) if quiet[j]]


def _rms(slopes: Floats) -> Floats:
    rms: Floats = np.sqrt(np.mean(slopes**2, axis=0))
    return rms


def _term(X: Floats, slope: Floats, j: int) -> tuple[PowerTerm | None, float]:
    """The term whose derivative by input j a slope is, and how far from it; None for none."""
    size = np.abs(slope)
    kept = size > SMALL * np.median(size)
    design = np.column_stack([np.ones(len(X)), np.log(np.abs(X))])
    if kept.sum() < 4 * design.shape[1]:
        return None, np.inf
    solution = np.zeros(design.shape[1])
    target = np.log(size)
    for _ in range(ROUNDS):  # the edges of the rows, where surrogates are poor, are left out
        solution = np.linalg.lstsq(design[kept], target[kept], rcond=None)[0]
        off = np.abs(target - design @ solution)
        kept &= off <= np.quantile(off[kept], CERTAIN)
    powers = np.round(2.0 * solution[1:]) / 2.0
    near = np.abs(powers - solution[1:]).max() <= SIMPLE and np.abs(powers).max() <= LARGEST
    whole = np.where((X < 0).any(axis=0), powers == np.round(powers), True)
    if not (near and whole.all()) or powers[j] == -1.0:
        return None, np.inf
    ratios = slope[kept] / np.prod(X[kept] ** powers, axis=1)
    middle = float(np.median(ratios))
    spread = float(np.quantile(np.abs(ratios - middle), CERTAIN)) / np.abs(middle)
    if not spread <= SPREAD:
        return None, np.inf
    exponents = powers.copy()
    exponents[j] += 1.0
    return PowerTerm(middle / float(exponents[j]), tuple(exponents.tolist())), spread
