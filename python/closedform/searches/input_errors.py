"""Errors in the inputs as well as in the target: total least squares for any formula.

What is minimised over the constants and the inputs' true values x* is the sum of
(y - f(x*))^2 / s_y^2 and of (x_j - x*_j)^2 / s_j^2 (orthogonal distance regression: Boggs, Byrd and
Schnabel, SIAM J. Sci. Stat. Comput. 8, 1987). Seen from the formula's tangent at x*, x* can be
solved for: a row's residual then has the effective variance s_y^2 + sum_j (df/dx_j)^2 s_j^2 (Orear,
Am. J. Phys. 50, 1982), and the constants are those of weighted least squares at the points x*, as
York (Can. J. Phys. 44, 1966) has them for straight lines. Weights alone, with the inputs left where
they were measured, would leave the slopes too flat.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import monotonic

import numpy as np
import numpy.typing as npt

from closedform import _core
from closedform._typing import Floats
from closedform.formulas.noise import Noise, Parameters, normal
from closedform.formulas.places import constants_at_places, still_held
from closedform.searches import interruption

ROUNDS = 60  # of placing the inputs and fitting the constants
STEPS = 12  # towards a row's place
SETTLED = 1e-9  # relative change of the constants
MOST_NEWTON = 100  # steps towards a variance


@dataclass(frozen=True)
class InputErrors(Noise):
    """Normal errors of given sizes in the inputs, and one of one size, that is fitted, in the
    target.

    Attributes:
        sigma_X: (n, d), or (d,) for all rows: standard errors of the user's columns.
        columns: which of these each column of the rows is.
        brought: (n,) variance that the inputs bring to the target, of a formula (`seen`).
    """

    kind = "inputs"
    sigma_X: Floats = field(default_factory=lambda: np.zeros(1), compare=False)
    columns: tuple[int, ...] = ()
    brought: Floats = field(default_factory=lambda: np.zeros(1), compare=False)

    def parameters(self, y: Floats, f: Floats, counts: Floats, constants: int) -> Parameters:
        """The size with which the squares of the residuals, over their variances, are on average
        one; rounding where the inputs' errors say all."""
        left, least = y - f, self._least(y)
        if not (np.isfinite(left).all() and np.isfinite(self.brought).all()):
            return (math.inf,)
        freedom = max(float(counts.sum()) - constants, 1.0)
        # The sum falls, ever less steeply: Newton's steps stay below the solution.
        variance = least**2
        for _ in range(MOST_NEWTON):
            shares = counts * left**2 / (variance + self.brought)
            surplus = float(shares.sum()) - freedom
            if surplus <= 1e-9 * freedom:
                break
            variance += surplus / float((shares / (variance + self.brought)).sum())
        return (math.sqrt(variance),)

    def costs(self, y: Floats, f: Floats, parameters: Parameters) -> Floats:
        spread = self.spread(f, parameters)
        costs: Floats = normal((y - f) / spread) + np.log(spread)
        return costs

    def spread(self, f: Floats, parameters: Parameters) -> Floats:
        return np.sqrt(self._own(parameters) + self.brought)

    def at(self, rows: npt.NDArray[np.intp]) -> Noise:
        return replace(self, sigma_X=self.sigma_X[rows] if self.sigma_X.ndim == 2 else self.sigma_X)

    def _own(self, parameters: Parameters) -> Floats | float:
        """Variance of the target's own error."""
        return parameters[0] ** 2

    def seen(
        self, expression: _core.Expression, X: Floats, y: Floats, parameters: Parameters | None
    ) -> tuple[Noise, Floats, Floats]:
        slopes = self._slopes(expression, X)
        here = replace(self, brought=self._brought(slopes))
        if parameters is None:
            return here, X, y
        own = self._own(parameters)
        with np.errstate(all="ignore"):
            moved, f = np.zeros_like(slopes), expression.evaluate(X, 1)
            squares, damping = (y - f) ** 2 / own, np.ones(len(y))
            for _ in range(STEPS):
                left = y - f + (slopes * moved).sum(axis=1)
                share = left / (own + self._brought(slopes))
                ahead = self.sigma_X**2 * slopes * share[:, None]
                tried = moved + damping[:, None] * (ahead - moved)
                values = expression.evaluate(self._places(X, tried), 1)
                after = (y - values) ** 2 / own + self._distance(tried)
                better = after < squares
                moved[better], f[better], squares[better] = (
                    tried[better],
                    values[better],
                    after[better],
                )
                damping = np.where(better, np.minimum(2 * damping, 1.0), 0.5 * damping)
                slopes = self._slopes(expression, self._places(X, moved))
            response, brought = y + (slopes * moved).sum(axis=1), self._brought(slopes)
        if not (np.isfinite(response).all() and np.isfinite(brought).all()):
            return here, X, y
        return replace(self, brought=brought), self._places(X, moved), response

    def _brought(self, slopes: Floats) -> Floats:
        brought: Floats = (slopes**2 * self.sigma_X**2).sum(axis=1)
        return brought

    def _distance(self, moved: Floats) -> Floats:
        """Squares of what inputs were moved by, over their errors'."""
        size = np.broadcast_to(self.sigma_X, moved.shape)
        squares = np.divide(moved, size, out=np.zeros_like(moved), where=size > 0) ** 2
        distance: Floats = squares.sum(axis=1)
        return distance

    def _places(self, X: Floats, moved: Floats) -> Floats:
        return np.ascontiguousarray(X + moved[:, self.columns])

    def _slopes(self, expression: _core.Expression, X: Floats) -> Floats:
        """(n, d) by the user's columns."""
        own = np.zeros((len(X), max(self.columns) + 1))
        for slope, j in zip(expression.gradient(X, 1).T, self.columns, strict=True):
            own[:, j] += slope
        return own


@dataclass(frozen=True)
class KnownErrors(InputErrors):
    """The same, with standard errors of the target that the user gives.

    Attributes:
        sigma: (n,) positive.
    """

    free = 0
    sigma: Floats = field(default_factory=lambda: np.ones(1), compare=False)

    def parameters(self, y: Floats, f: Floats, counts: Floats, constants: int) -> Parameters:
        return ()

    def at(self, rows: npt.NDArray[np.intp]) -> Noise:
        sigma_X = self.sigma_X[rows] if self.sigma_X.ndim == 2 else self.sigma_X
        return replace(self, sigma=self.sigma[rows], sigma_X=sigma_X)

    def _own(self, parameters: Parameters) -> Floats | float:
        return self.sigma**2


def errors_of(sigma: Floats | None, sigma_X: Floats, columns: Sequence[int]) -> InputErrors:
    """The model for standard errors of the inputs, and of the target where they are known."""
    if sigma is None:
        return InputErrors(sigma_X=sigma_X, columns=tuple(columns))
    return KnownErrors(sigma_X=sigma_X, columns=tuple(columns), sigma=sigma)


def fitted_with_inputs(
    expression: _core.Expression,
    noise: InputErrors,
    X: Floats,
    y: Floats,
    counts: Floats,
    ends: float,
    held: Sequence[bool],
) -> tuple[_core.Expression, Parameters]:
    """Places of the inputs and constants that are not held by turns, until these stay.

    Args:
        X, y, counts: (n, d), (n,) and (n,) rows, and how often each counts.
        ends: by time.monotonic.
    """
    count = len(held)
    here, _, _ = noise.seen(expression, X, y, None)
    parameters = here.parameters(y, expression.evaluate(X, 1), counts, count)
    for _ in range(ROUNDS):
        if monotonic() > ends or interruption.requested() or not np.isfinite(parameters).all():
            break
        here, places, response = noise.seen(expression, X, y, parameters)
        weights = counts * here.spread(response, parameters) ** -2
        if not (np.isfinite(weights).all() and weights.any()):
            break
        trial = expression
        if not all(held):
            scaled = weights / weights.max()
            trial, _ = expression.refit(places, response, scaled, fixed=list(held))
        f = trial.evaluate(places, 1)
        after = here.parameters(response, f, counts, count)
        if not (np.isfinite(f).all() and np.isfinite(after).all()):
            break
        before = np.array(expression.constants)
        now = np.array(constants_at_places(expression, trial))
        own = np.array([*before, *parameters]), np.array([*now, *after])
        held = still_held(held, expression, trial)
        expression, parameters = trial, after
        if np.all(np.abs(own[1] - own[0]) <= SETTLED * np.abs(own[1])):
            break
    return expression, parameters
