"""Where on a formula's values a classifier's class is positive, and which factor of it decides."""

from __future__ import annotations

import numpy as np

from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.neurons.network import Network
from closedform.neurons.unit_gradients import UnitGradients
from closedform.pipelines import monotone_link, pieces
from closedform.pipelines.deciding_factor import deciding_factor
from closedform.pipelines.neuron_constants import scored
from closedform.pipelines.neuron_verdict import as_near
from closedform.pipelines.pieces import Flags, Interval
from closedform.searches.objectives import Directions
from closedform.searches.settings import Settings
from closedform.tables.checks import Matrix


def classes(net: Network, X: Matrix, threads: int | None) -> Flags | None:
    """(n,) where the class is positive; None where the neuron is no classifier's."""
    if net.probability(X.values[:1]) is None:
        return None
    return np.asarray(net.value(X.values, threads=threads) > 0)


def decision(
    formula: Formula, X: Matrix, classes: Flags | None, *, single: bool
) -> tuple[Interval, ...] | None:
    """Intervals of the formula's values; None without classes, or where all rows are of one.

    Args:
        single: above a threshold.
    """
    if classes is None:
        return None
    T = formula._expression.evaluate(X.values)
    defined = np.isfinite(T)
    t, above = T[defined], classes[defined]
    if not single:
        return pieces.level_set(t, above)
    cut = monotone_link.threshold(t, above)
    if cut is None:
        return None
    return ((monotone_link.simple_threshold(t, above, cut), np.inf),)


def single(decision: tuple[Interval, ...] | None) -> float | None:
    """The threshold, where a decision is one."""
    if decision is None or len(decision) != 1 or decision[0][1] != np.inf:
        return None
    return decision[0][0]


def with_factor(
    front: Front,
    X: Matrix,
    classes: Flags,
    rows: UnitGradients,
    directions: Directions,
    settings: Settings,
) -> Front:
    """The front with the factor that decides as its best, where the best one's threshold is 0 and
    the factor may be the concept by its gradients (`as_near`).

    Args:
        X: the rows searched, of these classes.
        rows, directions: those of them within the band.
    """
    best = front.best
    if single(decision(best, X, classes, single=True)) != 0.0:
        return front
    values = np.ascontiguousarray(X.values, dtype=np.float64)
    factor = deciding_factor(best, values, settings.every_operator)
    if factor is None:
        return front
    rated = scored(factor, best, rows, directions, settings)
    return front.with_chosen(rated) if as_near(rated.loss, best.loss) else front
