"""Which formula of a front to use: judged on rows its constants were not fitted to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from closedform._inputs import FloatMatrix, Floats
from closedform.formula import EXACT, Formula

FOLDS = 5
MOST_ROWS = 4000  # more add time, not certainty


def cross_errors(
    formulas: Sequence[Formula], X: FloatMatrix, y: Floats, weights: Floats | None, seed: int
) -> Floats:
    """Squared errors of every formula at rows held out while its constants were fitted.

    Five folds; the structure stays, only the constants are refitted. Rows beyond 4,000 are sampled.

    Returns:
        (formulas, rows) float64, weighted; infinite where a formula is not defined.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(y))[:MOST_ROWS]
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
            expression, _ = formula._expression.refit(train_X, train_y, train_w, -1.0, 0.0)
            squares = (expression.evaluate(held_X, 1) - y[held]) ** 2
            errors[i, part] = squares if weights is None else squares * weights[held]
    errors[~np.isfinite(errors)] = np.inf
    return errors


def choose(
    formulas: Sequence[Formula], X: FloatMatrix, y: Floats, weights: Floats | None, seed: int
) -> int:
    """Index of the formula with the shortest description of the data.

    Half the rows times the log of the held-out squared error (`cross_errors`), plus the log of the
    number of symbols for every node: the search tried many structures, so a larger one has to earn
    its nodes (minimum description length, Rissanen 1978). Where formulas reproduce the target to
    rounding, the smallest of those.
    """
    exact = [i for i, f in enumerate(formulas) if f.loss <= EXACT * np.var(y)]
    if exact:
        return min(exact, key=lambda i: formulas[i].complexity)
    means = cross_errors(formulas, X, y, weights, seed).mean(axis=1)
    if not np.isfinite(means).any():
        return min(range(len(formulas)), key=lambda i: formulas[i].loss)
    symbols = len(frozenset().union(*(f.operators for f in formulas))) + X.shape[1] + 1
    sizes = np.array([f.complexity for f in formulas])
    rows = min(len(y), MOST_ROWS)
    with np.errstate(divide="ignore"):
        return int(np.argmin(0.5 * rows * np.log(means) + sizes * np.log(symbols)))
