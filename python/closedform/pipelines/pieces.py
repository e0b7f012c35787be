"""Runs of rows along one variable: where a neuron turns around, and where its class is positive."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from closedform._typing import Floats
from closedform.searches.objectives import Directions

Flags = npt.NDArray[np.bool_]
Interval = tuple[float, float]

EVIDENCE = 3.0  # times log n: by how much a cut between two runs makes the flags likelier
LEAST_WRONG = 0.05  # share of flags that are taken for chance, at least
MOST_WRONG = 0.45  # from there on, all is chance
# Of the pairs of nearest rows with opposite directions: their share, and how many there are for
# each pair at about right angles. A field that only turns fast, or is noise, has those as well.
TURNING, FOR_ONE_ACROSS = 0.005, 2.0
OPPOSITE, ACROSS = 0.8, 0.4  # |cosine| from, and up to
FEWEST_PAIRS = 5
MOST_ROWS = 3000
NEAREST = 9  # rows that hang together, itself among them
LEAST_PART = 0.1  # share of the rows, of the second of the parts that they lie in
MOSTLY = 0.9  # of the pairs that face each other, those with opposite directions


def turns_around(X: Floats, directions: Directions) -> bool:
    """Whether the directions are those of a function that rises with its concept here and falls
    there: then neighbours on two sides of a level set have opposite ones, and hardly any are at
    right angles. Where the neuron is saturated between the two sides there are no rows: then those
    that face each other over the gap have opposite ones.

    Args:
        X: (n, d) the rows.
    """
    from scipy.spatial import cKDTree

    vectors = directions.vectors
    pointing = np.flatnonzero(vectors.any(axis=1))
    step = -(-len(pointing) // MOST_ROWS)
    rows = pointing[::step] if step else pointing
    if len(rows) < 2:
        return False
    scales = np.ones(X.shape[1]) if directions.scales is None else directions.scales
    unit = np.divide(1.0, scales, out=np.zeros_like(scales), where=scales > 0)
    points, U = X[rows] * unit, vectors[rows]
    _, nearest = cKDTree(points).query(points, k=min(NEAREST, len(rows)))
    cosines = np.sum(U * U[nearest[:, 1]], axis=1)
    opposite = int(np.sum(cosines < -OPPOSITE))
    across = int(np.sum(np.abs(cosines) < ACROSS)) / 2
    if opposite >= max(FEWEST_PAIRS, TURNING * len(rows), FOR_ONE_ACROSS * across):
        return True
    return across <= TURNING * len(rows) and _faces_itself(points, U, nearest)


def _faces_itself(points: Floats, U: Floats, nearest: npt.NDArray[np.intp]) -> bool:
    """Whether rows lie in parts, and those that face each other have opposite directions.

    Args:
        nearest: (n, k) rows nearest to each, itself first.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    count, k = nearest.shape
    links = (np.ones(count * k), (np.repeat(np.arange(count), k), nearest.ravel()))
    _, part_of = connected_components(coo_array(links, shape=(count, count)), directed=False)
    sizes = np.bincount(part_of)
    largest, second = np.argsort(-sizes, kind="stable")[:2] if len(sizes) > 1 else (0, 0)
    if largest == second or sizes[second] < LEAST_PART * count:
        return False
    one, other = (np.flatnonzero(part_of == part) for part in (second, largest))
    gap, facing = cKDTree(points[other]).query(points[one])
    near = gap <= np.median(gap)
    cosines = np.sum(U[one] * U[other[facing]], axis=1)[near]
    return bool(np.mean(cosines < -OPPOSITE) >= MOSTLY)


def runs(t: Floats, flags: Flags) -> tuple[list[float], bool]:
    """The pieces of the line of t on which a flag mostly holds, and mostly does not, in turn.

    Of all ways to cut, the likeliest, where a share of the flags is wrong by chance and a cut must
    make them EVIDENCE * log n likelier. The share is that of the way found with a smaller one.

    Returns:
        The cuts between the pieces, rising, each halfway between two rows; whether the flag holds
        on the first piece.
    """
    order = np.argsort(t, kind="stable")
    at, holds = t[order], flags[order]
    wrong = LEAST_WRONG
    while True:
        worth = math.log((1 - wrong) / wrong)  # of a row
        places, first = _cheapest(holds, EVIDENCE * math.log(max(2, len(t))) / worth)
        piece = np.searchsorted(places, np.arange(len(t)), side="right")
        share = float(np.mean(holds != (first ^ (piece % 2 == 1)))) if len(t) else 0.0
        if share <= wrong or share >= MOST_WRONG:
            break
        wrong = share
    if share >= MOST_WRONG:
        places, first = [], bool(np.mean(holds) > 0.5)
    return [float(0.5 * (at[i - 1] + at[i])) for i in places], first


def _cheapest(holds: Flags, price: float) -> tuple[list[int], bool]:
    """Rows before which to cut so that the fewest are on a wrong side, a cut counting as `price` of
    them, by Viterbi's recursion over two states; and the state before the first cut."""
    cost = [0.0, 0.0]  # of a piece without the flag, and with it
    switched = np.zeros((len(holds), 2), dtype=bool)
    for i, flag in enumerate(holds):
        own = [cost[0], cost[1]]
        for state in (0, 1):
            if i and own[1 - state] + price < own[state]:
                cost[state] = own[1 - state] + price
                switched[i, state] = True
            cost[state] += float(flag) != state
    state = int(cost[1] < cost[0])
    places: list[int] = []
    for i in range(len(holds) - 1, 0, -1):
        if switched[i, state]:
            places.append(i)
            state = 1 - state
    return places[::-1], bool(state)


def level_set(t: Floats, positive: Flags) -> tuple[Interval, ...]:
    """Where on the line of t rows are mostly positive, as open intervals."""
    cuts, first = runs(t, positive)
    ends = [*([-math.inf] if first else []), *cuts]
    ends += [math.inf] if len(ends) % 2 else []
    return tuple(zip(ends[::2], ends[1::2], strict=True))


def within(t: Floats, intervals: tuple[Interval, ...]) -> Flags:
    """Which of t lie in one of the intervals; not those that are not numbers."""
    inside = np.zeros(len(t), dtype=bool)
    for low, high in intervals:
        inside |= (t > low) & (t < high)
    return inside
