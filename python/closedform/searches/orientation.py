"""The sign of a formula that was found without one: last, for a sign costs nodes.

During a search for directions -T counts as T does; else x1 + x4, written -x1 - x4, would lose to a
smaller formula that is no better.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from closedform._typing import FloatMatrix
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.searches.objectives import Directions
from closedform.searches.steepest_drop import MOST_ROWS, unit_gradient
from closedform.tables.rows import sample_rows


def oriented(
    front: Front, X: FloatMatrix, directions: Directions, operators: Iterable[str], seed: int
) -> Front:
    """The front with every formula rising where the directions do, in its order.

    Where a sign means something already, or none does, it stays as it is.

    Args:
        X: (n, d) the rows of the directions.
        operators: that formulas may be written with.
        seed: of the rows at which signs are looked at, where there are many.
    """
    if directions.signed or directions.axes:
        return front
    rows = sample_rows(len(X), MOST_ROWS, np.random.default_rng(seed))
    sample, there = np.ascontiguousarray(X[rows], dtype=np.float64), directions.at(rows)
    allowed = frozenset(operators)
    return front.written(
        _turned(formula, X, allowed) if _falls(formula, sample, there) else formula
        for formula in front
    )


def _falls(formula: Formula, X: FloatMatrix, directions: Directions) -> bool:
    V, _ = unit_gradient(formula, X, directions)
    cosines = np.sum(directions.U * V, axis=1)
    return bool(np.average(cosines, weights=directions.weights) < 0)


def _turned(formula: Formula, X: FloatMatrix, operators: frozenset[str]) -> Formula:
    """-T, or 1/T where that is shorter and T has one sign; T where the operators allow neither."""
    ways = [f"-({formula.text})", f"-1*({formula.text})"]
    T = formula._expression.evaluate(X)
    if np.all(T > 0) or np.all(T < 0):
        ways.append(f"1/({formula.text})")
    written = [Formula(way, formula.names, formula.loss).simplified(operators) for way in ways]
    usable = [_rounded(way) for way in written if way.operators <= operators]
    return min(usable, key=lambda way: way.complexity, default=formula)


def _rounded(formula: Formula) -> Formula:
    """Without the rounding errors of factors that were taken out and put back."""
    digits = [float(f"{value:.16g}") for value in formula._expression.constants]
    text = formula._expression.with_constants(digits).text(list(formula.names))
    return Formula(text, formula.names, formula.loss)
