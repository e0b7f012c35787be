"""Linear relations among few of many columns, where they hold to rounding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from closedform import _core
from closedform._typing import Floats

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
    return _core.exact_sum(columns, target)


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
