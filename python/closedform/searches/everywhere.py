"""The last stage of a search whose rows lie on a cluster: constants and losses on all of them.

A search sees a sample. Its formulas, those that keep their form, are fitted to all rows that may be
searched by Gauss-Newton's steps, whose normal equations the partitions add up: of all formulas in
one pass.
"""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TypeAlias

import numpy as np

from closedform import _core
from closedform._typing import Floats
from closedform.formulas.fit import measured
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.formulas.noise import Given, Noise, Parameters
from closedform.tables.chunks import Data
from closedform.tables.cluster import Part, Partitions
from closedform.tables.rows import row_blocks
from closedform.tables.tasks import NoAnswer

STEPS = 3  # from constants that a sample of many rows gave
LATE = 0.4  # seconds beyond the time that a pass which has begun is waited for
Density: TypeAlias = tuple[Noise, Parameters]
_log = logging.getLogger("closedform")


@dataclass
class Equations:
    """Sums over rows, each as often as it counts: of their weights, of the squares r^2 and, J the
    slopes of a formula by its constants, J^T J and J^T r. Under a noise model r^2 is -log density,
    and J and r are over a row's standard error."""

    weight: float
    squares: float
    gram: Floats
    gradient: Floats

    def __iadd__(self, other: Equations) -> Equations:
        self.weight += other.weight
        self.squares += other.squares
        self.gram += other.gram
        self.gradient += other.gradient
        return self

    @property
    def loss(self) -> float:
        return self.squares / self.weight if math.isfinite(self.squares) else math.inf


def on_all_rows(
    front: Front,
    partitions: Partitions,
    ends: float,
    densities: Sequence[Density | None] | None = None,
) -> Front:
    """The front with constants and standard errors of all rows that may be searched; simple
    constants stay. As far as the cluster answers in time.

    Losses are those of all rows, too, where errors are of one size. A formula that has no value
    somewhere keeps its constants, and infinite loss.

    Args:
        ends: by time.monotonic, when no other pass over the rows is to begin.
        densities: of each formula, where errors are not of one size: those without one stay.
    """
    best = [formula._expression for formula in front]
    fixed = [[constant.fixed for constant in formula.constants] for formula in front]
    if densities is None:
        trying = {i for i, held in enumerate(fixed) if not all(held)}
    else:
        trying = {i for i, density in enumerate(densities) if density is not None}
    names = list(partitions.names)

    def equations(expressions: Sequence[_core.Expression]) -> list[Equations]:
        texts = [expression.text(names) for expression in expressions]
        return partitions.total(equations_of, texts, names, densities, ends=ends + LATE)

    known: list[Equations] = []
    try:
        known = equations(best)
        for _ in range(STEPS):
            if not trying or monotonic() > ends:
                break
            trial = list(best)
            for i in trying:
                trial[i] = _step(best[i], known[i], fixed[i])
            found = equations(trial)
            trying = {i for i in trying if found[i].loss < known[i].loss}
            for i in trying:
                best[i], known[i] = trial[i], found[i]
    except (NoAnswer, KeyboardInterrupt) as end:
        if not known:
            _log.warning("constants and losses are those of a sample of the rows: %s", end)
            return front
    return front.written(
        formula
        if densities is not None and densities[i] is None
        else _told(formula, best[i], known[i], fixed[i], densities is not None)
        for i, formula in enumerate(front)
    )


def densities_of(front: Front, noise: Noise, sample: Data) -> list[Density | None] | None:
    """How a sample of the rows scatters around each formula; None where it tells nothing, and for
    all where errors are of one size."""
    if noise.kind == "absolute":
        return None
    found: list[Density | None] = []
    X, y = np.ascontiguousarray(sample.inputs.values, dtype=np.float64), sample.target
    weights = np.ones(len(y)) if sample.weights is None else sample.weights
    for formula in front:
        constants = formula.constants
        with np.errstate(all="ignore"):
            f = formula._expression.evaluate(X, 1)
            parameters = noise.parameters(y, f, weights, len(constants))
        usable = np.isfinite(f).all() and np.isfinite(parameters).all()
        held = all(constant.fixed for constant in constants)
        found.append((sent(noise), parameters) if usable and not held else None)
    return found


def sent(noise: Noise) -> Noise:
    """A noise model without what is of the rows here: workers have their own."""
    return Given() if isinstance(noise, Given) else noise


def equations_of(
    part: Part,
    texts: Sequence[str],
    names: Sequence[str],
    densities: Sequence[Density | None] | None = None,
) -> list[Equations]:
    """On a worker: those of a partition, of every formula."""
    expressions = [_core.Expression(text, list(names)) for text in texts]
    sums = []
    for expression in expressions:
        k = len(expression.constants)
        sums.append(Equations(0.0, 0.0, np.zeros((k, k)), np.zeros(k)))
    data = part.data
    if data is None:
        return sums
    several = densities or [None] * len(texts)
    weights = part.counts
    for first, block in row_blocks(data.inputs.values):
        rows = slice(first, first + len(block))
        X = np.ascontiguousarray(block, dtype=np.float64)
        y, w = data.target[rows], weights[rows]
        sigma = None if data.sigma is None else data.sigma[rows]
        for expression, density, own in zip(expressions, several, sums, strict=True):
            with np.errstate(all="ignore"):
                J = expression.constant_slopes(X, 1)
                f = expression.evaluate(X, 1)
                own += (
                    _squares(J, f, y, w) if density is None else _dense(J, f, y, w, density, sigma)
                )
    return sums


def _squares(J: Floats, f: Floats, y: Floats, w: Floats) -> Equations:
    r = f - y
    return Equations(float(w.sum()), float(w @ r**2), J.T @ (J * w[:, None]), J.T @ (w * r))


def _dense(
    J: Floats, f: Floats, y: Floats, w: Floats, density: Density, sigma: Floats | None
) -> Equations:
    noise, parameters = density
    kept = w > 0  # a row that does not count may have no density
    J, f, y, w = J[kept], f[kept], y[kept], w[kept]
    if sigma is not None:
        noise = Given(sigma=sigma[kept])
    response, weights = noise.working(y, f, parameters)
    information = w * noise.spread(f, parameters) ** -2
    return Equations(
        float(w.sum()),
        float(w @ noise.costs(y, f, parameters)),
        J.T @ (J * information[:, None]),
        J.T @ (w * weights * (f - response)),
    )


def _step(
    expression: _core.Expression, equations: Equations, fixed: Sequence[bool]
) -> _core.Expression:
    """Gauss and Newton's, of the constants that are free; columns of the normal equations made of
    one size."""
    free = np.flatnonzero(~np.array(fixed, dtype=bool))
    gram, gradient = equations.gram[np.ix_(free, free)], equations.gradient[free]
    size = np.sqrt(np.diagonal(gram))
    if not (np.isfinite(gram).all() and np.isfinite(gradient).all() and (size > 0).all()):
        return expression
    step = np.linalg.lstsq(gram / np.outer(size, size), gradient / size, rcond=1e-12)[0] / size
    constants = np.array(expression.constants)
    constants[free] -= step
    moved = expression.with_constants(constants.tolist())
    return moved if len(moved.constants) == len(constants) else expression


def _told(
    formula: Formula,
    expression: _core.Expression,
    equations: Equations,
    fixed: Sequence[bool],
    dense: bool,
) -> Formula:
    """A formula with the constants and the standard errors of all rows, and their loss unless it
    has a density."""
    told = copy.copy(formula)
    freedom = max(equations.weight - len(fixed), 1.0)
    information: Floats | None = equations.gram
    if not dense:
        told.loss = equations.loss
        squares = equations.squares
        information = equations.gram * freedom / squares if squares > 0 else None
    if information is None or not np.isfinite(information).all():
        return told
    told = Formula(expression.text(list(formula.names)), formula.names, told.loss)
    told.labels, told.units = formula.labels, formula.units
    values = expression.constants
    told.constants = measured(values, information, fixed, freedom)
    return told
