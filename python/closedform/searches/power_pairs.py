"""Sums of two powers of one input, as of repulsion and attraction: with a fit of one exponent at a
time neither is found, for no single power is near."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from closedform import _core
from closedform._typing import Floats

_SIZES = [*np.arange(0.5, 3.5, 0.5), *range(4, 13)]
EXPONENTS = np.array([*(-size for size in _SIZES), *_SIZES], dtype=np.float64)
ALIKE = 1e-10  # share of a power that lies outside another, at least
SOLVED = 10  # pairs that normal equations like best, which are then solved for themselves


def power_pairs(x: Floats, y: Floats, weights: Floats) -> Iterator[tuple[float, str]]:
    """The best pair alone and beside a constant.

    Args:
        x, y, weights: (n,) float64, weights that sum to 1. Nothing is yielded where x is not
            positive throughout.

    Yields:
        Share of the variance that is left, and text in x.
    """
    whole = float((y - weights @ y) ** 2 @ weights)
    if not (x.min() > 0 and whole > 0 and len(x) > 4):
        return
    middle = float(np.exp(np.mean(np.log(x))))
    root = np.sqrt(weights)
    powers = (x[:, None] / middle) ** EXPONENTS * root[:, None]
    usable = np.isfinite(powers).all(axis=0)
    powers, exponents = powers[:, usable], EXPONENTS[usable]
    for constant in (False, True):
        base = root[:, None] if constant else np.zeros((len(x), 0))
        solved = []
        for i, j in _likely(powers, base, root * y):
            columns = np.column_stack([base, powers[:, [i, j]]])
            sizes = np.linalg.norm(columns, axis=0)
            factors = np.linalg.lstsq(columns / sizes, root * y, rcond=None)[0] / sizes
            left = float(np.sum((root * y - columns @ factors) ** 2))
            with np.errstate(all="ignore"):  # of rows far from one there may be no such number
                factors[-2:] *= np.float64(middle) ** -exponents[[i, j]]
            if not (np.isfinite(factors).all() and np.isfinite(left)):
                continue
            terms = [
                f"({factor!r})*x**({p!r})"
                for factor, p in zip(factors[-2:].tolist(), exponents[[i, j]].tolist(), strict=True)
            ]
            solved.append(
                (left, " + ".join([*terms, *(f"({f!r})" for f in factors[:-2].tolist())]))
            )
        if solved:
            left, text = min(solved)
            yield left / whole, text


def _likely(columns: Floats, base: Floats, target: Floats) -> list[tuple[int, int]]:
    """Pairs of columns that leave least of the target beside the base."""
    basis = np.linalg.qr(base)[0]
    columns, target = columns - basis @ (basis.T @ columns), target - basis @ (basis.T @ target)
    columns = columns / np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
    i, j = np.triu_indices(columns.shape[1], 1)
    gains = _core.pair_gains(columns.T @ columns, columns.T @ target, ALIKE)[i, j]
    best = np.argsort(-gains, kind="stable")[:SOLVED]
    return [(int(i[k]), int(j[k])) for k in best if gains[k] > 0]
