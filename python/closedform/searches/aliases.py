"""Frequencies that the rows cannot tell from others: oscillations faster than they are sampled."""

from __future__ import annotations

import math

import numpy as np

from closedform import _core
from closedform._typing import Floats


def aliased(expression: _core.Expression, X: Floats) -> bool:
    """Whether an oscillation of one input is faster than the rows sample that input.

    Where the angle turns by more than half a turn from one value of the input to the next, on
    average, a slower oscillation has the same values at the rows (Nyquist 1928; Shannon 1949). An
    angle of several inputs is not judged: the rows lie in all of them.

    Args:
        X: (n, d) float64.
    """
    expression = expression.written_out()
    angles = _angles(expression)
    if not angles:
        return False
    values = expression.node_values(X, [node for node, _ in angles], 1)
    for (_, column), angle in zip(angles, values.T, strict=True):
        _, first = np.unique(X[:, column], return_index=True)
        turns = np.abs(np.diff(angle[first]))
        if len(turns) == 0 or not float(np.mean(turns)) <= math.pi:
            return True
    return False


def _angles(expression: _core.Expression) -> list[tuple[int, int]]:
    """Nodes that are the argument of an oscillation and read one input alone, and which."""
    found = []
    reads: list[set[int]] = []  # of the operands that wait
    for node, (name, column, _) in enumerate(expression.nodes):
        if name == "variable":
            reads.append({column})
        elif name == "constant":
            reads.append(set())
        elif _core.OPERATORS[name].operands == 2:
            right = reads.pop()
            reads[-1] = reads[-1] | right
        elif _core.OPERATORS[name].periodic and len(reads[-1]) == 1:
            found.append((node - 1, next(iter(reads[-1]))))
    return found
