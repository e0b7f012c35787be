"""The few columns, of many, whose sum is a target up to noise.

They are taken one by one, each time the one that leaves least, and each, of few columns each two,
is exchanged for any other that leaves less (orthogonal least squares: Chen, Billings and Luo 1989;
exchanges: Miller, Subset Selection in Regression, 2002); how many there are is told by description
length.
"""

from __future__ import annotations

from typing import TypeAlias

from closedform import _core
from closedform._typing import Floats

Term: TypeAlias = tuple[int, float]  # a column and its factor


def few_terms(columns: Floats, target: Floats, root: Floats) -> list[list[Term]]:
    """The sums of few columns with which the target is described shortest, the two best.

    Args:
        columns: (n, m) float64; those that are not finite, or 0, are not used. target: (n,).
        root: (n,) square roots of the weights.

    Returns:
        Columns and their factors.
    """
    return _core.few_terms(columns, target, root)
