"""The native engine: cpp/src/search/search.cpp."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import monotonic

import numpy as np

from closedform import _core
from closedform.errors import InputError
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.searches import interruption
from closedform.searches.backends.found import Found
from closedform.searches.guesses import guesses
from closedform.searches.journal import key_of
from closedform.searches.objectives import Directions, Objective, Values
from closedform.searches.origins import written, written_size
from closedform.searches.progress import Progress
from closedform.searches.settings import Settings
from closedform.tables import devices
from closedform.tables.checks import Matrix

OPTIONS = {
    "checkpoint": "path the best front so far is written to, every 5 seconds and at the end",
    "colonies": "how many search side by side on the workers of a client",
    "resume": "path of the search's state, which goes on from there",
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


def begun(table: Matrix, settings: Settings) -> list[str]:
    """Texts of the user's formulas to begin with.

    Raises:
        InputError: one that is none of the table's columns.
    """
    texts = []
    for one in settings.start:
        if isinstance(one, Mapping):
            raise InputError("start: a mapping is of a template's functions; give template, too")
        text = one if isinstance(one, str) else one.in_words(settings.words)
        try:
            texts.append(Formula(text, table.names).text)
        except InputError as error:
            raise InputError(f"start: {error}") from error
    return texts


def search(
    table: Matrix, objective: Objective, settings: Settings, start: Sequence[str] = ()
) -> Found:
    """Runs the native search from `start` and the user's; for values also from sums of terms."""
    start = [*begun(table, settings), *start]
    began = monotonic()
    time = settings.time
    stopped = False
    if interruption.requested():
        return evolved(table, objective, settings, start)
    # In a form of the user's they would be guesses of something else.
    if isinstance(objective, Values) and settings.template is None and objective.groups is None:
        start += guesses(table, objective, settings, began + GUESSES_SHARE * time)
        sums, stopped = _sums_of_terms(table, objective, settings)
        start += sums
    return evolved(table, objective, settings, start, monotonic() - began, stopped)


def evolved(
    table: Matrix,
    objective: Objective,
    settings: Settings,
    start: Sequence[str] | Sequence[tuple[str, ...]],
    spent: float = 0.0,
    stopped: bool = False,
) -> Found:
    """The evolution alone, from formulas that are there.

    Args:
        start: with a template its functions' expressions (`template_parts.begun`).
        spent: seconds of the settings' that are gone.
        stopped: whether somebody has asked it to end.
    """
    time = settings.time

    def report(seconds: float, passes: int, entries: list[tuple[str, float]]) -> bool:
        return stopped or told(settings, table, entries, passes, spent + seconds)

    heard = settings.callback is not None or settings.checkpoint is not None
    seconds = max(time - spent, 0.01 * time)
    listener = report if heard else None
    if settings.journal is None:
        found = _run(table, objective, settings, start, seconds, listener)
    else:
        reached = settings.journal.run(
            _key(table, objective, settings),
            settings.evaluations,
            lambda state, keep: _report(
                table, objective, settings, start, seconds, listener, state, keep
            ),
        )
        found = _found(reached)
    return found._replace(seconds=spent + found.seconds)


def told(
    settings: Settings,
    table: Matrix,
    entries: Sequence[tuple[str, float]],
    evaluations: int,
    seconds: float,
) -> bool:
    """Tells who listens of the best so far and offers it to the checkpoint; whether they want no
    more."""
    found = [Formula(text, table.names, loss) for text, loss in entries]
    formulas = [
        written(one, table)
        for one in found
        if settings.template is not None or written_size(one, table.own) <= settings.max_size
    ]
    if not formulas:
        return False
    if settings.checkpoint is not None:
        settings.checkpoint.offer(Front(formulas, evaluations=evaluations, seconds=seconds))
    if settings.callback is None:
        return False
    remaining = max(0.0, settings.time - seconds) if np.isfinite(settings.time) else None
    best = formulas[-1]
    progress = Progress("search", seconds, remaining, evaluations, best, best.loss)
    return bool(settings.callback(progress))


def finish(table: Matrix, objective: Objective, settings: Settings, texts: Sequence[str]) -> Found:
    """The last stage alone: texts refitted on all rows, rounded and made simple; their front."""
    # One evaluation is none an island.
    return _run(table, objective, replace(settings, evaluations=1), texts, settings.time, None)


def _run(
    table: Matrix,
    objective: Objective,
    settings: Settings,
    start: Sequence[str] | Sequence[tuple[str, ...]],
    seconds: float,
    report: Callable[[float, int, list[tuple[str, float]]], bool] | None,
) -> Found:
    return _found(_report(table, objective, settings, start, seconds, report))


def _report(
    table: Matrix,
    objective: Objective,
    settings: Settings,
    start: Sequence[str] | Sequence[tuple[str, ...]],
    seconds: float,
    report: Callable[[float, int, list[tuple[str, float]]], bool] | None,
    state: bytes = b"",
    keep: Callable[[bytes], None] | None = None,
) -> _core.SearchReport:
    return devices.running(
        lambda: _core.search(
            table.values,
            objective.goal,
            table.names,
            list(settings.every_operator),
            settings.max_size,
            seconds,
            settings.evaluations or 0,
            settings.threads or 0,
            settings.seed,
            [(one,) if isinstance(one, str) else one for one in start],
            report,
            settings.good_enough,
            devices.on_gpu(settings.device, len(table.values)),
            None if settings.rules is None else settings.rules.core(table.names),
            state,
            keep,
            settings.template,
        )
    )


def _key(table: Matrix, objective: Objective, settings: Settings) -> str:
    """What tells this search from others, but for its budget and where it begins."""
    if isinstance(objective, Values):
        target = objective.y
    else:
        target = objective.U if isinstance(objective, Directions) else objective.t
    rules, words = settings.rules, settings.words
    asked = [
        type(objective).__name__,
        tuple(table.names),
        settings.every_operator,
        settings.max_size,
        settings.seed,
        settings.good_enough,
        None if words is None else (words.own, words.counts),
        None if rules is None else (rules.limits, rules.constraints),
        None if rules is None or rules.units is None else rules.units.texts,
    ]
    arrays = [table.values, target]
    return key_of(arrays if objective.weights is None else [*arrays, objective.weights], asked)


def _found(result: _core.SearchReport) -> Found:
    return Found(
        result["front"],
        result["reason"],
        result["evaluations"],
        result["seconds"],
        tuple(result["rivals"]),
        (*result.get("parts", ()), *result.get("rival_parts", ())),
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
