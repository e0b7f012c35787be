"""What describes groups of rows shortest: forms fitted to all groups, one after another or by the
workers of a cluster.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt

from closedform import _core
from closedform._typing import Floats
from closedform.formulas.formula import Formula
from closedform.formulas.group_fit import GroupFit, GroupRows, group_fit
from closedform.searches.blas_threads import single_blas_thread
from closedform.searches.description_length import alphabet
from closedform.searches.group_shape import Shape
from closedform.searches.settings import Settings
from closedform.tables.tasks import NoAnswer, Shared

FAR = 3.0  # times the middle loss of the groups: another start may be nearer
OTHER_STARTS = 4
FOLDS = 5  # of the rows of a group, each left out once
_log = logging.getLogger("closedform")


@dataclass(frozen=True)
class Found:
    """A shape, fitted: all constants are the groups' own, or some are shared.

    Attributes:
        formula: of the shape, with its loss at the rows.
        model: number of the noise model that it is judged by.
    """

    shape: Shape
    formula: Formula
    fit: GroupFit
    model: int
    length: float

    @property
    def form(self) -> _core.Expression:
        """Of the inputs and the constants."""
        return self.shape.form.expression()


class Judge:
    """Fits forms to all groups and says how long they describe the data."""

    def __init__(
        self,
        names: tuple[str, ...],
        models: Sequence[GroupRows],
        settings: Settings,
        exact: float,
        ends: float,
    ) -> None:
        """models: the rows, one for each noise model. exact: loss of what meets them to rounding.
        ends: by time.monotonic, here: on a worker nothing is late."""
        self.exact, self.ends = exact, ends
        self.names, self.models = names, models
        self.symbol = math.log(alphabet(settings.operators, len(names)))
        self.number = 0.5 * math.log(float(models[0].counts.sum()))

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "ends": math.inf}

    def late(self) -> bool:
        return monotonic() > self.ends

    def constant(self) -> Found:
        """The mean of all rows."""
        rows = self.models[0]
        mean = float(np.average(rows.y, weights=rows.weights))
        return self.of(Shape.of_text(repr(mean), self.names), 0)

    def best(self, shape: Shape) -> Found | None:
        """Under the noise model that suits it best, all constants the groups' own; None where they
        are as many as rows, or it has no value somewhere."""
        groups = len(self.models[0].starts)
        if len(shape.constants) * groups >= len(self.models[0].y):
            return None
        start = self._apart(shape)
        found = [self.of(shape, k, start, moved=False) for k in range(len(self.models))]
        best = min(found, key=lambda one: one.length)
        return best if math.isfinite(best.length) else None

    def of(
        self,
        shape: Shape,
        model: int,
        start: Floats | None = None,
        shared: npt.NDArray[np.bool_] | None = None,
        *,
        moved: bool = True,
    ) -> Found:
        rows = self.models[model]
        if start is None:
            start = np.tile(np.array(shape.constants), (len(rows.starts), 1))
        if shared is None:
            shared = np.zeros(len(shape.constants), dtype=bool)
        fit = group_fit(shape.form, rows, start, shared, moved=moved)
        structure = self.symbol * shape.nodes
        free = fit.free + rows.noise.free
        scored = Formula(shape.formula.text, self.names, self._loss(rows, fit))
        return Found(shape, scored, fit, model, fit.cost + structure + self.number * free)

    def _loss(self, rows: GroupRows, fit: GroupFit) -> float:
        if not math.isfinite(fit.cost):
            return math.inf
        return float(np.average((rows.y - fit.values) ** 2, weights=rows.weights))

    def _apart(self, shape: Shape) -> Floats:
        """(groups, k) constants of every group fitted alone; from those of others where it ends
        farther off than most."""
        rows = self.models[0]
        ends = [*rows.starts[1:], len(rows.y)]
        parts = [slice(first, end) for first, end in zip(rows.starts, ends, strict=True)]

        def fitted(part: slice, from_: list[float]) -> tuple[list[float], float]:
            X, y = np.ascontiguousarray(rows.X[part]), rows.y[part]
            weights = rows.weights[part]
            if not weights.max() > 0:
                return from_, math.inf
            own, loss = shape.refit(from_, X, y, weights)
            spread = float(np.var(y)) or 1.0
            return own, loss / spread if math.isfinite(loss) else math.inf

        found = [fitted(part, shape.constants) for part in parts]
        losses = np.array([loss for _, loss in found])
        order = np.argsort(losses)
        middle = float(np.median(losses))
        for g in np.flatnonzero(~(losses <= FAR * middle)):
            for other in order[:OTHER_STARTS]:
                trial = fitted(parts[g], found[other][0])
                if trial[1] < found[g][1]:
                    found[g] = trial
        return np.array([own for own, _ in found]).reshape(len(parts), -1)

    def shared(self, one: Found) -> Found:
        """With constants that are the same in all groups where that describes the data shorter."""
        one = self.of(one.shape, one.model, one.fit.constants)
        exact = self.exact
        groups = len(one.fit.constants)
        open_ = [k for k in range(one.fit.constants.shape[1]) if groups > 1]
        while open_ and not self.late():
            trials = []
            for k in open_:
                shared = one.fit.shared.copy()
                shared[k] = True
                trial = self.of(one.shape, one.model, one.fit.constants, shared)
                still_exact = one.formula.loss <= exact and trial.formula.loss <= exact
                if trial.length < one.length or still_exact:
                    trials.append((trial, k))
            if not trials:
                break
            one, k = min(trials, key=lambda pair: pair[0].length)
            open_.remove(k)
        return one

    def left_out(self, one: Found) -> Floats:
        """(groups,) root mean square errors at rows left out of the fit of the constants: a fifth
        of every group at a time; NaN for a group with too few."""
        rows, fit = self.models[one.model], one.fit
        place = np.arange(len(rows.y)) - rows.starts[rows.index]
        values = np.full(len(rows.y), np.nan)
        for fold in range(FOLDS):
            out = place % FOLDS == fold
            kept = np.flatnonzero(~out & (rows.weights > 0))
            if not out.any() or len(np.unique(rows.index[kept])) < len(rows.starts):
                continue
            part = group_fit(one.shape.form, rows.at(kept), fit.constants, fit.shared)
            X = np.hstack([rows.X[out], part.constants[rows.index[out]]])
            values[out] = one.form.evaluate(np.ascontiguousarray(X), 1)
        squares = (rows.y - values) ** 2 * rows.counts
        known = np.isfinite(squares)
        total = np.bincount(rows.index[known], squares[known], len(rows.starts))
        count = np.bincount(rows.index[known], rows.counts[known], len(rows.starts))
        with np.errstate(all="ignore"):
            errors: Floats = np.sqrt(total / count)
        return errors


class Asker:
    """Asks the judge, on the workers of a client where there is one."""

    def __init__(self, judge: Judge, client: Any) -> None:
        self._judge = judge
        self._workers = None if client is None else Shared(client, judge)

    def each(
        self,
        question: Callable[..., Found | None],
        tasks: Sequence[tuple[Any, ...]],
        least: int = 0,
    ) -> list[Found | None]:
        """question(judge, *task) of every task, in order; None for what is late.

        least: so many answers there have to be, however late it is.
        """
        judge = self._judge
        if self._workers is not None and not judge.late():
            what = [(question, *task) for task in tasks]
            try:
                found = self._workers.ask(_asked, what, judge.ends - monotonic())
                if sum(one is not None for one in found) >= least:
                    return found
            except NoAnswer as end:
                _log.warning("groups are fitted without the workers: %s", end)
        found = []
        for task in tasks:
            enough = sum(one is not None for one in found) >= least
            found.append(None if enough and judge.late() else question(judge, *task))
        return found


def _asked(judge: Judge, question: Callable[..., Found | None], *task: Any) -> Found | None:
    """On a worker."""
    with single_blas_thread():
        return question(judge, *task)
