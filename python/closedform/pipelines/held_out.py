"""Errors of formulas and surrogates at rows they were not fitted to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from closedform._typing import FloatMatrix, Floats
from closedform.formulas.formula import Formula
from closedform.formulas.noise import Given, Noise, Parameters
from closedform.tables.rows import variance


@dataclass(frozen=True)
class Errors:
    """Errors on rows held out from everything: from every fit and from every choice. Of fewer than
    30 rows none is set aside: each is predicted by the formula fitted to the others.

    A row counts as often as it weighs; those of weight 0 are none.

    Attributes:
        rmse: root mean square error, in the target's units.
        nrmse: rmse over the standard deviation of the held-out target.
        mean_relative: mean of `|error| / |target|`; NaN where a target is 0.
        max_abs: largest absolute error.
        log_density: mean log density of a held-out row under the noise model: the errors in its own
            terms, the larger the better.
    """

    rmse: float
    nrmse: float
    mean_relative: float
    max_abs: float
    log_density: float


@dataclass(frozen=True)
class Rows:
    """Inputs (n, d), target, how often each row counts, and standard errors where they are given.

    counts, sigma: (n,) or None.
    """

    X: FloatMatrix
    y: Floats
    counts: Floats | None
    sigma: Floats | None


@dataclass(frozen=True)
class HeldOut:
    """Measures at some rows, under the noise model of what was chosen.

    Attributes:
        leave_out: the rows are few, and those searched: each is left out once, the constants fitted
            to the others.
    """

    noise: Noise
    parameters: Parameters
    rows: Rows
    leave_out: bool

    def of_formula(self, formula: Formula) -> Errors:
        return self.of_values(self._left_out(formula) if self.leave_out else formula(self.rows.X))

    def of_values(self, prediction: Floats) -> Errors:
        """Of predictions at the rows, (n,)."""
        y, counts = self.rows.y, self.rows.counts
        noise = self.noise
        if isinstance(noise, Given):
            sigma = noise.sigma if self.rows.sigma is None else self.rows.sigma
            noise = Given(sigma=sigma)
        with np.errstate(all="ignore"):
            error = prediction - y
            rmse = float(np.sqrt(np.average(error**2, weights=counts)))
            relative = np.average(np.abs(error / y), weights=counts) if np.all(y != 0) else math.nan
            costs = noise.costs(y, prediction, self.parameters)
        deviation = math.sqrt(variance(y, counts))
        return Errors(
            rmse=rmse,
            nrmse=rmse / deviation if deviation > 0 else math.nan,
            mean_relative=float(relative),
            max_abs=float(np.max(np.abs(error))),
            log_density=-float(np.average(costs, weights=counts)),
        )

    def _left_out(self, formula: Formula) -> Floats:
        """Each row's value by the formula fitted to the others."""
        X = np.ascontiguousarray(self.rows.X, dtype=np.float64)
        y, counts = self.rows.y, self.rows.counts
        out = np.empty(len(y))
        with np.errstate(all="ignore"):
            f = formula._expression.evaluate(X, 1)
            response, weights = self.noise.working(y, f, self.parameters)
        weights = weights if counts is None else weights * counts
        usable = np.isfinite(response).all() and np.isfinite(weights).all()
        for row in range(len(y)):
            others = np.delete(np.arange(len(y)), row)
            expression = formula._expression
            if usable and weights[others].max() > 0:
                scaled = weights[others] / weights[others].max()
                expression, _ = expression.refit(X[others], response[others], scaled, -1.0, 0.0)
            out[row] = expression.evaluate(X[row : row + 1], 1)[0]
        return out
