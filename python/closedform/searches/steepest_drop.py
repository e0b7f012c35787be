"""Which formula of a front of unit gradients to use: where the loss falls most steeply."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from closedform._typing import FloatMatrix, Floats
from closedform.formulas.formula import Formula
from closedform.searches.objectives import unit

PARALLEL = 1e-14  # mean squared distance of unit gradients below which the rest is rounding
LEAST_DROP = 0.05  # of log loss a node, for which the smallest formula is given up
MOST_ROWS = 4000  # more add time, not certainty


def gradient_errors(formula: Formula, X: FloatMatrix, U: Floats) -> Floats:
    """|u - v|^2 of a formula's unit gradients v at every row, (n,); infinite where undefined.

    It is 2 - 2 cos, and 1 where only one of the two gradients is zero.
    """
    gradient = formula.gradient(X)
    defined = np.isfinite(gradient).all(axis=1)
    squares = np.full(len(X), np.inf)
    squares[defined] = np.sum((U[defined] - unit(gradient[defined])) ** 2, axis=1)
    return squares


def steepest_drop(
    formulas: Sequence[Formula], X: FloatMatrix, U: Floats, weights: Floats | None
) -> int:
    """Index of the formula at which the loss falls most steeply, on rows not searched.

    Among the formulas whose loss is better than that of every smaller one by more than the standard
    error of the difference, it maximises the drop of log loss per added node. The drop is the
    least one over all smaller formulas of those, and nothing at all, of size 0, which costs 1 at
    every row: against its neighbour alone, a formula behind a poor one would look good. The
    smallest formula, mostly a bare input, is where the front begins: any other drop of at
    least 0.05 a node is taken instead.

    Args:
        formulas: by size.
        X: (n, d) rows that were held out.
        U: (n, d) unit gradients there.
        weights: (n,) or None.
    """
    errors = np.array([gradient_errors(formula, X, U) for formula in formulas])
    w = np.ones(len(X)) if weights is None else weights
    losses = np.maximum(np.where(w > 0, errors, 0) @ (w / w.sum()), PARALLEL)
    best, steepest = 0, LEAST_DROP
    smaller = [(0, 0.0)]  # size and log loss
    for i, formula in enumerate(formulas):
        if not all(_clearly_better(errors[i], errors[j], w, losses[j]) for j in range(i)):
            continue
        log_loss = float(np.log(losses[i]))
        drop = min((other - log_loss) / (formula.complexity - size) for size, other in smaller)
        if i > 0 and drop > steepest:
            best, steepest = i, drop
        smaller.append((formula.complexity, log_loss))
    return best


def _clearly_better(errors: Floats, smaller: Floats, weights: Floats, loss: float) -> bool:
    """Whether errors are below a smaller formula's by more than the difference's standard error."""
    if not np.isfinite(errors).all() or loss <= PARALLEL:
        return False
    if not np.isfinite(smaller).all():
        return True
    difference = smaller - errors
    mean = float(np.average(difference, weights=weights))
    standard_error = np.linalg.norm(weights * (difference - mean)) / weights.sum()
    return mean > float(standard_error)
