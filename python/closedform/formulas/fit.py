"""Fits of constants to rows under a noise model, with their standard errors.

Weighted least squares by Levenberg-Marquardt steps in a trust region (scipy's `least_squares`),
with exact derivatives; where the density asks for it the rows are weighed anew by turns
(iteratively reweighted least squares: McCullagh and Nelder, Generalized Linear Models, 1989,
section 2.5). Standard errors are those of the inverse Fisher information.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.constants import Constants
from closedform.formulas.form import Form
from closedform.formulas.noise import Parameters
from closedform.formulas.rows import Rows

ROUNDS = 50  # of reweighting
SETTLED = 1e-9  # nats that a round gains where there is nothing more to gain
STARTS = 24  # where nobody says where to begin
FEW_ROWS = 1000  # that the starts are compared on
NOTHING = 1e-290  # information below which its products have lost their digits
RANK = 1e-10  # eigenvalue, of a unit diagonal, up to which a direction is not known
OUTSIDE = 1e-6  # share of a constant in such a direction that is rounding


class Model:
    """A form as a function of rows and of the constants that are not held."""

    def __init__(self, form: Form) -> None:
        self._expression = form.expression()
        self._all = np.array([math.nan if v is None else v for v in form.values.values()])
        self._free = np.array([name not in form.held for name in form.values], dtype=bool)
        self.first: Floats = self._all[self._free]

    def values(self, X: Floats, free: Floats) -> Floats:
        """(n,) at rows (n, d)."""
        return self._expression.evaluate(self._columns(X, free), 1)

    def slopes(self, X: Floats, free: Floats) -> Floats:
        """(n, k) derivatives by the constants."""
        gradient = self._expression.gradient(self._columns(X, free), 1)
        slopes: Floats = gradient[:, X.shape[1] :][:, self._free]
        return slopes

    def covariance(self, of_free: Floats) -> Floats:
        """Of all constants: those that are held have no error that is known."""
        covariance = np.full((len(self._all), len(self._all)), np.nan)
        covariance[np.ix_(self._free, self._free)] = of_free
        return covariance

    def _columns(self, X: Floats, free: Floats) -> Floats:
        constants = self._all.copy()
        constants[self._free] = free
        return np.ascontiguousarray(
            np.hstack([X, np.broadcast_to(constants, (len(X), len(constants)))])
        )


def fitted(form: Form, rows: Rows, *, several: bool) -> tuple[Form, Floats]:
    """The form with the constants under which rows are likeliest, and their covariance.

    Args:
        form: with values to begin with.
        several: begins elsewhere, too, and takes what is best.

    Returns:
        The covariance is (k, k), of all constants; NaN for those that are held or that others can
        stand for.

    Raises:
        InputError: the formula is defined at all rows from none of the starts.
    """
    model = Model(form)
    X, y, counts, noise = rows.X, rows.y, rows.counts, rows.noise
    constants = _begun(model, rows, _starts(model.first) if several else [model.first])
    count = len(constants)
    f = model.values(X, constants)
    with np.errstate(all="ignore"):
        parameters = noise.parameters(y, f, counts, count)
    cost = _cost(rows, f, parameters)
    for _ in range(ROUNDS if count and math.isfinite(cost) else 0):
        with np.errstate(all="ignore"):
            response, weights = noise.working(y, f, parameters)
        trial = _least_squares(model, X, response, weights * counts, constants)
        f_trial = model.values(X, trial)
        with np.errstate(all="ignore"):
            after = noise.parameters(y, f_trial, counts, count)
        trial_cost = _cost(rows, f_trial, after)
        if not trial_cost < cost:
            break
        gained = cost - trial_cost
        constants, f, parameters, cost = trial, f_trial, after, trial_cost
        if gained < SETTLED:
            break
    with np.errstate(all="ignore"):
        scale = np.sqrt(counts) / noise.spread(f, parameters)
        scaled = model.slopes(X, constants) * scale[:, None]
        information = scaled.T @ scaled
    return form.with_values(constants.tolist()), model.covariance(inverse(information))


def _starts(first: Floats) -> list[Floats]:
    """Where to begin: at what is given, and around it at sizes of several orders, of both signs."""
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.normal(0.0, 1.5, (STARTS, len(first))))
    signs = rng.choice([-1.0, 1.0], (STARTS, len(first)), p=[0.3, 0.7])
    return [first, *(first * size * sign for size, sign in zip(sizes, signs, strict=True))]


def inverse(information: Floats) -> Floats:
    """Covariance of the constants that the rows determine, positive semidefinite; NaN for those of
    which they say nothing, and for those that others can stand for."""
    diagonal = np.diagonal(information)
    covariance = np.full_like(information, np.nan)
    told = np.flatnonzero(diagonal > NOTHING)
    if not np.isfinite(information).all() or len(told) == 0:
        return covariance
    scale = np.sqrt(diagonal[told])
    shares, directions = np.linalg.eigh(information[np.ix_(told, told)] / scale[:, None] / scale)
    known = shares > RANK
    determined = (np.abs(directions[:, ~known]) < OUTSIDE).all(axis=1)
    # Of a root, so that no rounding makes a variance negative.
    roots = directions[:, known] / np.sqrt(shares[known]) / scale[:, None]
    kept = told[determined]
    covariance[np.ix_(kept, kept)] = roots[determined] @ roots[determined].T
    return covariance


def measured(
    values: Sequence[float], information: Floats, fixed: Sequence[bool], freedom: float
) -> Constants:
    """Constants with their standard errors, from the inverse of their Fisher information (k, k): of
    measured ones with the fixed ones held, of these from a fit of all."""
    free = np.flatnonzero(~np.array(fixed, dtype=bool))
    covariance = np.diag(np.diagonal(inverse(information)))
    covariance[np.ix_(free, free)] = inverse(information[np.ix_(free, free)])
    return Constants(values, covariance, fixed, freedom)


def _begun(model: Model, rows: Rows, starts: Sequence[Floats]) -> Floats:
    """Constants of the smallest squares, at some of the rows where there are many."""
    step = -(-len(rows.y) // FEW_ROWS)
    X, y, counts = np.ascontiguousarray(rows.X[::step]), rows.y[::step], rows.counts[::step]
    best, least = None, math.inf
    for start in starts:
        found = _least_squares(model, X, y, counts, start)
        with np.errstate(all="ignore"):
            loss = float(counts @ (model.values(X, found) - y) ** 2)
        if loss < least:
            best, least = found, loss
    if best is None:
        raise InputError(
            "X: the formula has no value at some of the rows, wherever its constants begin; leave "
            "those rows out, or give start="
        )
    return best


def _least_squares(model: Model, X: Floats, y: Floats, weights: Floats, start: Floats) -> Floats:
    """From where it starts, which it stays at where that is no solution to go on from."""
    from scipy.optimize import least_squares

    root = np.sqrt(weights)

    def residuals(free: Floats) -> Floats:
        return root * (model.values(X, free) - y)

    def slopes(free: Floats) -> Floats:
        return root[:, None] * model.slopes(X, free)

    with np.errstate(all="ignore"):
        if len(start) == 0 or not (
            np.isfinite(residuals(start)).all() and np.isfinite(slopes(start)).all()
        ):
            return start
        scale = float(np.linalg.norm(root * y)) or 1.0
        try:
            found = least_squares(
                lambda free: residuals(free) / scale,
                start,
                lambda free: slopes(free) / scale,
                x_scale="jac",
                ftol=1e-14,
                xtol=1e-14,
                gtol=1e-15,
                max_nfev=200,
            )
        except (ValueError, np.linalg.LinAlgError):  # slopes that are no numbers on the way
            return start
    constants: Floats = found.x
    return constants


def _cost(rows: Rows, f: Floats, parameters: Parameters) -> float:
    """-log density of the rows; infinite where the formula is not defined."""
    if not np.isfinite(f).all():
        return math.inf
    with np.errstate(all="ignore"):
        cost = float(rows.counts @ rows.noise.costs(rows.y, f, parameters))
    return cost if math.isfinite(cost) else math.inf
