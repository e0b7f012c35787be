"""The constants of the formula chosen for a neuron: from its values, then simple."""

from __future__ import annotations

import math

from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.neurons.unit_gradients import UnitGradients
from closedform.pipelines.simple_rule import with_simple_constants
from closedform.pipelines.value_constants import with_constants_of_values, with_simple_values
from closedform.searches.objectives import Directions
from closedform.searches.settings import Settings
from closedform.searches.steepest_drop import PARALLEL

# Times the loss of its gradients: a formula whose constants its values move farther is another.
MOST = 2.0


def with_constants(
    front: Front, rows: UnitGradients, directions: Directions, settings: Settings, *, single: bool
) -> Front:
    """The front with the constants of its best formula measured; its loss is that of the text.

    Args:
        rows: values of the neuron, and classes of a classifier.
        directions: at the rows searched.
        single: whether all rows are of one network: values of several are not of one scale, and
            only the rule of a classifier says then which numbers are simple.
    """
    best = front.best
    if not best.constants:
        return front
    if single:
        weights = rows.weights
        if rows.F is not None:
            soft = rows.F * (1 - rows.F)
            weights = soft if weights is None else weights * soft
        measured = with_constants_of_values(best, rows.X, rows.f, weights)
        tried = [with_simple_values(measured, rows.X, rows.f, weights), measured]
    elif rows.F is not None:
        tried = [with_simple_constants(best, rows.X, rows.F > 0.5, settings.every_operator)]
    else:
        return front
    most = MOST * best.loss + PARALLEL if single else math.inf
    for formula in tried:
        rated = scored(formula, best, rows, directions, settings)
        if rated.loss <= most and rated.complexity <= settings.max_size:
            return front.written(rated if other is best else other for other in front)
    return front


def scored(
    formula: Formula,
    best: Formula,
    rows: UnitGradients,
    directions: Directions,
    settings: Settings,
) -> Formula:
    """A formula written in place of the best one, with the loss of its text."""
    plain = formula.simplified(settings.every_operator)
    loss = directions.goal.loss(plain.text, plain.names, rows.X, settings.threads or 0)
    found = Formula(plain.text, plain.names, loss, best.ranges, best.labels)
    if len(found.constants) == len(formula.constants):
        found.constants = formula.constants
    return found
