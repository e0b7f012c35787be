"""Constants of a neuron's formula from its values, once the form is known.

Gradients find the form; they know a constant to a few per cent, for a network's derivatives are
poorer than its values. So, the form being T(x; c), the values f = g(T(x; c)) are fitted with a
smooth g that is free: a cubic spline in T, eliminated by variable projection (Golub and Pereyra,
SIAM J. Numer. Anal. 10, 1973; Kaufman's Jacobian). Of a classifier these are log-odds, weighed by
F (1 - F), which are the steps of logistic regression on soft labels F. A network's errors are
smooth, so that neighbouring rows tell the same: standard errors are of sums over boxes of rows
(Liang and Zeger, Biometrika 73, 1986).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from closedform._typing import Floats
from closedform.formulas.constants import Constants
from closedform.formulas.fit import Model, inverse
from closedform.formulas.form import Form
from closedform.formulas.formula import Formula
from closedform.formulas.simple_values import near, simple_value

KNOTS = 8  # of the spline, between rows of equal number
MOST_ROWS = 4000  # more add time, not certainty
BOXES = 5  # halvings of the rows: 32 boxes
STEPS = 60
CLEAR = 2.0  # standard errors
EXACT = 1e-8  # of the gradients' loss: that is no trained network's
# What a constant is known to, where its standard error is not: a number longer to write is not
# simpler.
NATS = 3.0
WITHIN = 0.05  # of a constant: as far as a simple number may be


@dataclass(frozen=True)
class ValueFit:
    """Constants under which a free function of the formula is nearest to the values.

    Attributes:
        constants: (k,) in the order of the formula's.
        covariance: (k, k); NaN for what another constant can stand for.
        squares: (n,) weighted squares that are left, by row.
    """

    constants: Floats
    covariance: Floats
    squares: Floats


class ValueConstants:
    """A formula's form with the values that it is to explain.

    Args:
        formula: its constants are where fits begin.
        X, f: (n, d) rows and (n,) values there.
        weights: (n,) of the squares, or None.
    """

    def __init__(self, formula: Formula, X: Floats, f: Floats, weights: Floats | None) -> None:
        self.formula = formula
        self.form = Form.of_numbers(formula._expression, formula.names)
        self.model = Model(self.form)
        rows = slice(None, None, -(-len(X) // MOST_ROWS))
        self._X, self._f = np.ascontiguousarray(X[rows]), f[rows]
        w = np.ones(len(self._f)) if weights is None else weights[rows]
        self._root = np.sqrt(w / w.mean())
        self._boxes = boxes(self._X)

    def fitted(self, held: npt.NDArray[np.bool_] | None = None) -> ValueFit | None:
        """The constants, those `held` staying where they are; None where the formula is not defined
        at all rows, or there is nothing to fit."""
        from scipy.optimize import least_squares

        first = self.model.first
        free = np.ones(len(first), dtype=bool) if held is None else ~held
        if not free.any() or self._projected(first) is None:
            return None

        def whole(moved: Floats) -> Floats:
            constants = first.copy()
            constants[free] = moved
            return constants

        def residuals(moved: Floats) -> Floats:
            found = self._projected(whole(moved))
            return np.full(len(self._f), 1e150) if found is None else found[0]

        def slopes(moved: Floats) -> Floats:
            found = self._projected(whole(moved))
            return np.zeros((len(self._f), len(moved))) if found is None else found[1][:, free]

        with np.errstate(all="ignore"):
            try:
                moved = least_squares(
                    residuals, first[free], slopes, x_scale="jac", max_nfev=STEPS
                ).x
            except (ValueError, np.linalg.LinAlgError):
                return None
        end = whole(moved)
        found = self._projected(end)
        if found is None:
            return None
        covariance = np.full((len(first), len(first)), np.nan)
        covariance[np.ix_(free, free)] = _clustered(found[1][:, free], found[0], self._boxes)
        return ValueFit(end, covariance, found[0] ** 2)

    def at(self, constants: Floats) -> ValueConstants:
        """The same form, its fits beginning elsewhere."""
        other = object.__new__(ValueConstants)
        other.__dict__.update(self.__dict__)
        other.form = self.form.with_values(constants.tolist())
        other.model = Model(other.form)
        return other

    def worse(self, squares: Floats, other: Floats) -> bool:
        """Whether squares are above others, row by row, by more than two standard errors."""
        sums = np.bincount(self._boxes, squares - other)
        return float(sums.sum()) > CLEAR * float(np.linalg.norm(sums))

    def _projected(self, constants: Floats) -> tuple[Floats, Floats] | None:
        """Weighted residuals of the best spline, and their derivatives by the constants."""
        T = self.model.values(self._X, constants)
        if not np.isfinite(T).all() or np.ptp(T) == 0:
            return None
        basis, slopes = _spline(T)
        weighted = self._root[:, None] * basis
        q, r = np.linalg.qr(weighted)
        target = self._root * self._f
        along = q.T @ target
        factors = np.linalg.lstsq(r, along, rcond=1e-12)[0]
        by_constants = self.model.slopes(self._X, constants)
        J = -(self._root * (slopes @ factors))[:, None] * by_constants
        if not np.isfinite(J).all():
            return None
        return target - q @ along, J - q @ (q.T @ J)


def with_constants_of_values(
    formula: Formula, X: Floats, f: Floats, weights: Floats | None
) -> Formula:
    """The formula with the constants that the values have, with standard errors.

    Constants stay where the gradients know them to more digits than a free function of the formula
    could. Loss, ranges and labels are those of the formula.

    Args:
        X, f: (n, d) rows and (n,) values of the neuron. weights: (n,) of squares, or None.
    """
    task = ValueConstants(formula, X, f, weights)
    found = task.fitted()
    if found is None:
        return formula
    exact = formula.loss <= EXACT
    constants = task.model.first if exact else found.constants
    return _written(task.at(constants).form, formula, found.covariance, None)


def with_simple_values(formula: Formula, X: Floats, f: Floats, weights: Floats | None) -> Formula:
    """The formula with its constants set to simple numbers, one after another, where the squares
    that are left grow by no more than two standard errors, row by row; the other constants are
    fitted anew."""
    task = ValueConstants(formula, X, f, weights)
    base = task.fitted()
    if base is None:
        return formula
    constants = task.model.first.copy()
    held = np.array([simple_value(value) is not None for value in constants])
    current = base
    with np.errstate(all="ignore"):
        known = np.log(np.abs(base.constants) / np.sqrt(np.diagonal(base.covariance)))
    for k in np.flatnonzero(~held):
        most = float(known[k]) if np.isfinite(known[k]) else NATS
        for simple in near(float(constants[k]), WITHIN * abs(float(constants[k]))):
            if simple.nats > most:
                break
            trial = current.constants.copy()
            trial[k] = simple.value
            fixed = held.copy()
            fixed[k] = True
            found = task.at(trial).fitted(fixed) or _stays(task, trial)
            if found is not None and not task.worse(found.squares, base.squares):
                constants, held, current = trial, fixed, found
                break
    return _written(task.at(current.constants).form, formula, current.covariance, held)


def _stays(task: ValueConstants, constants: Floats) -> ValueFit | None:
    """All constants held: nothing to fit."""
    found = task._projected(constants)
    if found is None:
        return None
    unknown = np.full((len(constants), len(constants)), np.nan)
    return ValueFit(constants, unknown, found[0] ** 2)


def _written(
    form: Form, formula: Formula, covariance: Floats, fixed: npt.NDArray[np.bool_] | None
) -> Formula:
    text = form.filled().text(list(formula.names))
    found = Formula(text, formula.names, formula.loss, formula.ranges, formula.labels)
    if len(found.constants) == len(covariance):
        values = [constant.value for constant in found.constants]
        found.constants = Constants(values, covariance, None if fixed is None else list(fixed))
    return found


def boxes(X: Floats) -> npt.NDArray[np.intp]:
    """Each row's box, (n,): halved again and again at the median of the widest column."""
    spread = X.std(axis=0)
    scaled = X / np.where(spread > 0, spread, 1.0)
    box = np.zeros(len(X), dtype=np.intp)
    for _ in range(BOXES):
        upper = np.zeros(len(X), dtype=bool)
        for own in np.unique(box):
            rows = np.flatnonzero(box == own)
            column = scaled[rows, np.argmax(np.ptp(scaled[rows], axis=0))]
            upper[rows] = column > np.median(column)
        box = 2 * box + upper
    return np.unique(box, return_inverse=True)[1].astype(np.intp)


def _spline(T: Floats) -> tuple[Floats, Floats]:
    """Cubic B-splines of T between its ends, and their derivatives, (n, KNOTS + 3) each."""
    from scipy.interpolate import BSpline

    inner = np.quantile(T, np.linspace(0, 1, KNOTS + 1))
    knots = np.concatenate([[inner[0]] * 3, _apart(inner), [inner[-1]] * 3])
    count = len(knots) - 4
    splines = BSpline(knots, np.eye(count), 3)
    return np.asarray(splines(T)), np.asarray(splines.derivative()(T))


def _apart(knots: Floats) -> Floats:
    """Without those that are equal, as where T has few values."""
    return np.unique(knots)


def _clustered(J: Floats, residuals: Floats, box: npt.NDArray[np.intp]) -> Floats:
    """Covariance of least squares whose errors go together within boxes; NaN where the rows do not
    determine all constants."""
    sums = np.zeros((int(box.max()) + 1, J.shape[1]))
    np.add.at(sums, box, J * residuals[:, None])
    count = len(sums)
    with np.errstate(all="ignore"):
        moved = sums @ inverse(J.T @ J)  # what each box moves the constants by
        covariance: Floats = moved.T @ moved * (count / max(1, count - 1))
    return covariance if np.isfinite(covariance).all() else np.full_like(covariance, np.nan)
