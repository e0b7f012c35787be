"""Which formula of a front to use: judged on rows its constants were not fitted to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from time import monotonic

import numpy as np

from closedform import _core
from closedform._typing import FloatMatrix, Floats
from closedform.formulas.formula import Formula
from closedform.searches import interruption
from closedform.searches.objectives import Values
from closedform.tables.rows import sample_rows

FOLDS = 5
MOST_ROWS = 4000  # more add time, not certainty


def cross_errors(
    formulas: Sequence[Formula],
    X: FloatMatrix,
    objective: Values,
    seed: int,
    ends: float = math.inf,
) -> Floats:
    """Squared errors of every formula at rows held out while its constants were fitted.

    Five folds; the structure stays, only the constants are refitted. Rows beyond 4,000 are sampled.

    Returns:
        (formulas, rows) float64, weighted; infinite where a formula is not defined. Only the rows
        of the folds that every formula went through before `ends` (of time.monotonic).
    """
    y, weights = objective.y, objective.weights
    rows = sample_rows(len(y), MOST_ROWS, np.random.default_rng(seed))
    errors = np.full((len(formulas), len(rows)), np.inf)
    for part in np.array_split(np.arange(len(rows)), min(FOLDS, len(rows))):
        held = rows[part]
        fitted = np.delete(rows, part)
        if len(fitted) == 0:
            continue
        train_X, train_y = np.ascontiguousarray(X[fitted], dtype=np.float64), y[fitted]
        train_w = None if weights is None else weights[fitted]
        held_X = np.ascontiguousarray(X[held], dtype=np.float64)
        for i, formula in enumerate(formulas):
            if monotonic() > ends or interruption.requested():
                return _finite(errors[:, : part[0]])
            expression, _ = formula._expression.refit(train_X, train_y, train_w, -1.0, 0.0)
            squares = (expression.evaluate(held_X, 1) - y[held]) ** 2
            errors[i, part] = squares if weights is None else squares * weights[held]
    return _finite(errors)


def _losses_on_sample(
    formulas: Sequence[Formula], X: FloatMatrix, objective: Values, seed: int
) -> Floats:
    """Losses as they stand on the rows of `cross_errors`, (formulas,); never 0."""
    y, weights = objective.y, objective.weights
    rows = np.sort(sample_rows(len(y), MOST_ROWS, np.random.default_rng(seed)))
    goal = _core.Goal.values(y[rows], None if weights is None else weights[rows])
    sample = np.ascontiguousarray(X[rows], dtype=np.float64)
    names = formulas[0].names
    losses = goal.losses([f.text for f in formulas], names, sample)
    return np.maximum(losses, np.finfo(np.float64).tiny)


def _finite(errors: Floats) -> Floats:
    errors[~np.isfinite(errors)] = np.inf
    return errors


def description_lengths(formulas: Sequence[Formula], errors: Floats, X: FloatMatrix) -> Floats:
    """How long each formula's description of the data is (minimum description length).

    Half the rows times the log of the mean squared error, plus the log of the number of symbols for
    every node: the search tried many structures, so a larger one has to earn its nodes (Rissanen
    1978).

    Args:
        errors: (formulas,) mean squared error of each.
    """
    with np.errstate(divide="ignore"):
        return 0.5 * min(len(X), MOST_ROWS) * np.log(errors) + structure_lengths(formulas, X)


def structure_lengths(formulas: Sequence[Formula], X: FloatMatrix) -> Floats:
    """The log of the number of symbols for every node, (formulas,)."""
    symbols = len(frozenset().union(*(f.operators for f in formulas))) + X.shape[1] + 1
    return np.array([f.complexity for f in formulas]) * float(np.log(symbols))


def shortest_description(
    formulas: Sequence[Formula],
    X: FloatMatrix,
    objective: Values,
    seed: int,
    ends: float = math.inf,
) -> int:
    """Index of the formula with the shortest description of the data.

    `description_lengths` of the held-out errors (`cross_errors`); where not even the first fold was
    finished before `ends`, of the losses. Where formulas reproduce the target to rounding, the
    smallest of those. Losses are those on all rows: held-out errors of a sample are brought to
    them, so that what few rows say, which the sample may have missed, is heard.
    """
    exact = [i for i, f in enumerate(formulas) if f.loss <= objective.exact]
    if exact:
        return min(exact, key=lambda i: formulas[i].complexity)
    errors = cross_errors(formulas, X, objective, seed, ends)
    losses = np.array([f.loss for f in formulas])
    means = errors.mean(axis=1) if errors.size else losses
    if errors.size and len(objective.y) > MOST_ROWS:
        means = means * losses / _losses_on_sample(formulas, X, objective, seed)
    if not np.isfinite(means).any():
        return min(range(len(formulas)), key=lambda i: formulas[i].loss)
    return int(np.argmin(description_lengths(formulas, means, X)))
