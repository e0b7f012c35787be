"""Errors of formulas and surrogates at rows they were not fitted to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from closedform._typing import FloatMatrix, Floats
from closedform.formulas.formula import Formula
from closedform.formulas.noise import Given, Noise, Parameters
from closedform.searches.input_errors import InputErrors, errors_of


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


@dataclass
class ErrorSums:
    """What errors are made of: sums over rows, so that those of other rows can be added.

    Attributes:
        weight: how many rows, each as often as it counts.
        squares, relative, costs: sums of e^2, |e / y| and -log density.
        largest: |e|.
        mean, spread: of the target, and its sum of squares around it (Chan, Golub and LeVeque
            1979).
    """

    weight: float
    squares: float
    relative: float
    costs: float
    largest: float
    mean: float
    spread: float

    @staticmethod
    def of(y: Floats, prediction: Floats, costs: Floats, counts: Floats | None) -> ErrorSums:
        w = np.ones(len(y)) if counts is None else counts
        with np.errstate(all="ignore"):
            error = np.abs(prediction - y)
            relative = float(w @ (error / np.abs(y))) if np.all(y != 0) else math.nan
            mean = float(np.average(y, weights=w))
            return ErrorSums(
                float(w.sum()),
                float(w @ error**2),
                relative,
                float(w @ costs),
                float(error.max()),
                mean,
                float(w @ (y - mean) ** 2),
            )

    def __iadd__(self, other: ErrorSums) -> ErrorSums:
        both = self.weight + other.weight
        apart = other.mean - self.mean
        self.mean += apart * other.weight / both
        self.spread += other.spread + apart**2 * self.weight * other.weight / both
        self.weight = both
        self.squares += other.squares
        self.relative += other.relative
        self.costs += other.costs
        self.largest = float(np.maximum(self.largest, other.largest))
        return self

    def errors(self) -> Errors:
        rmse, deviation = (
            float(np.sqrt(total / self.weight)) for total in (self.squares, self.spread)
        )
        return Errors(
            rmse=rmse,
            nrmse=rmse / deviation if deviation > 0 else math.nan,
            mean_relative=self.relative / self.weight,
            max_abs=self.largest,
            log_density=-self.costs / self.weight,
        )


@dataclass(frozen=True)
class Rows:
    """Inputs (n, d), target, how often each row counts, and standard errors where they are given.

    counts, sigma: (n,) or None. sigma_X: (d,), (n, d) or None.
    """

    X: FloatMatrix
    y: Floats
    counts: Floats | None
    sigma: Floats | None
    sigma_X: Floats | None = None


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
        return self.sums(formula).errors()

    def sums(self, formula: Formula) -> ErrorSums:
        """What the errors of a formula are made of."""
        values = self._left_out(formula) if self.leave_out else formula(self.rows.X)
        return self._measured(values, self._noise_of(formula))

    def of_values(self, prediction: Floats) -> Errors:
        """Of predictions at the rows, (n,), whose slopes are not known."""
        return self._measured(prediction, self._noise).errors()

    @property
    def _noise(self) -> Noise:
        """The model at the rows measured."""
        noise, rows = self.noise, self.rows
        if isinstance(noise, InputErrors) and rows.sigma_X is not None:
            return errors_of(rows.sigma, rows.sigma_X, range(rows.X.shape[1]))
        if isinstance(noise, Given) and rows.sigma is not None:
            return Given(sigma=rows.sigma)
        return noise

    def _noise_of(self, formula: Formula) -> Noise:
        X = np.ascontiguousarray(self.rows.X, dtype=np.float64)
        return self._noise.seen(formula._expression, X, self.rows.y, None)[0]

    def _measured(self, prediction: Floats, noise: Noise) -> ErrorSums:
        y = self.rows.y
        with np.errstate(all="ignore"):
            costs = noise.costs(y, prediction, self.parameters)
        return ErrorSums.of(y, prediction, costs, self.rows.counts)

    def _left_out(self, formula: Formula) -> Floats:
        """Each row's value by the formula fitted to the others."""
        X = np.ascontiguousarray(self.rows.X, dtype=np.float64)
        y, counts = self.rows.y, self.rows.counts
        out = np.empty(len(y))
        with np.errstate(all="ignore"):
            f = formula._expression.evaluate(X, 1)
            response, weights = self._noise_of(formula).working(y, f, self.parameters)
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
