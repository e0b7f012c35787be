"""The monotone function phi between a formula and the neuron it explains, f = phi(T).

Unit gradients say nothing about phi; it is fitted afterwards, in one dimension: isotonic first,
then as a closed form, and for a classifier the threshold of T where phi is 0 (probability 1/2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

from closedform import _core
from closedform._typing import Floats
from closedform.formulas.formula import Formula
from closedform.searches.objectives import Values
from closedform.searches.settings import Settings
from closedform.searches.values import search_values
from closedform.tables import checks
from closedform.tables.checks import Matrix
from closedform.tables.rows import mean_ranks

VARIABLE = "T"
# No part of a function that only rises.
OSCILLATING = frozenset(name for name, known in _core.OPERATORS.items() if known.periodic)
POINTS = 2000  # at which a closed form is checked to rise
# A closed form whose mean squared error is at most so many times that of the isotonic fit, on rows
# that one was not fitted to, says as much.
AS_GOOD = 1.1


@dataclass(frozen=True)
class Isotonic:
    """A rising function of one variable: linear between knots, constant outside them.

    Attributes:
        at: (k,) rising positions.
        values: (k,) values there, not falling.
    """

    at: Floats
    values: Floats

    def __call__(self, t: npt.ArrayLike) -> Floats:
        return np.asarray(np.interp(np.asarray(t, dtype=np.float64), self.at, self.values))


@dataclass(frozen=True)
class MonotoneLink:
    """phi: the neuron's value as a rising function of a formula's.

    Attributes:
        formula: phi as a closed form in T; None where none that rises comes near the isotonic fit.
        isotonic: phi fitted without any form.
    """

    formula: Formula | None
    isotonic: Isotonic

    def __call__(self, t: npt.ArrayLike) -> Floats:
        """phi at t, by the closed form if there is one; the shape of t."""
        if self.formula is None:
            return self.isotonic(t)
        values = np.asarray(t, dtype=np.float64)
        return self.formula._expression.evaluate(values.reshape(-1, 1)).reshape(values.shape)


def isotonic(t: Floats, f: Floats, weights: Floats | None = None) -> Isotonic:
    """The rising function of t nearest to f in (weighted) squares.

    Args:
        t, f: (n,) float64.
        weights: (n,) positive, or None.
    """
    at, group = np.unique(t, return_inverse=True)
    w = np.bincount(group, weights)
    sums = np.bincount(group, f if weights is None else f * weights)
    fitted = isotonic_regression(sums / w, weights=w)
    knots = np.unique(np.concatenate([fitted.blocks[:-1], fitted.blocks[1:] - 1]))
    return Isotonic(at[knots], fitted.x[knots])


def fit_link(t: Floats, f: Floats, weights: Floats | None, settings: Settings) -> MonotoneLink:
    """phi of f = phi(t), isotonic and as a closed form.

    The closed form is the smallest, among the formulas of a one-dimensional search that rise from
    the smallest t to the largest, that is as good as the isotonic fit; where one is exact, the
    smallest exact one. A larger one would follow the errors of T, which are no function of T.

    Args:
        t, f: (n,) float64, values of the formula and of the neuron.
        weights: (n,) or None.
        settings: of the search; operators that oscillate are left out, and the engine is the native
            one, on the CPU.
    """
    positive = None if weights is None else np.maximum(weights, 1e-12 * weights.max())
    steps = isotonic(t, f, positive)
    usable = tuple(name for name in settings.operators if name not in OSCILLATING)
    if not usable or steps.at[0] == steps.at[-1] or np.all(f == f[0]):
        return MonotoneLink(None, steps)
    table = Matrix(np.ascontiguousarray(t[:, None]), (VARIABLE,))
    plain = replace(settings, operators=usable, backend="native", options={}, on_device=False)
    if weights is not None:
        weights = checks.weights(weights, len(t))
    objective = Values(f, weights)
    front = search_values(table, objective, plain).of_data(None, table.values)
    rising = [formula for formula in front if rises(formula, steps.at[0], steps.at[-1])]
    for enough in (objective.exact, AS_GOOD * _held_out_error(t, f, positive)):
        for formula in rising:
            if formula.loss <= enough:
                return MonotoneLink(formula, steps)
    return MonotoneLink(None, steps)


def _held_out_error(t: Floats, f: Floats, weights: Floats | None) -> float:
    """Mean squared error of isotonic fits to every second row, in the order of t, at the others.

    Where the errors are smaller than f's steps from row to row, an isotonic fit follows the rows it
    was fitted to one by one, and says nothing about them.
    """
    w = np.ones(len(t)) if weights is None else weights
    halves = [np.argsort(t, kind="stable")[k::2] for k in range(2)]
    squares = [
        w[out] @ (isotonic(t[fitted], f[fitted], w[fitted])(t[out]) - f[out]) ** 2
        for fitted, out in (halves, halves[::-1])
    ]
    return float(sum(squares) / w.sum())


def rises(formula: Formula, low: float, high: float) -> bool:
    """Whether a formula of one variable is defined and does not fall anywhere in [low, high]."""
    values = formula(np.linspace(low, high, POINTS)[:, None])
    if not np.all(np.isfinite(values)) or values[-1] <= values[0]:
        return False
    return bool(np.all(np.diff(values) >= -1e-12 * (values[-1] - values[0])))


def threshold(t: Floats, positive: npt.NDArray[np.bool_]) -> float | None:
    """The T above which rows are positive, so that the most rows come out right.

    Every cut between two neighbouring values of t is tried. Cuts that are equally right, where they
    are next to each other, are one gap; of several gaps the widest counts, and the threshold is its
    middle.

    Args:
        t: (n,) float64.
        positive: (n,) classes.

    Returns:
        None where all rows are of one class, or no cut separates better than none does.
    """
    at, group = np.unique(t, return_inverse=True)
    up = np.bincount(group, positive, minlength=len(at))
    all_of = np.bincount(group, minlength=len(at))
    # right[k]: rows on the right side of the cut below at[k]; at the ends there is no cut.
    below = np.concatenate([[0], np.cumsum(all_of - up)])
    above = np.concatenate([[0], np.cumsum(up)])
    right = below + (above[-1] - above)
    inner = right[1:-1]
    if len(inner) == 0 or inner.max() <= max(right[0], right[-1]):
        return None
    best = np.flatnonzero(inner == inner.max())
    runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    low, high = max(
        ((at[run[0]], at[run[-1] + 1]) for run in runs), key=lambda gap: gap[1] - gap[0]
    )
    return float(0.5 * (low + high))


def rank_correlation(a: Floats, b: Floats) -> float:
    """Spearman's: the correlation of the ranks, equal values sharing their mean rank; NaN where one
    of them is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan
    return float(np.corrcoef(mean_ranks(a), mean_ranks(b))[0, 1])
