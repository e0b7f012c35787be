"""Which formula of a front of unit gradients to use: where the loss falls most steeply."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from closedform._typing import FloatMatrix, Floats
from closedform.formulas.formula import Formula
from closedform.searches.objectives import Directions, unit, unit_in

PARALLEL = 1e-14  # mean squared distance of unit gradients below which the rest is rounding
LEAST_DROP = 0.05  # of log loss a node, for which the smallest formula is given up
MOST_ROWS = 4000  # more add time, not certainty


def gradient_errors(formula: Formula, X: FloatMatrix, directions: Directions) -> Floats:
    """|u - v|^2 of a formula's unit gradients v at every row, (n,); infinite where undefined.

    It is 2 - 2 cos, and 1 where only one of the two gradients is zero. Where a sign is free, one
    for all rows or one for each, it is the better one.
    """
    V, defined = unit_gradient(formula, X, directions)
    squares = np.full(len(X), np.inf)
    if directions.U.ndim == 3:
        nothing = ~V[defined].any(axis=1)
        squares[defined] = np.where(nothing, 1.0, 2.0 - 2.0 * directions.along(V)[defined])
        in_span: Floats = np.maximum(squares, 0.0)
        return in_span
    squares[defined] = np.sum((directions.U[defined] - V[defined]) ** 2, axis=1)
    if directions.signed:
        return squares
    turned = np.full(len(X), np.inf)
    turned[defined] = np.sum((directions.U[defined] + V[defined]) ** 2, axis=1)
    if directions.axes:
        nearer: Floats = np.minimum(squares, turned)
        return nearer
    w = np.ones(len(X)) if directions.weights is None else directions.weights
    return turned if w[defined] @ turned[defined] < w[defined] @ squares[defined] else squares


def unit_gradient(
    formula: Formula, X: FloatMatrix, directions: Directions
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """A formula's unit gradients in the units of the directions, (n, d), along their tangents where
    they have some, and where it has any."""
    gradient = formula.gradient(X)
    defined: npt.NDArray[np.bool_] = np.asarray(np.isfinite(gradient).all(axis=1))
    gradient[~defined] = 0.0
    scales, tangents = directions.scales, directions.tangents
    if scales is None and tangents is None:
        return unit(gradient), defined
    ones = np.ones(gradient.shape[1]) if scales is None else scales
    return unit_in(ones, gradient, tangents), defined


def steepest_drop(formulas: Sequence[Formula], X: FloatMatrix, directions: Directions) -> int:
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
        directions: the unit gradients there.
    """
    errors = np.array([gradient_errors(formula, X, directions) for formula in formulas])
    w = np.ones(len(X)) if directions.weights is None else directions.weights
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
