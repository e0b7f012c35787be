"""Linear relations among few of many columns, where they hold to rounding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from closedform._typing import Floats

EXACT = 1e-13  # what rounding may leave of a target, over its size
ROUNDED = 10.0  # times that it may be where all rows are asked
DEPENDENT = 1e-10  # share of a column's square that lies outside those taken, at least
ROWS_A_TERM = 4  # at least
MOST_ROWS = 160  # that terms are chosen on; all decide
MOST_TERMS = 30  # that are taken before the superfluous are left out
# A sum of so many terms that has not come nearer by a half since the terms before it is given up.
PATIENCE = 10
NULL = 1e-13  # singular value over the largest of what is none
# Least eigenvalue of products of columns, over their number: above it rounding of the products does
# not matter, and no singular value is none.
CLEAR = 1e-12
# Of a null vector's entries, over the largest: the first is used that leaves it one.
ZEROS = (1e-7, 1e-9, 1e-11, 0.0)


def exact_sum(columns: Floats, target: Floats) -> list[tuple[int, float]]:
    """Few of the columns whose sum, with factors, is the target up to rounding.

    Columns are taken one by one, each time the one that leaves least (orthogonal least squares:
    Chen, Billings and Luo 1989), until rounding is left; then those that are not needed are left
    out. What comes to rounding with far fewer columns than rows did not do so by chance.

    Args:
        columns: (n, m) float64; those that are not finite are not used.
        target: (n,).

    Returns:
        Columns and their factors; none where no few do.
    """
    every = -(-len(target) // MOST_ROWS)
    chosen = _forward(columns[::every], target[::every])
    if not chosen:
        return []
    size = float(np.linalg.norm(target))
    left, factors = _solved(columns[:, chosen], target)
    bound = ROUNDED * EXACT * size
    if left > bound:
        return []
    while len(chosen) > 1:
        told = np.abs(factors) * np.linalg.norm(columns[:, chosen], axis=0)
        for i in np.argsort(told).tolist():
            fewer = chosen[:i] + chosen[i + 1 :]
            left, again = _solved(columns[:, fewer], target)
            if left <= bound:
                chosen, factors = fewer, again
                break
        else:
            break
    return list(zip(chosen, factors.tolist(), strict=True))


def _forward(columns: Floats, target: Floats) -> list[int]:
    """Positions of columns that leave only rounding; none where so many do not."""
    rows, count = columns.shape
    with np.errstate(all="ignore"):
        norms = np.linalg.norm(columns, axis=0)
    usable = np.isfinite(norms) & (norms > 0)
    unit = np.where(usable, columns / np.where(usable, norms, 1.0), 0.0)
    outside = usable.astype(np.float64)
    left = target / np.linalg.norm(target)
    along = left @ unit
    basis = np.empty((0, rows))
    sizes: list[float] = []
    chosen: list[int] = []
    while len(chosen) < min(MOST_TERMS, rows // ROWS_A_TERM, count):
        gains = np.where(outside > DEPENDENT, along**2 / np.maximum(outside, DEPENDENT), 0.0)
        best = int(np.argmax(gains))
        if gains[best] <= 0:
            return []
        direction = unit[:, best]
        for _ in range(2):  # once is not orthogonal to rounding
            direction = direction - (basis @ direction) @ basis
        outside[best] = 0.0
        direction = direction / np.linalg.norm(direction)
        basis = np.vstack([basis, direction])
        chosen.append(best)
        left = left - (direction @ left) * direction
        outside -= (direction @ unit) ** 2
        along = left @ unit
        sizes.append(float(np.linalg.norm(left)))
        if sizes[-1] <= EXACT:
            return chosen
        if len(sizes) > PATIENCE and sizes[-1] > 0.5 * sizes[-1 - PATIENCE]:
            return []
    return []


def _solved(columns: Floats, target: Floats) -> tuple[float, Floats]:
    """What the least squares leave, and their factors."""
    norms = np.linalg.norm(columns, axis=0)
    solution = np.linalg.lstsq(columns / norms, target, rcond=None)[0]
    return float(np.linalg.norm(target - columns / norms @ solution)), solution / norms


def null_vectors(columns: Floats) -> Floats:
    """(r, m) factors that make the columns cancel up to rounding, with many zeros each.

    Reduced by Gauss and Jordan with the largest pivots. Entries that are small and yet needed stay.

    Args:
        columns: (n, m) float64, n at least 2 m, finite, none zero.
    """
    scaled = columns / np.abs(columns).max(axis=1, keepdims=True)
    norms = np.linalg.norm(scaled, axis=0)
    if _independent(scaled / norms):
        return np.empty((0, columns.shape[1]))
    _, sizes, directions = np.linalg.svd(scaled / norms, full_matrices=False)
    vectors = directions[sizes <= NULL * sizes[0]]
    pivots: list[int] = []
    for row in range(len(vectors)):
        size = np.abs(vectors[row:])
        size[:, pivots] = 0.0
        at, pivot = divmod(int(np.argmax(size)), size.shape[1])
        vectors[[row, row + at]] = vectors[[row + at, row]]
        vectors[row] /= vectors[row, pivot]
        others = np.arange(len(vectors)) != row
        vectors[others] -= np.outer(vectors[others, pivot], vectors[row])
        pivots.append(pivot)
    reduced = [_without_zeros(vector, scaled / norms) for vector in vectors]
    return np.asarray(np.reshape(reduced, (-1, columns.shape[1])) / norms)


def _independent(unit: Floats) -> bool:
    """Whether columns of norm one clearly are, in a hundredth of the time of singular values:
    Cholesky's factor exists where all eigenvalues are above what is taken off."""
    products = unit.T @ unit
    products[np.diag_indices_from(products)] -= CLEAR * len(products)
    try:
        np.linalg.cholesky(products)
    except np.linalg.LinAlgError:
        return False
    return True


def _without_zeros(vector: Floats, columns: Floats) -> Floats:
    for zero in ZEROS:
        used = np.abs(vector) > zero * np.abs(vector).max()
        _, sizes, directions = np.linalg.svd(columns[:, used], full_matrices=False)
        if sizes[-1] <= NULL * sizes[0]:
            fewer = np.zeros(len(vector))
            fewer[used] = directions[-1]
            return fewer
    return vector


def sparsest(vectors: Floats, blocks: Sequence[Sequence[int]]) -> Floats | None:
    """The vector with fewest entries, of those with some in every block; None where none is."""
    whole = [v for v in vectors if all(np.any(v[list(block)]) for block in blocks)]
    return min(whole, key=np.count_nonzero, default=None)
