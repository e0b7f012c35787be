"""The native engine: cpp/src/search/search.cpp."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from time import monotonic

import numpy as np

from closedform import _core
from closedform.errors import InputError
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.searches.backends.found import Found
from closedform.searches.guesses import guesses
from closedform.searches.objectives import Objective, Values
from closedform.searches.origins import written, written_size
from closedform.searches.progress import Progress
from closedform.searches.settings import Settings
from closedform.tables import devices
from closedform.tables.checks import Matrix

OPTIONS = {
    "start": "a Front or formula texts to begin with",
    "checkpoint": "path the best front so far is written to, every 5 seconds and at the end",
}
REPORT_SECONDS = 0.5

# Tables of at least so many columns begin with sums of terms.
WIDE = 6
WIDE_SHARE = 0.15  # of the time
NARROW_SHARE = 0.01
GUESSES_SHARE = 0.15  # at most
# An iteration of all sizes and restarts takes about as long as so many passes over the sample.
PASSES_AN_ITERATION = 2000
MOST_ITERATIONS = 2000


def check(settings: Settings) -> None:
    """Refuses options this engine does not know.

    Raises:
        InputError: names the option.
    """
    unknown = sorted(set(settings.options) - set(OPTIONS))
    if unknown:
        raise InputError(
            f"options: {unknown[0]!r} is unknown to the native engine; "
            f"it takes {', '.join(f'{key} ({what})' for key, what in OPTIONS.items())}"
        )
    start = settings.options.get("start", ())
    texts = isinstance(start, Iterable) and not isinstance(start, (str, bytes, Mapping))
    if not texts or not all(isinstance(one, (str, Formula)) for one in start):
        raise InputError("options: start must be a Front or a sequence of formula texts")


def search(
    table: Matrix, objective: Objective, settings: Settings, start: Sequence[str] = ()
) -> Found:
    """Runs the native search from `start` and the user's; for values also from sums of terms."""
    time, callback = settings.time, settings.callback
    own = settings.options.get("start", ())
    start = [*(Formula(str(text), table.names).text for text in own), *start]
    began = monotonic()
    stopped = False
    told = settings.template is not None or getattr(objective, "groups", None) is not None
    if isinstance(objective, Values) and not told:
        start += guesses(table, objective, settings, began + GUESSES_SHARE * time)
        sums, stopped = _sums_of_terms(table, objective, settings)
        start += sums
    if settings.rules is not None:
        rules = settings.rules.core(table.names)
        start = [text for text in start if rules.allow(text, list(table.names))]
    spent = monotonic() - began

    def report(seconds: float, passes: int, entries: list[tuple[str, float]]) -> bool:
        if stopped:
            return True
        found = [Formula(text, table.names, loss) for text, loss in entries]
        formulas = [
            written(one, table)
            for one in found
            if settings.template is not None or written_size(one, table.own) <= settings.max_size
        ]
        if not formulas:
            return False
        if settings.checkpoint is not None:
            settings.checkpoint.offer(Front(formulas, evaluations=passes, seconds=seconds))
        if callback is None:
            return False
        remaining = max(0.0, time - spent - seconds) if np.isfinite(time) else None
        best = formulas[-1]
        progress = Progress("search", spent + seconds, remaining, passes, best, best.loss)
        return bool(callback(progress))

    heard = callback is not None or settings.checkpoint is not None
    seconds = max(time - spent, 0.01 * time)
    found = _run(table, objective, settings, start, seconds, report if heard else None)
    return found._replace(seconds=spent + found.seconds)


def finish(table: Matrix, objective: Objective, settings: Settings, texts: Sequence[str]) -> Found:
    """The last stage alone: texts refitted on all rows, rounded and made simple; their front."""
    # One evaluation is none an island.
    return _run(table, objective, replace(settings, evaluations=1), texts, settings.time, None)


def _run(
    table: Matrix,
    objective: Objective,
    settings: Settings,
    start: Sequence[str],
    seconds: float,
    report: Callable[[float, int, list[tuple[str, float]]], bool] | None,
) -> Found:
    result = devices.running(
        lambda: _core.search(
            table.values,
            objective.goal,
            list(table.names),
            list(settings.operators),
            settings.max_size,
            seconds,
            settings.evaluations or 0,
            settings.threads or 0,
            settings.seed,
            list(start),
            report,
            settings.good_enough,
            settings.on_device,
            None if settings.rules is None else settings.rules.core(table.names),
            settings.template,
        )
    )
    return Found(
        result["front"],
        result["reason"],
        result["evaluations"],
        result["seconds"],
        tuple(result["rivals"]),
        (*result["parts"], *result["rival_parts"]) if settings.template is not None else (),
    )


def _sums_of_terms(table: Matrix, objective: Values, settings: Settings) -> tuple[list[str], bool]:
    """Sums of terms of several sizes, for the search to begin with.

    They take a share of the time, or, with `evaluations`, work in proportion to them; where the
    table is narrow, and growing expressions finds its law sooner, next to nothing.

    Returns:
        Texts of at most max_size nodes, none where the operators allow no sums; whether the
        callback asked to stop.
    """
    time, evaluations, callback = settings.time, settings.evaluations, settings.callback
    wide = len(table.names) >= WIDE
    iterations = 0
    if evaluations is not None:
        iterations = max(1, evaluations // (PASSES_AN_ITERATION * (1 if wide else 10)))
        iterations = min(iterations, MOST_ITERATIONS)
    stopped = False
    reported = 0.0
    began = monotonic()

    def stop() -> bool:
        nonlocal stopped, reported
        spent = monotonic() - began
        if callback is not None and not stopped and spent - reported >= REPORT_SECONDS:
            reported = spent
            remaining = max(0.0, time - spent) if np.isfinite(time) else None
            stopped = bool(callback(Progress("sums of terms", spent, remaining)))
        return stopped

    found = _core.sums_of_terms(
        table.values,
        objective.y,
        objective.weights,
        list(table.names),
        list(settings.operators),
        settings.max_size,
        time * (WIDE_SHARE if wide else NARROW_SHARE),
        iterations,
        settings.threads or 0,
        settings.seed,
        stop,
    )
    return [text for text, _ in found], stopped
