"""Rows that lie on a surface: its tangents, along which alone a network's gradient means anything.

What a network computes off the surface of its data nothing has taught it. So gradients, its own
and those of formulas, are compared by their parts along the surface.

The surface is where linear and quadratic relations of the columns hold, so that fixed sums, radii
and angles given by sine and cosine are seen. They minimise the mean squared distance of the rows,
to first order mean g(x)^2 / mean |grad g(x)|^2 (Taubin, IEEE PAMI 13, 1991): eigenvectors, found on
every second row, that have to hold on the others. Normals are gradients of the relations.

A column that is another's multiple is a copy: what the network does with it is
counted to the other one, and formulas leave it out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from closedform._typing import FloatMatrix, Floats
from closedform.tables.rows import sample_rows

# Distance of the rows from a relation, in units of their spread, up to which it is noise around it.
THIN = 0.02
DIFFERENT = 20  # values of a column that is no label: 0 and 1 are on a parabola, and mean nothing
ROWS_A_TERM = 3  # in each half, at least
MOST_ROWS = 4000  # more add time, not certainty
MOST_CURVED = 16  # coordinates, of which there are 152 terms; beyond, a surface is flat
ACROSS = 0.05  # of the largest normal: what is less is what others have said


@dataclass(frozen=True)
class Surface:
    """Where relations of the columns hold.

    Attributes:
        scales: (d,) the units of the columns.
        copies: (copy, original, sign) of columns.
        centre: (d,) of the rows.
        columns: the k of them that take part.
        flat: (k, l) orthonormal, of which linear relations are made; l may be 0.
        free: (k, k - l) orthonormal, the rest.
        curved: (p, q) coefficients of linear and quadratic terms of the coordinates along `free`.
        dimensions: of the surface, columns that take no part included.
    """

    scales: Floats
    copies: tuple[tuple[int, int, float], ...]
    centre: Floats
    columns: npt.NDArray[np.intp]
    flat: Floats
    free: Floats
    curved: Floats
    dimensions: int

    def folded(self, gradient: Floats) -> Floats:
        """Gradients, (n, d), with those by copies counted to the originals."""
        result = gradient.copy()
        for copy, original, sign in self.copies:
            result[:, original] += (
                sign * self.scales[copy] / self.scales[original] * gradient[:, copy]
            )
            result[:, copy] = 0.0
        return result

    def tangents(self, X: FloatMatrix) -> Floats | None:
        """Orthonormal vectors along the surface at every row, in units of the columns.

        Returns:
            (n, dimensions, d) float64; None where all columns but copies are free.
        """
        rows, inputs = X.shape
        others = _varying(self.scales, self.copies)
        if self.dimensions == len(others):
            return None
        others = np.setdiff1d(others, self.columns)
        result = np.zeros((rows, self.dimensions, inputs))
        for k, column in enumerate(others):
            result[:, k, column] = 1.0
        along = self.free.T  # (coordinates, columns)
        inner = np.broadcast_to(along, (rows, *along.shape))
        if len(self.curved):
            Z = _scaled(X, self.columns, self.centre, self.scales) @ self.free
            normals = np.einsum("pq,ndq->npd", self.curved, _slopes(Z))
            _, _, right = np.linalg.svd(normals)
            kept = self.dimensions - len(others)
            inner = right[:, len(along) - kept :] @ along
        result[:, len(others) :, self.columns] = inner
        return result


def find(X: FloatMatrix, scales: Floats, seed: int) -> Surface | None:
    """The surface that the rows lie on; None where they fill all dimensions.

    Args:
        X: (n, d) rows.
        scales: (d,) the units of the columns, 0 of those that are constant.
        seed: of the rows looked at, where there are many.
    """
    rows = sample_rows(len(X), MOST_ROWS, np.random.default_rng(seed))
    sample = np.ascontiguousarray(X[rows], dtype=np.float64)
    varied = [
        int(j) for j in np.flatnonzero(scales > 0) if len(np.unique(sample[:, j])) > DIFFERENT
    ]
    if len(varied) < 2 or len(sample) < 2 * ROWS_A_TERM * len(varied):
        return None
    centre = sample.mean(axis=0)
    every = np.array(varied, dtype=np.intp)
    copies = _copies(sample[:, every] / scales[every], varied)
    columns = np.setdiff1d(every, [copy for copy, _, _ in copies])
    Z = _scaled(sample, columns, centre, scales)
    first, second = Z[::2], Z[1::2]
    _, axes = np.linalg.eigh(first.T @ first)
    thin = np.sqrt(np.mean((second @ axes) ** 2, axis=0)) < THIN
    flat, free = axes[:, thin], axes[:, ~thin]
    curved = _curved(first @ free, second @ free)
    across = 0
    if len(curved):
        normals = np.einsum("pq,ndq->npd", curved, _slopes(second @ free))
        sizes = np.linalg.svd(normals, compute_uv=False)
        across = int(np.median(np.sum(sizes > ACROSS * sizes[:, :1], axis=1)))
    if not across and not flat.shape[1] and not copies:
        return None
    others = len(_varying(scales, copies)) - len(columns)
    dimensions = free.shape[1] - across + others
    return Surface(scales, copies, centre, columns, flat, free, curved, dimensions)


def _varying(scales: Floats, copies: tuple[tuple[int, int, float], ...]) -> npt.NDArray[np.intp]:
    """Columns that vary and are no copies."""
    return np.setdiff1d(np.flatnonzero(scales > 0), [copy for copy, _, _ in copies])


def _copies(Z: Floats, columns: list[int]) -> tuple[tuple[int, int, float], ...]:
    """Of columns with the values Z, in their units, each with the first it is a copy of."""
    found: dict[int, tuple[int, float]] = {}
    for j in range(1, len(columns)):
        for k in range(j):
            sign = float(np.sign(Z[:, j] @ Z[:, k]))
            if k not in found and np.sqrt(np.mean((Z[:, j] - sign * Z[:, k]) ** 2)) < THIN:
                found[j] = (k, sign)
                break
    return tuple((columns[j], columns[k], sign) for j, (k, sign) in found.items())


def _curved(first: Floats, second: Floats) -> Floats:
    """Relations of the first rows that hold on the second, (p, q)."""
    inputs = first.shape[1]
    count = inputs + inputs * (inputs + 1) // 2
    if not 2 <= inputs <= MOST_CURVED or len(second) < ROWS_A_TERM * count:
        return np.empty((0, count))
    terms = _terms(first)
    centre = terms.mean(axis=0)
    values = (terms - centre).T @ (terms - centre)
    slopes = _slopes(first).reshape(-1, count)
    sizes, axes = np.linalg.eigh(slopes.T @ slopes)
    told = sizes > 1e-10 * sizes[-1]
    whitened = axes[:, told] / np.sqrt(sizes[told])
    _, vectors = np.linalg.eigh(whitened.T @ values @ whitened)
    relations = (whitened @ vectors).T
    squares = np.mean(((_terms(second) - centre) @ relations.T) ** 2, axis=0)
    steep = np.mean(np.sum((_slopes(second) @ relations.T) ** 2, axis=1), axis=0)
    return np.ascontiguousarray(relations[squares < THIN**2 * steep])


def _scaled(
    X: FloatMatrix, columns: npt.NDArray[np.intp], centre: Floats, scales: Floats
) -> Floats:
    scaled: Floats = (X[:, columns] - centre[columns]) / scales[columns]
    return scaled


def _terms(Z: Floats) -> Floats:
    """Every coordinate and every product of two, (n, q)."""
    i, j = np.triu_indices(Z.shape[1])
    return np.hstack([Z, Z[:, i] * Z[:, j]])


def _slopes(Z: Floats) -> Floats:
    """Their derivatives by the coordinates, (n, d, q)."""
    rows, inputs = Z.shape
    i, j = np.triu_indices(inputs)
    products = inputs + np.arange(len(i))
    slopes = np.zeros((rows, inputs, inputs + len(i)))
    slopes[:, np.arange(inputs), np.arange(inputs)] = 1.0
    slopes[:, i, products] += Z[:, j]
    slopes[:, j, products] += Z[:, i]
    return slopes
