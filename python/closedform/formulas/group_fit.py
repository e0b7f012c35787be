"""Fits of one form to several groups of rows: some constants are each group's own, others shared.

Levenberg-Marquardt steps with exact derivatives. Own constants are eliminated group by group (the
Schur complement of the normal equations), so that a step takes time in proportion to the groups.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from closedform import _core
from closedform._typing import Floats
from closedform.formulas.fit import NOTHING
from closedform.formulas.form import Form
from closedform.formulas.noise import Noise, Parameters

STEPS = 60
ROUNDS = 20  # of reweighting
SETTLED = 1e-3  # nats that a round gains where there is nothing more to gain
RIDGE = 1e-13  # relative to the diagonal: constants that another can stand for stay where they are


@dataclass(frozen=True)
class GroupRows:
    """Rows in the order of their groups.

    Attributes:
        X: (n, d). y, counts: (n,), how often each row counts. weights: (n,), of the squares that
            forms were searched by. index: (n,) groups, increasing.
        noise: how y scatters.
    """

    X: Floats
    y: Floats
    counts: Floats
    weights: Floats
    index: npt.NDArray[np.int64]
    noise: Noise

    @property
    def starts(self) -> npt.NDArray[np.intp]:
        """The first row of every group; there is none without rows."""
        return np.flatnonzero(np.diff(self.index, prepend=-1))

    def at(self, rows: npt.NDArray[np.intp]) -> GroupRows:
        """Some of the rows, in order, of every group at least one."""
        return GroupRows(
            self.X[rows],
            self.y[rows],
            self.counts[rows],
            self.weights[rows],
            self.index[rows],
            self.noise.at(rows),
        )


@dataclass(frozen=True)
class GroupFit:
    """Constants of a form, (groups, k), and what the data say of them.

    Attributes:
        constants: of every group.
        shared: (k,) bool; such a constant is the same in every group.
        cost: -log density of the rows.
        values: (n,) of the formula. parameters: of the noise.
        errors: (groups, k) standard errors; NaN where others can stand for a constant.
    """

    constants: Floats
    shared: npt.NDArray[np.bool_]
    cost: float
    values: Floats
    parameters: Parameters
    errors: Floats

    @property
    def free(self) -> int:
        """How many numbers were fitted."""
        own = int((~self.shared).sum())
        return own * len(self.constants) + int(self.shared.sum())


def group_fit(
    form: Form,
    rows: GroupRows,
    start: Floats,
    shared: npt.NDArray[np.bool_],
    *,
    moved: bool = True,
) -> GroupFit:
    """The likeliest constants from a start (groups, k); shared ones begin at their median.

    moved: else they stay there, without errors.
    """
    expression = form.expression()
    constants = start.copy()
    constants[:, shared] = np.median(start[:, shared], axis=0)
    found = _judged(expression, rows, constants, shared)
    if not moved:
        return found
    for _ in range(ROUNDS if math.isfinite(found.cost) and start.size else 0):
        with np.errstate(all="ignore"):
            response, weights = rows.noise.working(rows.y, found.values, found.parameters)
        stepped = _least_squares(expression, rows, response, weights * rows.counts, found)
        trial = _judged(expression, rows, stepped, shared)
        if not trial.cost < found.cost:
            break
        gained, found = found.cost - trial.cost, trial
        if gained < SETTLED:
            break
    return replace(found, errors=_errors(expression, rows, found))


def _columns(rows: GroupRows, constants: Floats) -> Floats:
    return np.ascontiguousarray(np.hstack([rows.X, constants[rows.index]]))


def _judged(
    form: _core.Expression, rows: GroupRows, constants: Floats, shared: npt.NDArray[np.bool_]
) -> GroupFit:
    own = int((~shared).sum()) * len(constants) + int(shared.sum())
    values = form.evaluate(_columns(rows, constants), 1)
    parameters: Parameters = ()
    cost = math.inf
    if np.isfinite(values).all():
        with np.errstate(all="ignore"):
            parameters = rows.noise.parameters(rows.y, values, rows.counts, own)
            cost = float(rows.counts @ rows.noise.costs(rows.y, values, parameters))
    nothing = np.full(constants.shape, np.nan)
    cost = cost if math.isfinite(cost) else math.inf
    return GroupFit(constants, shared, cost, values, parameters, nothing)


@dataclass(frozen=True)
class _Equations:
    """Normal equations, each constant in units of one over the root of its diagonal."""

    gram: Floats  # (groups, k, k)
    right: Floats  # (groups, k)
    scale: Floats  # (groups, k)

    @staticmethod
    def of(
        slopes: Floats,
        residuals: Floats,
        weights: Floats,
        starts: npt.NDArray[np.intp],
        shared: npt.NDArray[np.bool_],
    ) -> _Equations:
        weighed = slopes * weights[:, None]
        gram = np.add.reduceat(weighed[:, :, None] * slopes[:, None, :], starts, axis=0)
        right = np.add.reduceat(weighed * residuals[:, None], starts, axis=0)
        diagonal = np.einsum("gkk->gk", gram).copy()
        diagonal[:, shared] = diagonal[:, shared].sum(axis=0)
        told = diagonal > NOTHING
        scale = np.where(told, 1.0 / np.sqrt(np.where(told, diagonal, 1.0)), 0.0)
        gram = gram * scale[:, :, None] * scale[:, None, :]
        return _Equations(gram, right * scale, scale)

    def parts(self, shared: npt.NDArray[np.bool_], damping: float) -> tuple[Floats, Floats, Floats]:
        """Of own constants the matrices (groups, own, own), of both (groups, own, shared), and the
        Schur complement of the shared ones."""
        own = ~shared
        of_own = self.gram[:, own][:, :, own]
        of_own = of_own + (damping + RIDGE) * np.eye(int(own.sum()))
        of_own[:, np.arange(of_own.shape[1]), np.arange(of_own.shape[1])] += self.scale[:, own] == 0
        both = self.gram[:, own][:, :, shared]
        rest = self.gram[:, shared][:, :, shared].sum(axis=0)
        rest = rest + (damping + RIDGE) * np.eye(int(shared.sum()))
        rest = rest - np.einsum("gos,got->st", both, np.linalg.solve(of_own, both))
        return of_own, both, rest

    def step(self, shared: npt.NDArray[np.bool_], damping: float) -> Floats:
        """(groups, k)."""
        own = ~shared
        of_own, both, rest = self.parts(shared, damping)
        alone = np.linalg.solve(of_own, self.right[:, own][:, :, None])[:, :, 0]
        step = np.zeros(self.right.shape)
        if shared.any():
            right = self.right[:, shared].sum(axis=0) - np.einsum("gos,go->s", both, alone)
            together = np.linalg.solve(rest, right)
            alone = alone - np.linalg.solve(of_own, (both @ together)[:, :, None])[:, :, 0]
            step[:, shared] = together
        step[:, own] = alone
        return step * self.scale


def _least_squares(
    form: _core.Expression, rows: GroupRows, response: Floats, weights: Floats, start: GroupFit
) -> Floats:
    constants, shared = start.constants, start.shared
    damping, loss = 1e-3, math.inf
    d = rows.X.shape[1]
    equations: _Equations | None = None
    for _ in range(STEPS):
        columns = _columns(rows, constants)
        if equations is None:
            values = form.evaluate(columns, 1)
            slopes = form.gradient(columns, 1)[:, d:]
            loss = float(weights @ (response - values) ** 2)
            if not (math.isfinite(loss) and np.isfinite(slopes).all()):
                return constants
            equations = _Equations.of(slopes, response - values, weights, rows.starts, shared)
        try:
            trial = constants + equations.step(shared, damping)
        except np.linalg.LinAlgError:
            return constants
        with np.errstate(all="ignore"):
            after = float(weights @ (response - form.evaluate(_columns(rows, trial), 1)) ** 2)
        if after < loss:
            settled = loss - after <= 1e-12 * loss
            constants, equations, damping = trial, None, max(0.1 * damping, 1e-12)
            if settled:
                break
        else:
            damping *= 10.0
            if damping > 1e6:
                break
    return constants


def _errors(form: _core.Expression, rows: GroupRows, found: GroupFit) -> Floats:
    """Of the inverse Fisher information."""
    errors = np.full(found.constants.shape, np.nan)
    if not (math.isfinite(found.cost) and errors.size):
        return errors
    shared, own = found.shared, ~found.shared
    columns = _columns(rows, found.constants)
    slopes = form.gradient(columns, 1)[:, rows.X.shape[1] :]
    with np.errstate(all="ignore"):
        weights = rows.counts * rows.noise.spread(found.values, found.parameters) ** -2.0
        if not (np.isfinite(slopes).all() and np.isfinite(weights).all()):
            return errors
        equations = _Equations.of(slopes, np.zeros(len(weights)), weights, rows.starts, shared)
        try:
            of_own, both, rest = equations.parts(shared, 0.0)
            inverse = np.linalg.inv(of_own)
            covariance = np.linalg.inv(rest)
        except np.linalg.LinAlgError:
            return errors
        along = inverse @ both  # (groups, own, shared)
        of_own_errors = np.einsum(
            "goo->go", inverse + along @ covariance @ along.transpose(0, 2, 1)
        )
        scaled = np.empty(errors.shape)
        scaled[:, own] = of_own_errors
        scaled[:, shared] = np.diagonal(covariance)
        # Of a unit diagonal: beyond, nothing is known, nor of what the rows do not feel at all.
        known = (scaled > 0) & (scaled < 1e10) & (equations.scale > 0)
        errors = np.where(known, np.sqrt(np.where(known, scaled, 1.0)) * equations.scale, np.nan)
    return errors
