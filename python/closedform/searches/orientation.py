"""The sign of a formula that was found without one: last, for a sign costs nodes.

During a search for directions -T counts as T does; else x1 + x4, written -x1 - x4, would lose to a
smaller formula that is no better.
"""

from __future__ import annotations

import numpy as np

from closedform._typing import FloatMatrix
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.searches.objectives import Directions
from closedform.searches.settings import Settings
from closedform.searches.steepest_drop import MOST_ROWS, unit_gradient
from closedform.tables.rows import sample_rows


def oriented(front: Front, X: FloatMatrix, directions: Directions, settings: Settings) -> Front:
    """The front with every formula rising where the directions do, in its order.

    Where a sign means something already, or none does, it stays as it is; so does a formula that
    with its sign would be larger than asked.

    Args:
        X: (n, d) the rows of the directions.
        settings: of the search: what formulas may be written with, and their size; the seed of
            the rows at which signs are looked at, where there are many.
    """
    if directions.signed or directions.axes:
        return front
    rows = sample_rows(len(X), MOST_ROWS, np.random.default_rng(settings.seed))
    sample, there = np.ascontiguousarray(X[rows], dtype=np.float64), directions.at(rows)
    return front.written(
        _turned(formula, X, settings) if _falls(formula, sample, there) else formula
        for formula in front
    )


def _falls(formula: Formula, X: FloatMatrix, directions: Directions) -> bool:
    V, _ = unit_gradient(formula, X, directions)
    cosines = directions.along(V)
    return bool(np.average(cosines, weights=directions.weights) < 0)


def _turned(formula: Formula, X: FloatMatrix, settings: Settings) -> Formula:
    """-T, or 1/T where that is shorter and T has one sign; T where neither is allowed."""
    ways = [f"-({formula.text})", f"-1*({formula.text})"]
    T = formula._expression.evaluate(X)
    if np.all(T > 0) or np.all(T < 0):
        ways.append(f"1/({formula.text})")
    operators = frozenset(settings.every_operator)
    written = [Formula(way, formula.names, formula.loss).simplified(operators) for way in ways]
    rounded = [_rounded(way) for way in written if way.operators <= operators]
    usable = [way for way in rounded if way.complexity <= settings.max_size]
    return min(usable, key=lambda way: way.complexity, default=formula)


def _rounded(formula: Formula) -> Formula:
    """Without the rounding errors of factors that were taken out and put back."""
    digits = [float(f"{value:.16g}") for value in formula._expression.constants]
    text = formula._expression.with_constants(digits).text(list(formula.names))
    return Formula(text, formula.names, formula.loss)
