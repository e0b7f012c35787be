"""How many independent rows residuals stand for: copies of a row, and rows of a series, are fewer.

Residuals of the law behind the data are independent. Where those of copies, or of rows one after
another, go together, n rows say as much as n over the sum of the correlations (Geyer, Statistical
Science 7, 1992, of chains).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from closedform._typing import FloatMatrix, Floats
from closedform.tables.rows import mean_ranks

NEIGHBOURS = 12
COPY = 0.02  # of the distance to the last of the neighbours
CLEAR = 3.0  # standard errors above zero from which a correlation counts
LARGEST = 4.0  # residuals beyond so many standard errors say no more
PARTS = 16  # of the rows, that distances to all are not in memory at once
MOST_DIRECTIONS = 10  # a tree of more inputs is no faster than looking everywhere


@dataclass(frozen=True)
class Neighbours:
    """For every row those nearest to it by its inputs.

    Attributes:
        nearest: (n, k) row numbers, nearest first.
        copies: (n, k) whether that one is so near, beside the farthest of them, that it is a copy.
    """

    nearest: npt.NDArray[np.intp]
    copies: npt.NDArray[np.bool_]

    @cached_property
    def places(self) -> int:
        """Rows that are no copies of another: copies of copies are one place."""
        rows, columns = np.nonzero(self.copies)
        links = (np.ones(len(rows)), (rows, self.nearest[rows, columns]))
        n = len(self.nearest)
        return int(connected_components(coo_array(links, (n, n)), directed=False)[0])

    def correlations(self, z: Floats) -> Iterator[tuple[float, int]]:
        """Of residuals with those of the nearest copy, the next, and so on, and of how many."""
        for column, near in zip(self.nearest.T, self.copies.T, strict=True):
            yield _correlation(z[near], z[column[near]]), int(near.sum())


def spread_evenly(X: FloatMatrix) -> Floats:
    """Inputs by their ranks, (n, d) of variance one: near and far mean something whatever decades a
    column spans. Equal values share their mean rank."""
    ranks = np.column_stack([mean_ranks(column) for column in X.T])
    deviation = ranks.std(axis=0)
    even: Floats = (ranks - ranks.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return even


def neighbours_of(X: Floats) -> Neighbours:
    """The nearest rows by inputs that are scaled to variance one.

    X: (n, d) float64, n at least 2.
    """
    deviation = X.std(axis=0)
    points = (X - X.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    count = min(NEIGHBOURS, len(points) - 1)
    if points.shape[1] <= MOST_DIRECTIONS:
        distance, nearest = cKDTree(points).query(points, count + 1)
    else:
        parts = [_nearest(points, part, count + 1) for part in np.array_split(points, PARTS)]
        distance, nearest = (np.vstack(both) for both in zip(*parts, strict=True))
    # Of rows that are equal to another the nearest may be that one, and the row itself later.
    own = nearest == np.arange(len(nearest))[:, None]
    own[~own.any(axis=1), -1] = True
    nearest = nearest[~own].reshape(len(points), -1)
    distance = distance[~own].reshape(len(points), -1)
    return Neighbours(nearest, distance <= COPY * distance[:, -1:])


def _nearest(points: Floats, some: Floats, count: int) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Distances to the points nearest to some of them, nearest first, and which they are."""
    squares = (some**2).sum(axis=1)[:, None] + (points**2).sum(axis=1) - 2.0 * some @ points.T
    nearest = np.argpartition(squares, count - 1, axis=1)[:, :count]
    distance = np.sqrt(np.maximum(np.take_along_axis(squares, nearest, axis=1), 0.0))
    order = np.argsort(distance, axis=1, kind="stable")
    return np.take_along_axis(distance, order, axis=1), np.take_along_axis(nearest, order, axis=1)


def effective_share(residuals: Floats, neighbours: Neighbours) -> float:
    """Independent rows over rows, above 0 and at most 1.

    residuals: (n,) over their standard errors, in the order of the rows.
    """
    if len(residuals) < 4 or not np.isfinite(residuals).all():
        return 1.0
    z = np.clip(residuals - np.median(residuals), -LARGEST, LARGEST)
    if not z.any():
        return 1.0
    clear = CLEAR / math.sqrt(len(z))
    along_rows = 1.0 + 2.0 * _sum_of_clear((_lag(z, k) for k in range(1, len(z) // 2)), clear)
    of_copies = 1.0
    for correlation, pairs in neighbours.correlations(z):
        # Copies are mostly mutual: a pair counts twice.
        if pairs == 0 or not correlation > CLEAR * math.sqrt(2.0 / pairs):
            break
        of_copies += correlation * pairs / len(z)
    return 1.0 / max(along_rows, of_copies)


def _sum_of_clear(correlations: Iterable[float], clear: float) -> float:
    """Up to the first that could be chance."""
    total = 0.0
    for correlation in correlations:
        if not correlation > clear:
            break
        total += float(correlation)
    return total


def _lag(z: Floats, lag: int) -> float:
    return _correlation(z[lag:], z[:-lag])


def _correlation(a: Floats, b: Floats) -> float:
    norm = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / norm if norm > 0 else 0.0
