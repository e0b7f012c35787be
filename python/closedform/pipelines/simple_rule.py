"""A classifier's constants as simple numbers, where its rule stays what it was."""

from __future__ import annotations

import math

import numpy as np

from closedform._typing import Floats
from closedform.formulas.formula import Formula
from closedform.formulas.simple_values import near, simple_value
from closedform.pipelines.monotone_link import threshold
from closedform.pipelines.pieces import Flags

WITHIN = 0.05  # of a constant: so far off are those of trained networks' gradients
NATS = -math.log(WITHIN)  # what is known of a constant: a number longer to write is not simpler


def with_simple_constants(
    formula: Formula, X: Floats, positive: Flags, operators: tuple[str, ...]
) -> Formula:
    """The formula with its constants set to simple numbers, one after another, as long as it
    decides the rows as well: the rows it loses are at most two standard errors of those lost less
    those gained (McNemar 1947), its threshold fitted anew.

    A network's gradients know a constant to a few per cent; which of the numbers there is meant
    they do not say.

    Args:
        X: (n, d) rows. positive: (n,) the network's classes there.
        operators: that the formula may be written with.
    """
    before = _right(formula, X, positive)
    if before is None:
        return formula
    names, values = formula.names, list(formula._expression.constants)
    for k, value in enumerate(values):
        if simple_value(value) is not None:
            continue
        for simple in near(value, WITHIN * abs(value)):
            if simple.nats > NATS:
                break
            trial = [*values[:k], simple.value, *values[k + 1 :]]
            text = formula._expression.with_constants(trial).text(list(names))
            right = _right(Formula(text, names), X, positive)
            if right is None:
                continue
            lost, gained = int(np.sum(before & ~right)), int(np.sum(right & ~before))
            if lost - gained <= 2.0 * math.sqrt(lost + gained):
                values = trial
                break
    text = formula._expression.with_constants(values).text(list(names))
    return Formula(text, names, formula.loss).simplified(operators)


def _right(formula: Formula, X: Floats, positive: Flags) -> Flags | None:
    """Rows decided as the network does; None where no threshold decides anything."""
    t = formula._expression.evaluate(X)
    defined = np.isfinite(t)
    cut = threshold(t[defined], positive[defined])
    return None if cut is None else np.asarray((t > cut) == positive)
