"""Formulas for the blocks a function splits into, and the whole put together from them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from closedform._typing import FloatMatrix, Floats
from closedform.formulas.formula import Formula
from closedform.surrogates.separability import Leaf, Product, Tree
from closedform.tables.rows import sample_rows

SAMPLES_1D = 300
SAMPLES = 1000
CANDIDATES = 6  # formulas of a leaf that are tried in the whole
COMBINATIONS = 200


def design(
    X: FloatMatrix, inputs: Sequence[int], ranges: Sequence[tuple[float, float]], seed: int
) -> Floats:
    """Rows at which a block's function is sampled, (m, len(inputs)).

    One input: evenly over its range. Several: the data's rows and points between random pairs of
    them, which stay inside the data's hull, where the surrogate means something.

    Args:
        X: (n, d) the data.
        inputs: columns of it.
        ranges: least and largest value of every column.
    """
    if len(inputs) == 1:
        return np.linspace(*ranges[inputs[0]], SAMPLES_1D)[:, None]
    rng = np.random.default_rng(seed)
    rows = X[sample_rows(len(X), SAMPLES // 2, rng)][:, inputs]
    pairs = rng.integers(len(X), size=(SAMPLES - len(rows), 2))
    share = rng.random((len(pairs), 1))
    between = share * X[pairs[:, 0]][:, inputs] + (1 - share) * X[pairs[:, 1]][:, inputs]
    return np.ascontiguousarray(np.vstack([rows, between]), dtype=np.float64)


def candidates(front: Sequence[Formula], deviation: float, error: float) -> list[Formula]:
    """The few formulas of a leaf's front worth trying in the whole.

    Args:
        front: by complexity; losses are mean squared errors against samples of the surrogate.
        deviation: standard deviation of those samples.
        error: the surrogate's own held-out error over the standard deviation of the data.

    Returns:
        At most CANDIDATES: the smallest ones that are about as close to the surrogate as the
        surrogate is to the data, and those where the loss drops steepest per node. A closer fit
        than the surrogate's own error copies its mistakes.
    """
    nrmse = [math.sqrt(f.loss) / deviation for f in front]
    close = [f for f, e in zip(front, nrmse, strict=True) if e <= 3 * error][: CANDIDATES // 2]
    drops = sorted(
        range(1, len(front)),
        key=lambda i: (
            -math.log((front[i - 1].loss + 1e-300) / (front[i].loss + 1e-300))
            / (front[i].complexity - front[i - 1].complexity)
        ),
    )
    steep = [front[i] for i in drops]
    chosen = dict.fromkeys([*close, *steep, front[-1]])
    return list(chosen)[:CANDIDATES]


def combine(tree: Tree, leaves: Mapping[Leaf, str]) -> str:
    """Text of the whole from the texts of its leaves, with a free factor for every part.

    The factors (1) and constant terms (0) are there to be fitted; simplifying drops what stays
    neutral.
    """
    if isinstance(tree, Leaf):
        return f"({leaves[tree]})"
    parts = [combine(part, leaves) for part in tree.parts]
    if isinstance(tree, Product):
        return f"(1.0*{'*'.join(parts)})"
    return f"({' + '.join(f'1.0*{part}' for part in parts)} + 0.0)"


def combinations(tree: Tree, choices: Mapping[Leaf, Sequence[Formula]]) -> list[str]:
    """Texts of the whole for the most promising choices of a formula for every leaf.

    Smallest wholes first, COMBINATIONS at most; every leaf's choices are tried at least with the
    other leaves at their first.
    """
    leaves = list(choices)
    first = tuple(0 for _ in leaves)
    picks = [
        tuple(choice if i == k else 0 for i in range(len(leaves)))
        for k in range(len(leaves))
        for choice in range(len(choices[leaves[k]]))
    ]
    if math.prod(len(choices[leaf]) for leaf in leaves) <= 20 * COMBINATIONS:
        every = itertools.product(*(range(len(choices[leaf])) for leaf in leaves))
        picks += sorted(
            every,
            key=lambda pick: sum(
                choices[leaf][i].complexity for leaf, i in zip(leaves, pick, strict=True)
            ),
        )
    texts = []
    for pick in list(dict.fromkeys([first, *picks]))[:COMBINATIONS]:
        chosen = {leaf: choices[leaf][i].text for leaf, i in zip(leaves, pick, strict=True)}
        texts.append(combine(tree, chosen))
    return texts
