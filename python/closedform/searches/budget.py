"""The one clock of a run: its time, its evaluations, who is told of it, and why it stopped."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic

from closedform.formulas.formula import Formula
from closedform.searches import interruption
from closedform.searches.progress import Callback, Progress

# Share of the time that is kept for the choice of the best formula, and the most of it.
LAST_SHARE = 0.06
LAST_SECONDS = 1.5
# Whoever stopped a run waits no longer than this for its last stage.
INTERRUPTED_SECONDS = 0.5


@dataclass
class Budget:
    """What a run of several stages may use, and what it has used.

    Attributes:
        time: seconds of the whole run; math.inf for no limit.
        evaluations: of all its searches together; None for no limit.
        callback: told of the whole run; returning True stops it.
        kept: seconds for the end, which no stage gets (`last_stage`).
        least: seconds a stage gets even where none are left; 1 % of the time if not given.
        spent: evaluations done by the stages that have ended.
        stopped: why the run is to end; empty while it goes on. "interrupted" after Ctrl-C or when
            the callback said so.
    """

    time: float
    evaluations: int | None
    callback: Callback | None
    kept: float = 0.0
    least: float = math.nan
    spent: int = 0
    stopped: str = ""
    begun: float = field(default_factory=monotonic)

    def __post_init__(self) -> None:
        if math.isnan(self.least):
            self.least = 0.01 * self.time if math.isfinite(self.time) else 0.0

    def elapsed(self) -> float:
        return monotonic() - self.begun

    def left(self) -> float:
        """Seconds the stages still have."""
        return max(self.least, self.time - self.kept - self.elapsed())

    def seconds(self, share: float, most: float = math.inf) -> float:
        """Seconds for a stage: a share of all, but no more than are left, and than `most` where
        there is a limit at all."""
        if math.isinf(self.time):
            return math.inf
        return min(most, share * self.time, self.left())

    def quota(self, share: float, whole: Callable[[float], int] = round) -> int | None:
        """Evaluations for a stage: a share of all, but no more than are left; at least one.

        whole: makes a number of the share.
        """
        if self.evaluations is None:
            return None
        return max(1, min(self.evaluations - self.spent, whole(share * self.evaluations)))

    def share_left(self) -> float:
        """Of the time and of the evaluations, whichever is less."""
        share = 1.0 if math.isinf(self.time) else self.left() / self.time
        if self.evaluations is not None:
            share = min(share, 1.0 - self.spent / self.evaluations)
        return share

    def within(self, share: float) -> bool:
        """Whether less than a share of the time and of the evaluations has been used."""
        in_time = self.elapsed() < share * self.time
        return in_time and (self.evaluations is None or self.spent < share * self.evaluations)

    def interrupted(self) -> bool:
        """Whether somebody wants the run to conclude with what it has."""
        if interruption.requested():
            self.stopped = "interrupted"
        return self.stopped == "interrupted"

    def used_up(self) -> bool:
        """Whether the run is to end: nothing is left, or it was stopped."""
        self.interrupted()
        if not self.stopped and self.left() <= self.least:
            self.stopped = "time"
        if not self.stopped and self.evaluations is not None and self.spent >= self.evaluations:
            self.stopped = "evaluations"
        return bool(self.stopped)

    def ends(self) -> float:
        """When the last stage has to be over, by time.monotonic."""
        end = self.begun + self.time
        if self.stopped == "interrupted":
            return min(end, monotonic() + INTERRUPTED_SECONDS)
        return end

    def spend(self, evaluations: int, reason: str) -> None:
        """Counts what a search has done; `reason` is why it ended."""
        self.spent += evaluations
        if reason == "interrupted":
            self.stopped = reason

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Ctrl-C within ends what is done within, and stops the run."""
        try:
            yield
        except KeyboardInterrupt:
            self.stopped = "interrupted"

    def tell(self, phase: str, best: Formula | None = None, message: str = "") -> None:
        """Says what goes on now."""
        loss = None if best is None else best.loss
        self._tell(Progress(phase, 0.0, None, 0, best, loss, message))

    def listener(
        self, shown: Callable[[Progress], Progress] = lambda progress: progress
    ) -> Callback | None:
        """What a search of one stage calls: it tells of the whole run.

        shown: what is to be told of the stage's own progress.
        """
        if self.callback is None:
            return None
        return lambda progress: self._tell(shown(progress))

    def _tell(self, stage: Progress) -> bool:
        limited = math.isfinite(self.time)
        whole = replace(
            stage,
            elapsed=self.elapsed(),
            remaining=max(0.0, self.time - self.elapsed()) if limited else None,
            evaluations=self.spent + stage.evaluations,
        )
        if self.callback is not None and self.callback(whole):
            self.stopped = "interrupted"
        return self.stopped == "interrupted"


def last_stage(time: float) -> float:
    """Seconds of the last stage of a run of so many, which is given them whatever came before."""
    return min(LAST_SHARE * time, LAST_SECONDS)
