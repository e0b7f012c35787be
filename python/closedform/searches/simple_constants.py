"""Constants as simple numbers, where the data agree and the description becomes shorter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import monotonic

import numpy as np

from closedform._typing import Floats
from closedform.formulas.formula import Formula
from closedform.formulas.places import still_held
from closedform.formulas.simple_values import near, simple_value
from closedform.searches import interruption
from closedform.searches.judged import Judged, Sample, fitted, judged, precise_nats

WITHIN = 3.0  # standard errors
ROUNDING = 1e-14  # of the values, over the largest
TRIED = 5  # simple numbers near a constant


def with_simple_constants(
    one: Judged, sample: Sample, symbols: int, operators: Sequence[str], ends: float
) -> Judged:
    """The same formula, one measured constant after another set to a simple number within three
    standard errors, the others fitted again, as long as that describes the data shorter.

    A constant that becomes 0 or 1 may take nodes with it.
    """
    improved = True
    while improved and monotonic() < ends and not interruption.requested():
        improved = False
        for k in np.flatnonzero(~np.array(one.fixed, dtype=bool)):
            trial = _set(one, int(k), sample, symbols, operators, ends)
            if trial is not None:
                one, improved = trial, True
                break
    return _said_so(one, sample)


def _said_so(one: Judged, sample: Sample) -> Judged:
    """Constants that are simple numbers but for rounding, 6.999999999999978 for one, as those."""
    expression = one.formula._expression
    simple = [simple_value(value) for value in expression.constants]
    plain = [
        value if fixed is None else fixed.value
        for value, fixed in zip(expression.constants, simple, strict=True)
    ]
    if plain == list(expression.constants):
        return one
    rounded = expression.with_constants(plain)
    before, after = expression.evaluate(sample.X, 1), rounded.evaluate(sample.X, 1)
    size = ROUNDING * float(np.abs(before).max(initial=0.0))
    alike = len(rounded.constants) == len(plain) and np.abs(after - before).max(initial=0.0) <= size
    if not alike:  # nor where they are no numbers
        return one
    names = one.formula.names
    return replace(one, formula=Formula(rounded.text(list(names)), names, one.formula.loss))


def _set(
    one: Judged, k: int, sample: Sample, symbols: int, operators: Sequence[str], ends: float
) -> Judged | None:
    """The first simple number for one constant that makes the description shorter."""
    values = np.array(one.formula._expression.constants)
    error = one.constants()[k].standard_error
    if not np.isfinite(error) and one.information[k, k] > 0:
        error = float(one.information[k, k]) ** -0.5
    if not np.isfinite(error):
        return None
    held = [fixed or i == k for i, fixed in enumerate(one.fixed)]
    measured = precise_nats(float(values[k]), float(one.information[k, k]) * sample.share)
    for simple in near(float(values[k]), WITHIN * float(error))[:TRIED]:
        if monotonic() > ends or interruption.requested():
            return None
        if simple.nats >= measured:
            continue
        moved = _moved(values, k, simple.value, one.information, one.fixed)
        expression = one.formula._expression.with_constants(moved.tolist())
        still = still_held(held, one.formula._expression, expression)
        if one.noise.kind == "absolute" and sample.share == 1.0:
            expression, _ = expression.refit(sample.X, sample.y, sample.counts, fixed=still)
        else:
            expression, _ = fitted(expression, one.noise, sample, ends, still)
        names = one.formula.names
        formula = Formula(expression.text(list(names)), names, one.formula.loss)
        simplified = formula.simplified(operators)
        if simplified.complexity <= formula.complexity:
            formula = simplified
        every = [True] * len(formula.constants)
        trial = judged(formula, one.noise, sample, symbols, ends, held=every, unseen=one.unseen)
        if trial.length < one.length:
            return trial
    return None


def _moved(values: Floats, k: int, to: float, information: Floats, fixed: Sequence[bool]) -> Floats:
    """The other measured constants where they are best once one is set, to first order."""
    moved = values.copy()
    moved[k] = to
    others = [i for i, still in enumerate(fixed) if not still and i != k]
    if others:
        # In units of their own standard errors: the squares of very different ones are no numbers.
        size = np.sqrt(np.diagonal(information))
        size[~(size > 0)] = 1.0
        with np.errstate(all="ignore"):
            scaled = information / np.outer(size, size)
            push = scaled[others, k] * (size[k] * (to - values[k]))
        own = scaled[np.ix_(others, others)]
        if np.isfinite(own).all() and np.isfinite(push).all():
            moved[others] -= np.linalg.lstsq(own, push, rcond=None)[0] / size[others]
    return moved
