"""The monotone function phi between a formula and the neuron it explains, f = phi(T).

Unit gradients say nothing about phi; it is fitted afterwards, in one dimension: isotonic first,
then as a closed form, and for a classifier the threshold of T where phi is 0 (probability 1/2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
DIGITS = 4  # after which a number in a range would have been found, but for rounding
WIDEST = 1e300  # between numbers of which a power of ten can be a step
POINTS = 2000  # at which a closed form is checked to rise
# A closed form whose mean squared error is at most so many times that of the isotonic fit, on rows
# that one was not fitted to, says as much.
AS_GOOD = 1.1


@dataclass(frozen=True)
class Isotonic:
    """A function of one variable: linear between knots, constant outside them.

    Attributes:
        at: (k,) rising positions.
        values: (k,) values there, not falling unless the link has extrema.
    """

    at: Floats
    values: Floats

    def __call__(self, t: npt.ArrayLike) -> Floats:
        return np.asarray(np.interp(np.asarray(t, dtype=np.float64), self.at, self.values))


@dataclass(frozen=True)
class MonotoneLink:
    """phi: the neuron's value as a function of a formula's that rises, or that is monotone between
    its extrema.

    Attributes:
        formula: phi as a closed form in T; None where none comes near the isotonic fit.
        isotonic: phi fitted without any form.
        extrema: the values of T where phi turns around; none where it rises.
    """

    formula: Formula | None
    isotonic: Isotonic
    extrema: tuple[float, ...] = ()

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


def between(
    t: Floats, f: Floats, weights: Floats | None, extrema: Sequence[float], rising: bool
) -> Isotonic:
    """The function of t nearest to f in squares that turns around at the extrema and nowhere else.

    Args:
        rising: what it does first.
    """
    piece = np.searchsorted(np.asarray(extrema), t)
    at, values = [], []
    for k in range(len(extrema) + 1):
        own = piece == k
        if own.any():
            sign = 1.0 if rising == (k % 2 == 0) else -1.0
            part = isotonic(t[own], sign * f[own], None if weights is None else weights[own])
            at.append(part.at)
            values.append(sign * part.values)
    return Isotonic(np.concatenate(at), np.concatenate(values))


def fit_link(
    t: Floats,
    f: Floats,
    weights: Floats | None,
    settings: Settings,
    extrema: tuple[float, ...] = (),
    rising: bool = True,
) -> MonotoneLink:
    """phi of f = phi(t), isotonic and as a closed form.

    The closed form is the smallest, among the formulas of a one-dimensional search that rise from
    the smallest t to the largest (that are defined between, where there are extrema), that is as
    good as the isotonic fit; where one is exact, the smallest exact one. A larger one would follow
    the errors of T, which are no function of T.

    Args:
        t, f: (n,) float64, values of the formula and of the neuron.
        weights: (n,) or None.
        settings: of the search; operators that oscillate are left out where phi rises, and the
            engine is the native one, on the CPU.
        extrema, rising: where phi turns around, and whether it rises first.
    """

    def nearest(t: Floats, f: Floats, weights: Floats | None) -> Isotonic:
        return between(t, f, weights, extrema, rising)

    positive = None if weights is None else np.maximum(weights, 1e-12 * weights.max())
    steps = nearest(t, f, positive)
    barred = frozenset() if extrema else OSCILLATING
    usable = tuple(name for name in settings.operators if name not in barred)
    if not usable or steps.at[0] == steps.at[-1] or np.all(f == f[0]):
        return MonotoneLink(None, steps, extrema)
    table = Matrix(np.ascontiguousarray(t[:, None]), (VARIABLE,))
    plain = replace(
        settings.of_other_columns(),
        operators=usable,
        words=None,
        backend="native",
        options={},
        device="cpu",
    )
    if weights is not None:
        weights = checks.weights(weights, len(t))
    objective = Values(f, weights)
    front = search_values(table, objective, plain).of_data(None, table.values)
    may_be = _defined if extrema else rises
    usual = [formula for formula in front if may_be(formula, steps.at[0], steps.at[-1])]
    for enough in (objective.exact, AS_GOOD * _held_out_error(t, f, positive, nearest)):
        for formula in usual:
            if formula.loss <= enough:
                return MonotoneLink(formula, steps, extrema)
    return MonotoneLink(None, steps, extrema)


def _held_out_error(
    t: Floats,
    f: Floats,
    weights: Floats | None,
    nearest: Callable[[Floats, Floats, Floats | None], Isotonic],
) -> float:
    """Mean squared error of isotonic fits to every second row, in the order of t, at the others.

    Where the errors are smaller than f's steps from row to row, an isotonic fit follows the rows it
    was fitted to one by one, and says nothing about them.
    """
    w = np.ones(len(t)) if weights is None else weights
    halves = [np.argsort(t, kind="stable")[k::2] for k in range(2)]
    squares = [
        w[out] @ (nearest(t[fitted], f[fitted], w[fitted])(t[out]) - f[out]) ** 2
        for fitted, out in (halves, halves[::-1])
    ]
    return float(sum(squares) / w.sum())


def rises(formula: Formula, low: float, high: float) -> bool:
    """Whether a formula of one variable is defined and does not fall anywhere in [low, high]."""
    values = formula(np.linspace(low, high, POINTS)[:, None])
    if not np.all(np.isfinite(values)) or values[-1] <= values[0]:
        return False
    return bool(np.all(np.diff(values) >= -1e-12 * (values[-1] - values[0])))


def _defined(formula: Formula, low: float, high: float) -> bool:
    return bool(np.isfinite(formula(np.linspace(low, high, POINTS)[:, None])).all())


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


def simple_threshold(t: Floats, positive: npt.NDArray[np.bool_], cut: float) -> float:
    """The number of the fewest digits near a cut that decides as well as it.

    Between two cuts the rows between them decide: a cut is as good where it is wrong at no more of
    them than it is right at, by two standard errors of that difference (McNemar 1947), and so are
    all cuts between. The formula's values at the ends of that range are not crossed.

    Args:
        t: (n,) float64.
        positive: (n,) classes.
        cut: of `threshold`.
    """
    low = _as_good(cut - t[t <= cut], ~positive[t <= cut])
    high = _as_good(t[t > cut] - cut, positive[t > cut])
    ends = cut - low, cut + high
    if ends[0] <= 0.0 < ends[1]:
        return 0.0
    width = ends[1] - ends[0]
    if not 0.0 < width < WIDEST:  # the cut is as round as a float is
        return cut
    step = 10.0 ** math.ceil(math.log10(width))
    for _ in range(DIGITS):
        multiple = min(max(round(cut / step), math.ceil(ends[0] / step)), ends[1] // step)
        nearest = float(f"{step * multiple:.12g}")
        if ends[0] <= nearest < ends[1]:
            return nearest
        step /= 10.0
    return cut


def _as_good(distance: Floats, right: npt.NDArray[np.bool_]) -> float:
    """How far a cut may be moved over rows at these distances, those it gets right until then."""
    order = np.argsort(distance, kind="stable")
    d = distance[order]
    lost = np.cumsum(np.where(right[order], 1, -1))
    count = np.arange(1, len(d) + 1)
    worse = np.flatnonzero(lost > 2.0 * np.sqrt(count))
    if len(worse):
        return float(d[worse[0]])
    return float(d[-1]) if len(d) else 0.0


def rank_correlation(a: Floats, b: Floats) -> float:
    """Spearman's: the correlation of the ranks, equal values sharing their mean rank; NaN where one
    of them is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan
    return float(np.corrcoef(mean_ranks(a), mean_ranks(b))[0, 1])
