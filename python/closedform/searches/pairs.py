"""Separable blocks of exact gradients: two inputs that enter through one function, found first."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from closedform._typing import Floats
from closedform.formulas.formula import Formula
from closedform.formulas.merging import Merge, Merging
from closedform.searches.objectives import Directions
from closedform.searches.steepest_drop import PARALLEL
from closedform.searches.symmetries import separable_blocks
from closedform.tables.checks import Matrix

MOST_INPUTS = 20  # the test of all pairs takes too long for more

# Texts and losses in the table's names, smallest expression first.
BlockSearch = Callable[[Matrix, Directions], list[tuple[str, float]]]


def merge_blocks(
    merging: Merging,
    weights: Floats | None,
    names: tuple[str, ...],
    search: BlockSearch,
    left: Callable[[], float],
) -> Merging:
    """Merges pairs of inputs whose gradient direction is a function of the pair alone.

    T = g(h(z_i, z_j), others) has (G_i, G_j) parallel to grad h: h is searched from it alone, a
    problem of two inputs, and takes their place. Only where a formula makes the two parallel to
    rounding: a block that is none, or that noise blurs, is left to the search of the whole.

    Args:
        merging: all of whose merges are exact.
        weights: (n,) or None.
        names: of the original inputs.
        search: of one block.
        left: seconds that are left for blocks; 0 once there is no budget for another.
    """
    failed: set[tuple[str, str]] = set()
    while 2 < len(merging.texts) <= MOST_INPUTS:
        for block in separable_blocks(merging, weights, time=left()):
            pair = (merging.texts[block.inputs[0]], merging.texts[block.inputs[1]])
            if pair in failed:
                continue
            # Where nothing held to rounding so far, the first failure says that nothing will.
            if not left() or (failed and not merging.merges):
                return merging
            h = _block_formula(merging, block.inputs, weights, search)
            if h is not None:
                merging = _merged(merging, block.inputs, block.statistic, h, names)
                break
            failed.add(pair)
        else:
            return merging
    return merging


def _block_formula(
    merging: Merging, inputs: tuple[int, int], weights: Floats | None, search: BlockSearch
) -> Formula | None:
    pair = list(inputs)
    U = merging.U[:, pair]
    length = np.linalg.norm(U, axis=1)
    pointing = length > 0  # elsewhere T does not depend on the block, which says nothing of h
    Z, S = (np.ascontiguousarray(array[pointing][:, pair]) for array in (merging.Z, merging.S))
    directions = np.ascontiguousarray(U[pointing] / length[pointing, None])
    objective = Directions(directions, S, None if weights is None else weights[pointing], False)
    names = ("z1", "z2")
    for text, loss in search(Matrix(Z, names), objective):
        if loss <= PARALLEL:
            return Formula(text, names, loss)
    return None


def _merged(
    merging: Merging, inputs: tuple[int, int], statistic: float, h: Formula, names: tuple[str, ...]
) -> Merging:
    i, j = inputs
    pair = [i, j]
    Z = np.ascontiguousarray(merging.Z[:, pair])
    # |grad h| by the original inputs: those of z_i and z_j are disjoint.
    components = h.gradient(Z) * merging.S[:, pair]
    size = np.linalg.norm(components, axis=1)
    along = np.sum(merging.U[:, pair] * components, axis=1)
    u = np.divide(along, size, out=np.zeros_like(along), where=size > 0)
    parts = (merging.texts[i], merging.texts[j])
    inner = dict(zip(h.names, parts, strict=True))
    text = re.sub(r"\bz\d\b", lambda name: f"({inner[name.group()]})", h.text)

    def put(columns: Floats, new: Floats) -> Floats:
        kept = np.delete(columns, j, axis=1)
        kept[:, i] = new
        return np.ascontiguousarray(kept)

    texts = [part for k, part in enumerate(merging.texts) if k != j]
    texts[i] = Formula(text, names).text
    return replace(
        merging,
        merges=(*merging.merges, Merge("block", texts[i], parts, statistic, 0.0, h.loss)),
        texts=tuple(texts),
        Z=put(merging.Z, h(Z)),
        U=put(merging.U, u),
        S=put(merging.S, size),
        loss=merging.loss + h.loss,
    )
