"""Rows of an array: a block at a time, or a sample of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from closedform._typing import Floats

CONSTANT = 1e-12  # a spread of so little of the size is rounding
_BLOCK_BYTES = 1 << 20  # finiteness is checked block by block: no temporary of the data's size


def row_blocks(values: npt.NDArray[Any]) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Rows a block at a time, with the number of the first: what is computed of them is no larger.

    Args:
        values: (n,) or (n, d).
    """
    step = max(1, _BLOCK_BYTES // (values.itemsize * math.prod(values.shape[1:])))
    for start in range(0, len(values), step):
        yield start, values[start : start + step]


def sample_rows(rows: int, most: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """At most so many different row numbers in random order: memory for those, not for all."""
    return rng.permutation(rows) if rows <= most else rng.choice(rows, most, replace=False)


def spreads(X: npt.NDArray[Any], weights: Floats | None = None) -> Floats:
    """Standard deviation of every column, (d,); 0 of one that is constant to rounding."""
    deviations = [math.sqrt(variance(column.astype(np.float64), weights)) for column in X.T]
    sizes = [max(float(column.max()), -float(column.min())) for column in X.T]
    pairs = zip(deviations, sizes, strict=True)
    return np.array([s if s > CONSTANT * size else 0.0 for s, size in pairs])


def variance(y: Floats, weights: Floats | None = None) -> float:
    """Of rows that count as often as they weigh, without a temporary array of y's size."""
    if weights is None:
        mean = y.mean()
        return sum(float(np.sum((block - mean) ** 2)) for _, block in row_blocks(y)) / len(y)
    total = float(weights.sum())
    mean = float(y @ weights) / total
    squares = 0.0
    for start, block in row_blocks(y):
        squares += float((block - mean) ** 2 @ weights[start : start + len(block)])
    return squares / total


def mean_ranks(values: Floats) -> Floats:
    """Ranks from 1 on, (n,); equal values share the mean of theirs.

    values: (n,) finite.
    """
    # As scipy.stats has them, which takes most of a second to import.
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - 0.5 * (counts - 1))[place]
    return ranks
