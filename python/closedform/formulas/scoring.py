"""How well a formula meets rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from closedform._choices import Kind
from closedform.errors import InputError
from closedform.formulas.formula import Formula
from closedform.formulas.rows import Rows
from closedform.tables.rows import variance


@dataclass(frozen=True)
class Score:
    """A formula at some rows.

    Attributes:
        loss: mean squared error, weighted, where weights or sigma were given.
        rmse: root mean square error, in the target's units.
        r2: share of the target's variance that is explained; NaN for a constant target.
        log_density: mean log density of a row under the noise model, its scatter fitted: the larger
            the better.
    """

    loss: float
    rmse: float
    r2: float
    log_density: float


def score(
    formula: Formula,
    X: object,
    y: object,
    weights: object = None,
    *,
    noise: Kind = "absolute",
    sigma: object = None,
) -> Score:
    """How well a formula meets rows; nothing of it is fitted.

    Args:
        formula: all its constants known.
        X: (n, d), as for a call of the formula.
        y: (n,) the target.
        weights: (n,) how often each row counts, none negative; None for once.
        noise: how the target scatters: "absolute", "relative", "log", "mixed", "robust" or
            "counts" (as for `search`).
        sigma: (n,) standard errors of y, positive: instead of noise.

    Raises:
        InputError: constants without a value, rows that cannot be used, or at which the formula has
            no value.

    Example:
        >>> import closedform as cf
        >>> cf.score(cf.Formula("2*x1", ["x1"]), [[1.0], [2.0]], [2.0, 5.0]).loss
        0.5
    """
    if not isinstance(formula, Formula):
        raise InputError(f"formula: must be a Formula, not {type(formula).__name__}")
    rows = Rows.checked(formula._columns(X), y, weights, noise, sigma)
    values = formula._known().evaluate(rows.X)
    if not np.isfinite(values).all():
        raise InputError("formula: has no value at some of the rows; see formula.domain")
    mean_square = float(np.average((values - rows.y) ** 2, weights=rows.counts))
    scatter = variance(rows.y, rows.counts)
    with np.errstate(all="ignore"):
        parameters = rows.noise.parameters(rows.y, values, rows.counts, 0)
        costs = rows.noise.costs(rows.y, values, parameters)
    return Score(
        loss=rows.loss(values),
        rmse=math.sqrt(mean_square),
        r2=1.0 - mean_square / scatter if scatter > 0 else math.nan,
        log_density=-float(np.average(costs, weights=rows.counts)),
    )
