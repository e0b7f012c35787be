"""Symmetries of a field of unit gradients: inputs that merge before any formula is searched."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from closedform import _core
from closedform._inputs import InputError, matrix
from closedform._inputs import weights as checked_weights

Floats = npt.NDArray[np.float64]
UNIT = 1e-5  # how far from 1 the length of a unit gradient in single precision may be
BLOCK_ROWS = 2048  # rows that pairs are tested for blocks on

Kind = Literal["unused", "linear", "product", "radius", "mixed"]


@dataclass(frozen=True)
class Merge:
    """One merge of two inputs into one, or an input left out.

    Attributes:
        kind: "unused" (G_k = 0), "linear" (c a + b), "product" (a^p b^q), "radius" (c a^2 + b^2)
            or "mixed" (c a + b^2, a exp(c b), a exp(c b^2)).
        text: the merged input in the original inputs' names; of "unused" the input left out.
        inputs: texts of what was merged.
        statistic: mean |a - b| / mean(|a| + |b|) of the two sides of the rule, 0 where it holds;
            of "unused" the mean |component| of the unit gradients.
        noise: the part of the statistic that cannot be predicted from the inputs. Well below the
            statistic: a structured error, of a trained network or of a false pair.
        loss: what the merge adds to `Merging.loss`.
    """

    kind: Kind
    text: str
    inputs: tuple[str, ...]
    statistic: float
    noise: float
    loss: float

    def __str__(self) -> str:
        what = "left out" if self.kind == "unused" else f"from {', '.join(self.inputs)}"
        return f"{self.text}: {self.kind}, {what}, to {self.statistic:.1e} (noise {self.noise:.1e})"


@dataclass(frozen=True)
class Merging:
    """The problem in merged inputs z_1 ... z_m, functions of disjoint original inputs.

    A formula T(z) is judged by comparing (dT/dz_k S_k)_k with (U_k)_k, row by row: its loss is then
    that of T(z(x)) in the original inputs.

    Attributes:
        merges: in the order in which they were made; a merged input can merge again.
        texts: (m,) the inputs left, in the original names. A single one is the answer itself.
        Z: (n, m) their values.
        U: (n, m) components of the unit gradients along the inputs' own gradients.
        S: (n, m) sizes of the inputs' own gradients.
        loss: (weighted) mean of 2 - 2 |U| over the rows whose gradient is not zero. No formula of
            the merged inputs has a smaller cosine loss.
        exact: every merge holds to rounding, so that nothing is lost by searching merged alone.
        tentative: a Merging with further merges, small in error but not shown to be true; search
            both and compare by loss. None when there are none.
    """

    merges: tuple[Merge, ...]
    texts: tuple[str, ...]
    Z: Floats
    U: Floats
    S: Floats
    loss: float
    exact: bool
    tentative: Merging | None

    def __str__(self) -> str:
        return "\n".join(map(str, self.merges)) or "no inputs merge"


def find(
    X: object,
    U: object,
    weights: object = None,
    *,
    names: Sequence[str],
    operators: Iterable[str],
    seed: int = 0,
) -> Merging:
    """Finds merges of inputs that the gradients of an unknown T(X) allow.

    A merge is made when it holds to rounding, or when what it misses is noise: not predictable
    from the inputs. Rules and tests: cpp/include/closedform/symmetries.hpp, residual_structure.hpp.

    Args:
        X: (n, d) points.
        U: (n, d) unit gradients there, float64; rows of zeros are left out.
        weights: (n,) non-negative weights of the rows; None for equal ones.
        names: of the d inputs.
        operators: names of those that merged inputs may be written with.
        seed: of the rows drawn for the tests, where there are more than 2,048.

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
        points, gradients, row_weights, list(names), list(operators), seed
    )
    return _merging(certain, None if tentative is None else _merging(tentative, None))


@dataclass(frozen=True)
class Block:
    """Two inputs, by their places in `Merging.texts`, that may enter through one function.

    Attributes:
        inputs: the places.
        statistic: root of the share of the variance of the direction (G_i, G_j) that only the
            other inputs predict; 0 where T = g(h(z_i, z_j), others).
    """

    inputs: tuple[int, int]
    statistic: float


def separable_blocks(merging: Merging, weights: object = None) -> list[Block]:
    """Pairs of inputs whose gradient direction depends on the pair alone, clearest first.

    T = g(h(z_i, z_j), others) has G_i / G_j = h_i / h_j. The direction, as (cos, sin) of its
    doubled angle, is fitted by a polynomial of the pair; a pair is a block when the other inputs
    explain no more of what is left than they would of noise (as in residual_structure.hpp). The
    rules of `find` are blocks whose h is known; h of others takes a search of its own.

    Args:
        merging: of `find`; with two inputs left there is nothing to tell.
        weights: (n,) non-negative weights of the rows; None for equal ones.
    """
    rows, inputs = merging.Z.shape
    if inputs == 2:
        return []
    w = np.ones(rows) if weights is None else checked_weights(weights, rows)
    counted = np.flatnonzero(merging.U.any(axis=1) & (w > 0))
    counted = counted[:: max(1, len(counted) // BLOCK_ROWS)]
    slopes = merging.U[counted] / np.maximum(merging.S[counted], np.finfo(float).tiny)
    slopes /= np.maximum(np.sqrt((slopes**2).mean(axis=0)), np.finfo(float).tiny)
    ranks = np.argsort(np.argsort(merging.Z[counted], axis=0), axis=0)
    places = (2 * ranks + 1) / len(counted) - 1
    found = []
    for pair in itertools.combinations(range(inputs), 2):
        size = np.hypot(*slopes[:, pair].T)
        told = size > 0
        a, b = slopes[told][:, pair].T / size[told]
        direction = np.column_stack([a * a - b * b, 2 * a * b])
        statistic = _other_inputs_share(places[told], pair, direction, w[counted][told])
        if statistic is not None:
            found.append(Block(pair, statistic))
    return sorted(found, key=lambda block: block.statistic)


def _other_inputs_share(
    places: Floats, pair: tuple[int, int], direction: Floats, weights: Floats
) -> float | None:
    """`Block.statistic`; None where it is more than noise gives."""
    root = np.sqrt(weights / weights.sum())[:, None]
    p, q = places[:, pair].T
    powers = [p**i * q**j for i in range(7) for j in range(7 - i)]
    basis = np.linalg.qr(root * np.column_stack(powers))[0]
    left = root * direction - basis @ (basis.T @ (root * direction))
    others = np.delete(places, pair, axis=1)
    more = np.hstack([others, others**2, others * p[:, None], others * q[:, None]])
    more = np.linalg.qr(root * more - basis @ (basis.T @ (root * more)))[0]
    explained = ((more.T @ left) ** 2).sum()
    expected = ((more**2).sum(axis=1) @ left**2).sum()  # with random signs
    rounding = np.finfo(float).eps
    spread = 2 / (9 * more.shape[1])  # Wilson and Hilferty 1931
    if expected > rounding and np.cbrt(explained / expected) > 1 - spread + 4 * spread**0.5:
        return None
    variance = (weights @ (direction - np.average(direction, axis=0, weights=weights)) ** 2).sum()
    share = max(0.0, explained - expected) / max(variance / weights.sum(), rounding)
    return float(np.sqrt(share))


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
