"""The last stage of a search whose rows lie on a cluster: constants and losses on all of them.

A search sees a sample. Its formulas, those that keep their form, are fitted to all rows that may be
searched by Gauss-Newton's steps, whose normal equations the partitions add up: of all formulas in
one pass.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np

from closedform import _core
from closedform._typing import Floats
from closedform.formulas.fit import measured
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.tables.cluster import Part, Partitions
from closedform.tables.rows import row_blocks

STEPS = 3  # from constants that a sample of many rows gave


@dataclass
class Equations:
    """Sums over rows, each as often as it counts: of their weights, of the squares r^2 and, J the
    slopes of a formula by its constants, J^T J and J^T r."""

    weight: float
    squares: float
    gram: Floats
    gradient: Floats

    def __iadd__(self, other: Equations) -> Equations:
        self.weight += other.weight
        self.squares += other.squares
        self.gram += other.gram
        self.gradient += other.gradient
        return self

    @property
    def loss(self) -> float:
        return self.squares / self.weight if math.isfinite(self.squares) else math.inf


def on_all_rows(front: Front, partitions: Partitions, ends: float) -> Front:
    """The front with constants, standard errors and losses of all rows that may be searched, whose
    errors are of one size; simple constants stay.

    One that has no value somewhere keeps its constants, and infinite loss.

    ends: by time.monotonic, when no other pass over the rows is to begin.
    """
    best = [formula._expression for formula in front]
    fixed = [[constant.fixed for constant in formula.constants] for formula in front]
    known = _equations(best, partitions)
    trying = {i for i, held in enumerate(fixed) if not all(held)}
    for _ in range(STEPS):
        if not trying or monotonic() > ends:
            break
        trial = list(best)
        for i in trying:
            trial[i] = _step(best[i], known[i], fixed[i])
        found = _equations(trial, partitions)
        trying = {i for i in trying if found[i].loss < known[i].loss}
        for i in trying:
            best[i], known[i] = trial[i], found[i]
    return front.written(
        _told(formula, expression, equations, held)
        for formula, expression, equations, held in zip(front, best, known, fixed, strict=True)
    )


def _equations(expressions: Sequence[_core.Expression], partitions: Partitions) -> list[Equations]:
    names = list(partitions.names)
    texts = [expression.text(names) for expression in expressions]
    total: list[Equations] | None = None
    for found in partitions.ask(equations_of, texts, names):
        if total is None:
            total = found
        else:
            for one, more in zip(total, found, strict=True):
                one += more
    assert total is not None  # there are partitions
    return total


def equations_of(part: Part, texts: Sequence[str], names: Sequence[str]) -> list[Equations]:
    """On a worker: those of a partition, of every formula."""
    expressions = [_core.Expression(text, list(names)) for text in texts]
    sums = []
    for expression in expressions:
        k = len(expression.constants)
        sums.append(Equations(0.0, 0.0, np.zeros((k, k)), np.zeros(k)))
    data = part.data
    if data is None:
        return sums
    weights = np.ones(len(part.held)) if data.weights is None else data.weights
    weights = np.where(part.held, 0.0, weights)
    for first, block in row_blocks(data.inputs.values):
        rows = slice(first, first + len(block))
        X = np.ascontiguousarray(block, dtype=np.float64)
        y, w = data.target[rows], weights[rows]
        for expression, own in zip(expressions, sums, strict=True):
            with np.errstate(all="ignore"):
                J = expression.constant_slopes(X, 1)
                r = expression.evaluate(X, 1) - y
                own += Equations(
                    float(w.sum()), float(w @ r**2), J.T @ (J * w[:, None]), J.T @ (w * r)
                )
    return sums


def _step(
    expression: _core.Expression, equations: Equations, fixed: Sequence[bool]
) -> _core.Expression:
    """Gauss and Newton's, of the constants that are free; columns of the normal equations made of
    one size."""
    free = np.flatnonzero(~np.array(fixed, dtype=bool))
    gram, gradient = equations.gram[np.ix_(free, free)], equations.gradient[free]
    size = np.sqrt(np.diagonal(gram))
    if not (np.isfinite(gram).all() and np.isfinite(gradient).all() and (size > 0).all()):
        return expression
    step = np.linalg.lstsq(gram / np.outer(size, size), gradient / size, rcond=1e-12)[0] / size
    constants = np.array(expression.constants)
    constants[free] -= step
    return expression.with_constants(constants.tolist())


def _told(
    formula: Formula, expression: _core.Expression, equations: Equations, fixed: Sequence[bool]
) -> Formula:
    """A formula with the constants, the loss and the standard errors of all rows."""
    told = copy.copy(formula)
    told.loss = equations.loss
    freedom = max(equations.weight - len(fixed), 1.0)
    information = equations.gram * freedom / equations.squares if equations.squares > 0 else None
    if information is None or not np.isfinite(information).all():
        return told
    told = Formula(expression.text(list(formula.names)), formula.names, told.loss)
    told.labels, told.units = formula.labels, formula.units
    values = expression.constants
    told.constants = measured(values, information, fixed, freedom)
    return told
