"""Symmetries of a field of unit gradients: inputs that merge before any formula is searched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from closedform import _core
from closedform._typing import Floats
from closedform.errors import InputError
from closedform.tables.checks import matrix
from closedform.tables.checks import weights as checked_weights

UNIT = 1e-5  # how far from 1 the length of a unit gradient in single precision may be

Kind = Literal["unused", "linear", "product", "radius", "mixed", "block"]


@dataclass(frozen=True)
class Merge:
    """One merge of two inputs into one, or an input left out.

    Attributes:
        kind: "unused" (G_k = 0), "linear" (c a + b), "product" (a^p b^q), "radius" (c a^2 + b^2)
            "mixed" (c a + b^2, a exp(c b), a exp(c b^2)) or "block" (a function found by a search
            of the two alone).
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
        lines = [str(merge) for merge in self.merges] or ["no inputs merge for certain"]
        if self.tentative is not None:
            further = self.tentative.merges[len(self.merges) :]
            lines += [f"perhaps {merge}" for merge in further]
        return "\n".join(lines)


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

    T = g(h(z_i, z_j), others) has G_i / G_j = h_i / h_j. The rules of `find` are blocks whose h is
    known; others take a search of their own, for T in two inputs. Method:
    cpp/include/closedform/separable_blocks.hpp.

    Args:
        merging: of `find`; with two inputs left, or fewer than 112 rows, there is nothing to tell.
        weights: (n,) non-negative weights of the rows; None for equal ones.
    """
    rows = len(merging.Z)
    row_weights = np.ones(rows) if weights is None else checked_weights(weights, rows)
    blocks = _core.separable_blocks(merging.Z, merging.U, merging.S, row_weights)
    return [Block((i, j), statistic) for i, j, statistic in blocks]


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
