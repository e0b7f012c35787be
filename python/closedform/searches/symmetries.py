"""Symmetries of a field of unit gradients: inputs that merge before any formula is searched."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from closedform import _core
from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.merging import Merge, Merging
from closedform.tables.checks import matrix
from closedform.tables.checks import weights as checked_weights

UNIT = 1e-5  # how far from 1 the length of a unit gradient in single precision may be


def find(
    X: object,
    U: object,
    weights: object = None,
    *,
    names: Sequence[str],
    operators: Iterable[str],
    scales: Floats | None = None,
    seed: int = 0,
    time: float = math.inf,
) -> Merging:
    """Finds merges of inputs that the gradients of an unknown T(X) allow.

    A merge is made when it holds to rounding, or when what it misses is noise: not predictable
    from the inputs. Rules and tests: symmetries.hpp and noise_test.hpp in
    cpp/include/closedform/symmetry.

    Args:
        X: (n, d) points.
        U: (n, d) unit gradients there, float64; rows of zeros are left out.
        weights: (n,) non-negative weights of the rows; None for equal ones.
        names: of the d inputs.
        operators: names of those that merged inputs may be written with.
        scales: (d,) the units of the columns in which the gradients are of length 1: row by row, U
            is parallel to scales * dT/dx. None for ones.
        seed: of the rows drawn for the tests, where there are more than 2,048.
        time: seconds; the merges found and checked until then are those there are.

    Raises:
        InputError: shapes that differ, values that are not finite, rows of U that are neither zero
            nor of length 1, or no gradient at all.
    """
    points = matrix(X, min_rows=1).values.astype(np.float64, copy=False)
    gradients = matrix(U, name="U", min_rows=1).values.astype(np.float64, copy=False)
    if gradients.shape != points.shape:
        raise InputError(f"U: has shape {gradients.shape}, X has {points.shape}; give one row each")
    if len(names) != points.shape[1]:
        raise InputError(f"names: has {len(names)} for {points.shape[1]} columns; give one each")
    row_weights = None if weights is None else checked_weights(weights, len(points))
    length = np.linalg.norm(gradients, axis=1)
    wrong = np.flatnonzero((length > 0) & (np.abs(length - 1) > UNIT))
    if len(wrong):
        raise InputError(
            f"U: row {wrong[0]} has length {length[wrong[0]]:g}; divide each row by its length"
        )
    counted = (length > 0) & (True if row_weights is None else row_weights > 0)
    if not counted.any():
        raise InputError("U: every row with a weight is zero; give points where T varies")
    certain, tentative = _core.find_symmetries(
        points, gradients, scales, row_weights, list(names), list(operators), seed, time
    )
    return _merging(certain, None if tentative is None else _merging(tentative, None))


@dataclass(frozen=True)
class SeparableBlock:
    """Two inputs, by their places in `Merging.texts`, that may enter through one function.

    Attributes:
        inputs: the places.
        statistic: root of the share of the variance of the direction (G_i, G_j) that only the
            other inputs predict; 0 where T = g(h(z_i, z_j), others).
    """

    inputs: tuple[int, int]
    statistic: float


def separable_blocks(
    merging: Merging, weights: object = None, *, time: float = math.inf
) -> list[SeparableBlock]:
    """Pairs of inputs whose gradient direction depends on the pair alone, clearest first.

    T = g(h(z_i, z_j), others) has G_i / G_j = h_i / h_j. The rules of `find` are blocks whose h is
    known; others take a search of their own, for T in two inputs. Method:
    cpp/include/closedform/symmetry/separable_blocks.hpp.

    Args:
        merging: of `find`; with two inputs left, or fewer than 112 rows, there is nothing to tell.
        weights: (n,) non-negative weights of the rows; None for equal ones.
        time: seconds; those found until then.
    """
    rows = len(merging.Z)
    row_weights = np.ones(rows) if weights is None else checked_weights(weights, rows)
    blocks = _core.separable_blocks(merging.Z, merging.U, merging.S, row_weights, time)
    return [SeparableBlock((i, j), statistic) for i, j, statistic in blocks]


def _merging(found: _core.MergingReport, tentative: Merging | None) -> Merging:
    return Merging(
        merges=tuple(Merge(*merge) for merge in found["merges"]),
        texts=tuple(found["texts"]),
        Z=found["Z"],
        U=found["U"],
        S=found["S"],
        loss=found["loss"],
        exact=found["exact"],
        tentative=tentative,
    )
