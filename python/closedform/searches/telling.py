"""Who hears of a run: the user's callback, a terminal or a notebook, the log.

Records go to the logger "closedform" at level INFO; what they say in words is in their attribute
`closedform`, too, a dict.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TypeAlias

from closedform.formulas.formula import Formula, shortened
from closedform.searches.notebook import in_notebook, live_table
from closedform.searches.progress import Callback, Progress
from closedform.searches.settings import Settings
from closedform.tables.checks import Matrix

Listener: TypeAlias = Callable[[Progress], None]

_log = logging.getLogger("closedform")
_one_panel = threading.Lock()  # a terminal has room for one


@contextmanager
def telling(
    run: str, settings: Settings, table: Matrix, progress: bool, name: str = "y"
) -> Iterator[Callback | None]:
    """The callback of a run that all hear; None where nobody listens.

    Args:
        run: what it is, for the log.
        settings: with the user's callback.
        table: the rows.
        progress: whether a terminal or a notebook shows how it goes. pytest is neither.
        name: what the formula is the value of.
    """
    own = settings.callback
    listeners: list[Listener] = []
    with ExitStack() as ends:
        if _log.isEnabledFor(logging.INFO):
            listeners.append(_logging(run, settings, table))
        shown = progress and "PYTEST_CURRENT_TEST" not in os.environ
        way = live_table if in_notebook() else panel if watched() else None
        if shown and way is not None and _one_panel.acquire(blocking=False):
            ends.callback(_one_panel.release)
            listeners.append(ends.enter_context(way(name, _beginning(settings))))

        def heard(told: Progress) -> bool | None:
            for listener in listeners:
                listener(told)
            return None if own is None else own(told)

        yield heard if listeners else own


def watched() -> bool:
    """Whether standard error is a terminal."""
    with suppress(OSError, ValueError):  # a stream that is closed
        return sys.stderr is not None and sys.stderr.isatty()
    return False


def found(run: str, formula: Formula, stopped: str) -> None:
    """Logs how a run ended."""
    _info("%s: %s (%s)", run=run, formula=formula.text, stopped=stopped)


@contextmanager
def panel(name: str, beginning: str = "") -> Iterator[Listener]:
    """A few lines at the terminal's end, which go when the run does.

    Args:
        name: what formulas are the values of.
        beginning: what they say first.
    """
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    live = Live(Text(beginning), console=Console(stderr=True), transient=True, auto_refresh=False)

    def show(progress: Progress) -> None:
        with suppress(OSError, ValueError):  # a terminal that has gone
            live.update(Text(lines(progress, name)), refresh=True)

    with suppress(OSError, ValueError):
        live.start(refresh=True)
    try:
        yield show
    finally:
        with suppress(OSError, ValueError):
            live.stop()


def lines(progress: Progress, name: str) -> str:
    """What the panel says."""
    clock = f"{progress.elapsed:.0f} s"
    if progress.remaining is not None:
        clock += f", {max(progress.remaining, 0):.0f} s left"
    rows = [f"{progress.phase}  ({clock}; {progress.evaluations:,} expressions)"]
    if progress.best is not None:
        loss = "" if progress.loss is None else f"  loss {progress.loss:.3g}"
        rows.append(f"{name} = {progress.best}{loss}")
    if progress.message:
        rows.append(progress.message)
    return "\n".join(rows)


def _beginning(settings: Settings) -> str:
    limit = "until the evaluations are done"
    if math.isfinite(settings.time):
        limit = f"for at most {settings.time:g} s"
    return f"searching {limit}; Ctrl-C ends it and keeps the best"


def _logging(run: str, settings: Settings, table: Matrix) -> Listener:
    """What logs the beginning, now, and every new phase."""
    rows, inputs = table.values.shape
    _info(
        "%s: %s rows, %s inputs, at most %s s and %s evaluations, seed %s, backend %s",
        run=run,
        rows=rows,
        inputs=inputs,
        time=settings.time,
        evaluations=settings.evaluations,
        seed=settings.seed,
        backend=settings.backend,
    )
    phases: list[str] = []

    def listener(progress: Progress) -> None:
        if progress.phase not in phases[-1:]:
            phases.append(progress.phase)
            best = "" if progress.best is None else shortened(progress.best.text)
            _info(
                "%s: %s, after %.1f s and %s evaluations; best so far: %s",
                run=run,
                phase=progress.phase,
                elapsed=progress.elapsed,
                evaluations=progress.evaluations,
                best=best,
            )

    return listener


def _info(message: str, **parts: object) -> None:
    _log.info(message, *parts.values(), extra={"closedform": parts})
