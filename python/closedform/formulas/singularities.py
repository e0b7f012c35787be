"""Where a formula has no value: poles between rows, and a proof that there are none in a box."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from closedform import _core
from closedform._typing import FloatMatrix, Floats

Finite = Literal["proven", "not proven", "no"]

BOXES = 200  # parts of a box that are looked at
HALVINGS = 60  # of the way between two rows, until a zero is met to rounding
STEEP = 1e6  # times the values at both ends: a pole, and no 0/0


def finite_in_box(
    expression: _core.Expression, low: Floats, high: Floats
) -> Literal["proven", "not proven", "no"]:
    """Whether an expression is finite in a box, by interval arithmetic on parts of it: a part that
    is not proven so is halved along its longest side.

    Args:
        low, high: (d,) the box.

    Returns:
        "no" where a point without a value was met; "not proven" where the parts ran out.
    """
    width = np.where(high > low, high - low, 1.0)
    read = sorted({column for name, column, _ in expression.nodes if name == "variable"})
    todo, looked = [(low, high)], 0
    while todo and looked < BOXES:
        below, above = todo.pop()
        looked += 1
        if expression.interval(below.tolist(), above.tolist())[2]:
            continue
        middle = 0.5 * (below + above)
        if not read or not np.isfinite(expression.evaluate(middle[None].copy(), 1)).all():
            return "no"
        side = max(read, key=lambda j: (above[j] - below[j]) / width[j])
        for start, end in ((below[side], middle[side]), (middle[side], above[side])):
            part = below.copy(), above.copy()
            part[0][side], part[1][side] = start, end
            todo.insert(0, part)
    return "not proven" if todo else "proven"


def pole_between(expression: _core.Expression, X: Floats, pairs: npt.NDArray[np.intp]) -> bool:
    """Whether the expression has a pole, or no value, on the way from one row to another.

    A denominator that has one sign at the one and the other at the other has a zero between them
    (Bolzano); it is a pole where the values grow beyond all bounds near it. So has a logarithm, a
    root or a power where what it is of changes sign, and a tangent where its angle passes an odd
    number of quarter turns.

    Args:
        X: (n, d) float64 rows, finite there. pairs: (m, 2) which rows to go between.
    """
    crossing = _crossings(expression, X, pairs)
    near, far = X[pairs[crossing, 0]].copy(), X[pairs[crossing, 1]].copy()
    if len(near) == 0:
        return False
    ends = np.maximum(np.abs(expression.evaluate(near, 1)), np.abs(expression.evaluate(far, 1)))
    for node, kind in _divisors(expression):
        before = _turns(expression.node_values(near, [node], 1)[:, 0], kind)
        after = _turns(expression.node_values(far, [node], 1)[:, 0], kind)
        through = before != after
        a, b, first = near[through], far[through], before[through]
        for _ in range(HALVINGS):
            middle = 0.5 * (a + b)
            same = _turns(expression.node_values(middle, [node], 1)[:, 0], kind) == first
            a, b = np.where(same[:, None], middle, a), np.where(same[:, None], b, middle)
        for side in (a, b):
            values = np.abs(expression.evaluate(np.ascontiguousarray(side), 1))
            inside = (side != near[through]).any(axis=1) & (side != far[through]).any(axis=1)
            # At the zero itself 0/0 has no value either: one side of it tells.
            grown = values > STEEP * (ends[through] + np.finfo(np.float64).tiny)
            if (grown & inside).any():
                return True
    return False


def _crossings(
    expression: _core.Expression, X: Floats, pairs: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """Pairs between which something divided by changes sign."""
    found = np.zeros(len(pairs), dtype=bool)
    for node, kind in _divisors(expression):
        turns = _turns(expression.node_values(X, [node], 1)[:, 0], kind)
        found |= turns[pairs[:, 0]] != turns[pairs[:, 1]]
    return found


def _turns(values: Floats, kind: str) -> Floats:
    """What changes where there is a pole."""
    with np.errstate(invalid="ignore"):
        turns: Floats = np.round(values / np.pi) if kind == "tan" else np.sign(values)
    return turns


def _divisors(expression: _core.Expression) -> list[tuple[int, str]]:
    """Nodes where the expression has a pole if they are zero: denominators, what is raised to a
    negative power, or stands under a logarithm, and what these are powers and products of; angles
    of tangents. Each with its kind, "zero" or "tan"."""
    nodes = expression.nodes
    sizes: list[int] = []
    found: list[tuple[int, str]] = []
    for i, (name, _, _) in enumerate(nodes):
        operands = _core.OPERATORS[name].operands if name in _core.OPERATORS else 0
        left = i - 1 - sizes[i - 1] if operands == 2 else i - 1
        sizes.append(1 + sum(sizes[j] for j in {i - 1, left}) if operands else 1)
        if name in ("/", "inv", "log", "log10"):
            _roots(nodes, sizes, i - 1, found)
        elif name == "pow" and not (nodes[i - 1][0] == "constant" and nodes[i - 1][2] > 0):
            _roots(nodes, sizes, left, found)
        elif name == "tan":
            found.append((i - 1, "tan"))
    return found


def _roots(
    nodes: list[tuple[str, int, float]], sizes: list[int], node: int, found: list[tuple[int, str]]
) -> None:
    """What has to be zero for a node to be: of powers and products what they are made of."""
    name = nodes[node][0]
    if name in ("square", "cube", "abs", "sqrt"):
        _roots(nodes, sizes, node - 1, found)
    elif name == "*":
        _roots(nodes, sizes, node - 1, found)
        _roots(nodes, sizes, node - 1 - sizes[node - 1], found)
    elif name == "/" or name == "pow":
        _roots(nodes, sizes, node - 1 - sizes[node - 1], found)
    elif name != "constant":
        found.append((node, "zero"))


def box_of(X: FloatMatrix, margin: float = 0.0) -> tuple[Floats, Floats]:
    """The box of rows, (d,) low and high, wider by a share of its sides, but not across zero."""
    low, high = np.asarray(X.min(axis=0), np.float64), np.asarray(X.max(axis=0), np.float64)
    wider = margin * (high - low)
    return (
        np.where((low > 0) & (low - wider <= 0), low * 0.5, low - wider),
        np.where((high < 0) & (high + wider >= 0), high * 0.5, high + wider),
    )
