"""SymbolicRegression's hall of fame, read from its file while the search goes on."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from time import monotonic

from closedform.formulas.formula import Formula
from closedform.searches import interruption
from closedform.searches.backends import native
from closedform.searches.objectives import Directions, Objective, Values
from closedform.searches.progress import Progress
from closedform.searches.settings import Settings
from closedform.searches.steepest_drop import PARALLEL
from closedform.tables.checks import Matrix
from closedform.tables.rows import variance

# A loss so small, relative to a constant's, is worth a look whether its formula is exact.
PROMISING = 1e-8


@dataclass
class HallOfFame:
    """Looks on at a search: tells the callback, and says when to stop.

    Attributes:
        path: the CSV file that SymbolicRegression rewrites whenever a population reports.
        labels: what PySR calls the columns.
        reason: why the search is to end; empty while it goes on.
        error: what the callback raised.
    """

    path: Path
    table: Matrix
    labels: Sequence[str]
    objective: Objective
    settings: Settings
    begun: float = field(default_factory=monotonic)
    reason: str = ""
    error: BaseException | None = None
    _best: Formula | None = None
    _tried: set[str] = field(default_factory=set)

    def texts(self) -> list[str]:
        """Formulas of at most max_size nodes in the columns' own names, smallest first."""
        own, most = list(self.table.names), self.settings.max_size
        read = [Formula(text, self.labels) for text in equations(self.path)]
        return [f._expression.text(own) for f in read if f.complexity <= most]

    def look(self) -> bool:
        """Whether to stop; called about twice a second, by Julia: nothing may be raised."""
        try:
            self.reason = self.reason or self._verdict()
        except BaseException as error:
            self.reason = "interrupted"
            if not isinstance(error, KeyboardInterrupt):
                self.error = error
        return bool(self.reason)

    def _verdict(self) -> str:
        time, elapsed = self.settings.time, monotonic() - self.begun
        if interruption.requested():
            return "interrupted"
        if elapsed >= time:
            return "time"
        if texts := self.texts():
            self._best = self._scored(texts[-1])
        if self.settings.callback is not None:
            remaining = max(0.0, time - elapsed) if math.isfinite(time) else None
            loss = None if self._best is None else self._best.loss
            progress = Progress("search", elapsed, remaining, 0, self._best, loss)
            if self.settings.callback(progress):
                return "interrupted"
        return "" if self._best is None else self._settled(self._best)

    def _settled(self, best: Formula) -> str:
        if best.loss < self.settings.good_enough:
            return "good enough"
        scale, exact = self._scale
        if best.loss > PROMISING * scale or best.text in self._tried:
            return ""
        # PySR's constants are not fitted to the last digit: the last stage shows what they can be.
        self._tried.add(best.text)
        brief = replace(self.settings, time=1.0)
        finished = native.finish(self.table, self.objective, brief, [best.text]).entries
        return "exact" if min(loss for _, loss in finished) <= exact else ""

    @cached_property
    def _scale(self) -> tuple[float, float]:
        """The loss of a constant, and what of it rounding leaves of an exact formula."""
        if isinstance(self.objective, Values):
            return variance(self.objective.y, self.objective.weights), self.objective.exact
        return 1.0, PARALLEL if isinstance(self.objective, Directions) else 0.0

    def _scored(self, text: str) -> Formula:
        if self._best is not None and self._best.text == text:
            return self._best
        loss = self.objective.goal.loss(
            text, self.table.names, self.table.values, self.settings.threads or 0
        )
        return Formula(text, self.table.names, loss)


def equations(path: Path) -> list[str]:
    """The file's equations, smallest first; none before there is one.

    The file is written twice, under its name and as a copy: one of them is always whole.
    """
    return _equations(path) or _equations(path.with_name(path.name + ".bak"))


def _equations(path: Path) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [row["Equation"] for row in csv.DictReader(file, strict=True)]
    except (OSError, csv.Error, KeyError):
        return []
