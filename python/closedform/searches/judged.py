"""A formula under a noise model at some rows: its constants, their errors, and its length in nats.

The description length of Bartlett, Desmond and Ferreira, "Exhaustive symbolic regression" (2023):
the data, -log density; every node, the log of how many symbols there are to choose from, for the
search tried them; every constant, to the precision that the data give it (Rissanen 1978; by its
Fisher information), or as the simple number that it is, whichever is shorter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from time import monotonic

import numpy as np
import numpy.typing as npt

from closedform import _core
from closedform._typing import FloatMatrix, Floats
from closedform.formulas.constants import Constants
from closedform.formulas.fit import measured
from closedform.formulas.formula import Formula
from closedform.formulas.noise import Logarithmic, Noise, Parameters, resolution
from closedform.formulas.places import constants_at_places, still_held
from closedform.formulas.simple_values import simple_value
from closedform.searches import interruption
from closedform.searches.aliases import aliased
from closedform.searches.effective_rows import Neighbours, neighbours_of
from closedform.searches.input_errors import InputErrors, fitted_with_inputs
from closedform.searches.objectives import Values
from closedform.searches.towers import TOWER, towers
from closedform.tables.rows import sample_rows

MOST_ROWS = 4000  # more add time, not certainty
FEW_ROWS = 30  # below these a row's density is that without it
ROUNDS = 12  # of reweighting
MOST_WEIGHT = 1e280  # what is squared and summed has to stay a number
# Simple numbers up to so many nats are taken for part of the form before anything is fitted.
PLAIN = math.log(13.0)


@dataclass(frozen=True)
class Sample:
    """Rows that formulas are judged on.

    Attributes:
        X: (n, d) float64. y: (n,). counts: (n,) how often each row counts.
        noises: the models allowed, at these rows.
        own: how many columns are the user's, and say what is near; None for all.
        share: these rows' counts over all rows'.
        weights: (n,) of the squares that losses are made of.
    """

    X: Floats
    y: Floats
    counts: Floats
    noises: tuple[Noise, ...]
    own: int | None
    share: float
    weights: Floats

    @cached_property
    def neighbours(self) -> Neighbours | None:
        """Of the rows; None where there are too few to say."""
        return neighbours_of(self.X[:, : self.own]) if len(self.y) > 3 else None


@dataclass(frozen=True)
class Judged:
    """A formula under one noise model.

    Attributes:
        formula: with the constants that the model fits best.
        source: as it was given.
        noise, parameters: the model, and what of it was fitted.
        data: -log density of the rows, and 1/2 log n for each parameter of the model (Rissanen
            1978): one of more may not beat the constant by them.
        unseen: nats that all rows add to it beyond the sample.
        structure: nats of its nodes and constants.
        residuals: (n,) over their standard errors, at the rows of the sample.
        information: (k, k) expected Fisher information of the constants, of all rows.
        fixed: which constants say the same in fewer symbols as simple numbers.
        freedom: degrees of freedom of the residuals, of all rows; inf where the noise is known.
    """

    formula: Formula
    source: Formula
    noise: Noise
    parameters: Parameters
    data: float
    unseen: float
    structure: float
    residuals: Floats
    information: Floats
    fixed: tuple[bool, ...]
    freedom: float

    @property
    def length(self) -> float:
        return self.data + self.structure

    def constants(self) -> Constants:
        """With their standard errors."""
        values = self.formula._expression.constants
        return measured(values, self.information, self.fixed, self.freedom)


def sample_of(X: FloatMatrix, objective: Values, seed: int, own: int | None = None) -> Sample:
    """The rows that formulas of an objective are judged on: at most 4,000, drawn, in their order;
    those that weigh nothing are none, and copies of a row are one.

    own: how many columns are the user's (`Matrix.own`), and say what is near; None for all.
    """
    weights = objective.counts
    weighed = None if weights is None else np.flatnonzero(weights)
    rows = len(objective.y) if weighed is None else len(weighed)
    drawn = np.sort(sample_rows(rows, MOST_ROWS, np.random.default_rng(seed)))
    if weighed is not None:
        drawn = weighed[drawn]
    if objective.moved is not None:
        drawn = drawn[np.argsort(objective.moved.numbers(drawn))]
    chosen_X = np.ascontiguousarray(X[drawn], dtype=np.float64)
    chosen_y = objective.y[drawn]
    counts = np.ones(len(drawn)) if weights is None else weights[drawn]
    share = len(drawn) / rows
    if weights is not None:
        counts, share = _counted(counts), float(counts.sum() / weights.sum())
    first = _without_copies(chosen_X, chosen_y)
    if len(first) < len(chosen_y):
        drawn, chosen_X = drawn[first], chosen_X[first]
        chosen_y, counts = chosen_y[first], counts[first]
    return Sample(
        np.ascontiguousarray(chosen_X),
        chosen_y,
        counts,
        tuple(
            replace(noise.at(drawn), rounding=resolution(chosen_y)) for noise in objective.noises
        ),
        own,
        share,
        np.ones(len(drawn)) if objective.weights is None else objective.weights[drawn],
    )


def _counted(weights: Floats) -> Floats:
    """How many rows each weight stands for: itself where all are whole numbers. Others say how rows
    weigh beside one another, together as much as (sum w)^2 / sum w^2 equal ones (Kish 1965)."""
    if np.all(weights == np.round(weights)):
        return weights
    scaled = weights / weights.max()
    counts: Floats = scaled * (scaled.sum() / (scaled @ scaled))
    return counts


def _without_copies(X: Floats, y: Floats) -> npt.NDArray[np.intp]:
    """The first of equal rows, inputs and target. Where few different targets are repeated, as
    classes and counts are, rows that are equal are no copies."""
    rows = np.column_stack([X, y])
    _, first = np.unique(rows, axis=0, return_index=True)
    if len(np.unique(y)) < 0.5 * len(first):
        return np.arange(len(y))
    return np.sort(first)


def judged(
    formula: Formula,
    noise: Noise,
    sample: Sample,
    symbols: int,
    ends: float,
    *,
    held: Sequence[bool] | None = None,
    unseen: float | None = None,
) -> Judged:
    """How long the data's description is with a formula.

    Args:
        symbols: that every node is one of.
        ends: when fitting is over, by time.monotonic.
        held: constants that stay as they are, one for each; None for those that are plain numbers.
        unseen: what all rows add; None where the formula's loss is that on all rows.
    """
    source, expression = formula, formula._expression
    if held is None:
        held = [_is_plain(value) for value in expression.constants]
    expression, parameters = fitted(expression, noise, sample, ends, held)
    if expression is not formula._expression:
        text = expression.text(list(formula.names))
        formula = Formula(text, formula.names, formula.loss, formula.ranges, formula.labels)
    values = expression.constants
    noise, X, y = noise.seen(expression, sample.X, sample.y, parameters)
    f = expression.evaluate(X, 1)
    slopes = expression.constant_slopes(X, 1)
    total = float(sample.counts.sum())
    with np.errstate(all="ignore"):
        scaled = slopes * (np.sqrt(sample.counts) / noise.spread(f, parameters))[:, None]
        information = scaled.T @ scaled
        residuals = noise.residuals(y, f, parameters)
        costs = noise.costs(y, f, parameters)
        if total < FEW_ROWS and noise.free:
            costs = _left_out(costs, residuals, scaled, total)
    of_sample = isinstance(noise, InputErrors)  # its constants, not those of all rows
    data, structure, fixed = math.inf, 0.0, tuple(False for _ in values)
    finite = bool(np.isfinite(f).all() and np.isfinite(information).all())
    defined = finite and not aliased(expression, sample.X)
    if defined and len(values) + 1 < total and np.isfinite(costs).all():
        if unseen is None:
            unseen = 0.0 if of_sample else _unseen(formula.loss, f, sample, total)
        data = float(sample.counts @ costs) + unseen + 0.5 * noise.free * math.log(total)
        nats, fixed = _constants_length(values, information)
        structure = formula.complexity * math.log(symbols) + nats + _exponents_length(expression)
        structure += TOWER * towers(expression)
    share = 1.0 if of_sample else sample.share
    information = information / share
    return Judged(
        formula,
        source,
        noise,
        parameters,
        data,
        unseen or 0.0,
        structure,
        residuals,
        information,
        fixed,
        max(total / share - len(values), 1.0) if noise.free else math.inf,
    )


def _unseen(loss: float, f: Floats, sample: Sample, total: float) -> float:
    """What the loss on all rows says beyond the sample: few rows that it missed are heard."""
    own = float(sample.weights @ (sample.y - f) ** 2 / sample.weights.sum())
    if sample.share == 1.0 or not (0.0 < loss < math.inf and own > 0.0):
        return 0.0
    return 0.5 * total * math.log(loss / own)


def _is_plain(value: float) -> bool:
    simple = simple_value(value)
    return simple is not None and simple.nats <= PLAIN


def fitted(
    expression: _core.Expression,
    noise: Noise,
    sample: Sample,
    ends: float,
    held: Sequence[bool],
) -> tuple[_core.Expression, Parameters]:
    """Constants that are not held and the model's parameters by turns, while the density grows.

    Where the rows are a sample, the constants stay those that all rows gave, unless inputs have
    errors.
    """
    if isinstance(noise, InputErrors):
        with np.errstate(all="ignore"):
            return fitted_with_inputs(
                expression, noise, sample.X, sample.y, sample.counts, ends, held
            )
    f = expression.evaluate(sample.X, 1)
    with np.errstate(all="ignore"):
        parameters = noise.parameters(sample.y, f, sample.counts, len(held))
    if sample.share < 1.0 or all(held) or noise.kind == "absolute":
        return expression, parameters
    if isinstance(noise, Logarithmic) and noise.turn == 0.0:
        return _fitted_logarithm(expression, noise, sample, held)
    cost = _cost(noise, sample, f, parameters)
    for _ in range(ROUNDS):
        if monotonic() > ends or interruption.requested() or not math.isfinite(cost):
            break
        with np.errstate(all="ignore"):
            response, weights = noise.working(sample.y, f, parameters)
        weights = np.minimum(weights * sample.counts, MOST_WEIGHT)
        if not (np.isfinite(response).all() and np.isfinite(weights).all() and weights.any()):
            break
        scaled = weights / weights.max()
        trial, _ = expression.refit(sample.X, response, scaled, fixed=list(held))
        f = trial.evaluate(sample.X, 1)
        with np.errstate(all="ignore"):
            after = noise.parameters(sample.y, f, sample.counts, len(held))
        trial_cost = _cost(noise, sample, f, after)
        if not trial_cost < cost:
            break
        gained = cost - trial_cost
        held = still_held(held, expression, trial)
        expression, parameters, cost = trial, after, trial_cost
        if gained < 1e-3:
            break
    return expression, parameters


def _fitted_logarithm(
    expression: _core.Expression, noise: Logarithmic, sample: Sample, held: Sequence[bool]
) -> tuple[_core.Expression, Parameters]:
    """In one go: the logarithm of the formula, fitted to that of the target."""
    names = [f"x{j + 1}" for j in range(sample.X.shape[1])]
    text = expression.text(names)
    try:
        logarithm = _core.Expression(f"log({text})", names)
    except ValueError:  # as large as an expression can be
        logarithm = None
    if logarithm is not None:
        inner, loss = logarithm.refit(sample.X, np.log(sample.y), sample.counts, fixed=list(held))
        if math.isfinite(loss):
            expression = expression.with_constants(constants_at_places(expression, inner))
    f = expression.evaluate(sample.X, 1)
    with np.errstate(all="ignore"):
        return expression, noise.parameters(sample.y, f, sample.counts, len(held))


def density_cost(formula: Formula, noise: Noise, sample: Sample) -> float:
    """-log density of the rows, the formula as it is; infinite where it is not defined."""
    noise, _, _ = noise.seen(formula._expression, sample.X, sample.y, None)
    f = formula._expression.evaluate(sample.X, 1)
    with np.errstate(all="ignore"):
        parameters = noise.parameters(sample.y, f, sample.counts, len(formula.constants))
    return _cost(noise, sample, f, parameters)


def _cost(noise: Noise, sample: Sample, f: Floats, parameters: Parameters) -> float:
    if not np.isfinite(f).all() or not np.isfinite(parameters).all():
        return math.inf
    with np.errstate(all="ignore"):
        cost = float(sample.counts @ noise.costs(sample.y, f, parameters))
    return cost if math.isfinite(cost) else math.inf


def _left_out(costs: Floats, residuals: Floats, scaled: Floats, total: float) -> Floats:
    """-log density of each row by a fit to the others, (n,): of a linear fit that is Student's t.

    With few rows the residuals of a fit are much smaller than its errors. From the leverages (Cook
    and Weisberg, Residuals and Influence in Regression, 1982, section 2.2.1), the constants taken
    for linear near their best.

    scaled: (n, k) slopes by the constants over the rows' standard errors.
    """
    if not np.isfinite(scaled).all():
        return np.full(len(costs), np.inf)
    # Constants that others can stand for take nothing more from the rows.
    left, sizes, _ = np.linalg.svd(
        scaled / np.maximum(np.linalg.norm(scaled, axis=0), 1e-300), full_matrices=False
    )
    left = left[:, sizes > 1e-7]
    leverage = np.minimum((left**2).sum(axis=1), 1.0)
    freedom = total - left.shape[1] - 1.0
    if freedom <= 0 or (leverage > 1.0 - 1e-9).any():
        return np.full(len(costs), np.inf)
    # In units of the fitted scale: s^2 without the row, and the row's residual over its spread.
    without = ((freedom + 1.0) - residuals**2 / (1.0 - leverage)) / freedom
    without = np.maximum(without, 1e-6)
    spread = np.sqrt(without / (1.0 - leverage))
    t = residuals / (1.0 - leverage) / spread
    student = (
        0.5 * (freedom + 1.0) * np.log1p(t**2 / freedom)
        + 0.5 * math.log(freedom * math.pi)
        + math.lgamma(0.5 * freedom)
        - math.lgamma(0.5 * (freedom + 1.0))
        + np.log(spread)
    )
    normal = 0.5 * residuals**2 + 0.5 * math.log(2.0 * math.pi)
    replaced: Floats = costs - normal + student
    return replaced


def precise_nats(value: float, information: float) -> float:
    """What it takes to say a constant as precisely as the data tell it (Bartlett et al. 2023); one
    that they cannot tell from zero has its sign."""
    if value == 0.0 or not information > 0.0:
        return math.log(2.0)
    return max(math.log(2.0), math.log(abs(value)) + 0.5 * math.log(information / 3.0))


def _constants_length(
    values: Sequence[float], information: Floats
) -> tuple[float, tuple[bool, ...]]:
    """Nats of the constants, each as precisely as the data tell it or as a simple number, and which
    are the latter."""
    total, fixed = 0.0, []
    for value, own in zip(values, np.diagonal(information), strict=True):
        precise = precise_nats(value, own)
        simple = simple_value(value)
        fixed.append(simple is not None and simple.nats <= precise)
        total += simple.nats if simple is not None and fixed[-1] else precise
    return total, tuple(fixed)


def _exponents_length(expression: _core.Expression) -> float:
    """Nats of the exponents that are part of the form."""
    simple = (simple_value(value) for value in expression.exponents)
    return sum(known.nats for known in simple if known is not None)
