"""The few columns, of many, whose sum is a target up to noise.

They are taken one by one, each time the one that leaves least, and each, of few columns each two,
is exchanged for any other that leaves less (orthogonal least squares: Chen, Billings and Luo 1989;
exchanges: Miller, Subset Selection in Regression, 2002); how many there are is told by description
length.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from closedform._typing import Floats

Term: TypeAlias = tuple[int, float]  # a column and its factor

MOST_TERMS = 5
ROUNDING = 1e-24  # share of the target's square that says nothing
SWEEPS = 3  # of exchanges
PAIRED = (2, 3)  # terms of the sums in which two are exchanged at once; longer ones grow from these
MOST_PAIRED = 300  # columns that pairs are chosen from
DEPENDENT = 1e-8  # share of a column's square that lies outside those taken, at least


def few_terms(columns: Floats, target: Floats, root: Floats) -> list[list[Term]]:
    """The sums of few columns with which the target is described shortest, the two best.

    Args:
        columns: (n, m) float64; those that are not finite, or 0, are not used. target: (n,).
        root: (n,) square roots of the weights.

    Returns:
        Columns and their factors.
    """
    target = target * root
    scaled = columns * root[:, None]
    norms = np.linalg.norm(scaled, axis=0)
    usable = np.isfinite(norms) & (norms > 0)
    if not usable.any() or not np.isfinite(target).all():
        return []
    unit = np.where(usable, scaled / np.where(usable, norms, 1.0), 0.0)
    count, term = len(target), math.log(usable.sum()) + 0.5 * math.log(len(target))
    floor = ROUNDING * max(float(target @ target), 1e-300)
    gram = unit.T @ unit if unit.shape[1] <= MOST_PAIRED else None
    chosen: list[int] = []
    described: list[tuple[float, list[int]]] = []
    for _ in range(min(MOST_TERMS, count // 4)):
        following = _next(unit, target, chosen)
        if following is None:
            break
        chosen = _exchanged(unit, target, [*chosen, following])
        if len(chosen) in PAIRED and gram is not None:
            chosen = _exchanged_pairs(unit, gram, target, chosen)
        left = _left(unit, target, chosen)
        length = 0.5 * count * math.log(max(left, floor)) + term * len(chosen)
        described.append((length, chosen))
    best = sorted(described, key=lambda one: one[0])[:2]
    found = []
    for _, terms in best:
        solution = np.linalg.lstsq(unit[:, terms], target, rcond=None)[0] / norms[terms]
        pairs = zip(terms, solution.tolist(), strict=True)
        found.append([(k, factor) for k, factor in pairs if factor])
    return found


def _next(unit: Floats, target: Floats, chosen: Sequence[int]) -> int | None:
    """The column that leaves least beside those chosen; None where all depend on these."""
    basis, _ = np.linalg.qr(unit[:, list(chosen)])
    left = target - basis @ (basis.T @ target)
    along = np.column_stack([basis, left]).T @ unit
    outside = 1.0 - np.sum(along[:-1] ** 2, axis=0)  # of those that are 0 nothing is along
    gains = np.where(outside > DEPENDENT, along[-1] ** 2 / np.maximum(outside, DEPENDENT), 0.0)
    gains[list(chosen)] = 0.0
    best = int(np.argmax(gains))
    return best if gains[best] > 0 else None


def _exchanged(unit: Floats, target: Floats, chosen: list[int]) -> list[int]:
    """Each for the one that leaves least beside the others, until none changes."""
    for _ in range(SWEEPS):
        before = list(chosen)
        for i in range(len(chosen)):
            others = chosen[:i] + chosen[i + 1 :]
            better = _next(unit, target, others)
            if better is not None:
                chosen[i] = better
        if chosen == before:
            break
    return chosen


def _exchanged_pairs(
    unit: Floats, gram: Floats, target: Floats, chosen: Sequence[int]
) -> list[int]:
    """Each two for the two that leave least beside the others: x1 and x2 are hardly got one by one
    from sqrt(x1*x2) and what corrects it.

    gram: (m, m) products of the columns.
    """
    best, least = list(chosen), _left(unit, target, chosen)
    for pair in itertools.combinations(chosen, 2):
        others = [k for k in chosen if k not in pair]
        trial = [*others, *_best_pair(unit, gram, target, others)]
        left = _left(unit, target, trial) if len(trial) == len(chosen) else math.inf
        if left < least:
            best, least = trial, left
    return best


def _best_pair(unit: Floats, gram: Floats, target: Floats, others: Sequence[int]) -> list[int]:
    """The two columns that leave least beside others; none where all depend on these."""
    along = unit.T @ target
    if others:
        basis, _ = np.linalg.qr(unit[:, list(others)])
        inside = basis.T @ unit
        gram = gram - inside.T @ inside
        along = along - inside.T @ (basis.T @ target)
    gains = pair_gains(gram, along, DEPENDENT)
    best = int(np.argmax(gains))
    return [*divmod(best, len(along))] if gains.flat[best] > 0 else []


def pair_gains(gram: Floats, along: Floats, least: float) -> Floats:
    """What two columns together take of a target's square, (m, m); 0 where they are dependent.

    Args:
        gram: (m, m) products of the columns, of squares at most 1. along: (m,) theirs with the
            target.
        least: share of a column's square that lies outside the other, or is left of it, at least.
    """
    own = np.diagonal(gram).copy()
    own[own <= least] = 0.0
    squares = np.multiply.outer(own, own)
    outside = squares - gram**2
    gains = np.multiply.outer(along**2, own)
    gains += gains.T
    gains -= 2.0 * np.multiply.outer(along, along) * gram
    together: Floats = np.where(outside > least * squares, gains / np.maximum(outside, 1e-300), 0.0)
    return together


def _left(unit: Floats, target: Floats, chosen: Sequence[int]) -> float:
    basis, _ = np.linalg.qr(unit[:, list(chosen)])
    return float(np.sum((target - basis @ (basis.T @ target)) ** 2))
