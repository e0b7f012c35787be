"""The native engine: cpp/src/evolution.cpp."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt

from closedform import _core, _inputs
from closedform.formula import Formula, Front
from closedform.progress import Callback, Progress

OPTIONS = {
    "start": "a Front or formula texts to begin with",
    "checkpoint": "path the best front so far is written to, at most every 5 seconds",
}
CHECKPOINT_SECONDS = 5.0
REPORT_SECONDS = 0.5

# Tables of at least so many columns begin with sums of terms.
WIDE = 6
WIDE_SHARE = 0.15  # of the time
NARROW_SHARE = 0.02
# An iteration of all sizes and restarts takes about as long as so many passes over the sample.
PASSES_AN_ITERATION = 2000
MOST_ITERATIONS = 2000


def search(
    X: _inputs.FloatMatrix,
    goal: _core.Goal,
    *,
    values: tuple[_inputs.Floats, _inputs.Floats | None] | None = None,
    names: Sequence[str],
    operators: Sequence[str],
    max_size: int,
    time: float,
    evaluations: int | None,
    threads: int | None,
    seed: int,
    options: Mapping[str, Any] | None,
    callback: Callback | None,
    good_enough: float = 0.0,
) -> tuple[list[tuple[str, float]], str, int, float]:
    """Runs the native search.

    Args:
        values: targets and weights, where the goal is to reproduce values: then it begins with
            sums of terms.

    Returns:
        Text and loss of every formula of the front, why the search ended, evaluations, seconds.

    Raises:
        InputError: an option this engine does not know.
    """
    options = dict(options or {})
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise _inputs.InputError(
            f"options: {unknown[0]!r} is unknown to the native engine; "
            f"it takes {', '.join(f'{key} ({what})' for key, what in OPTIONS.items())}"
        )
    start = [str(formula) for formula in options.get("start", ())]
    began = monotonic()
    stopped = False
    if values is not None:
        sums, stopped = sums_of_terms(
            X,
            *values,
            names=names,
            operators=operators,
            max_size=max_size,
            time=time,
            evaluations=evaluations,
            threads=threads,
            seed=seed,
            callback=callback,
        )
        start += sums
    spent = monotonic() - began
    checkpoint: str | os.PathLike[str] | None = options.get("checkpoint")
    written = -CHECKPOINT_SECONDS

    def report(seconds: float, passes: int, entries: list[tuple[str, float]]) -> bool:
        nonlocal written
        if not entries or stopped:
            return stopped
        formulas = [Formula(text, names, loss) for text, loss in entries]
        if checkpoint is not None and seconds - written >= CHECKPOINT_SECONDS:
            written = seconds
            Front(formulas, evaluations=passes, seconds=seconds).save(checkpoint)
        if callback is None:
            return False
        remaining = max(0.0, time - spent - seconds) if np.isfinite(time) else None
        best = formulas[-1]
        progress = Progress("search", spent + seconds, remaining, passes, best, best.loss)
        return bool(callback(progress))

    result = _core.search(
        X,
        goal,
        list(names),
        list(operators),
        max_size,
        max(time - spent, 0.01 * time),
        evaluations or 0,
        threads or 0,
        seed,
        start,
        report,
        good_enough,
    )
    return result["front"], result["reason"], result["evaluations"], spent + result["seconds"]


def sums_of_terms(
    X: _inputs.FloatMatrix,
    y: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64] | None,
    *,
    names: Sequence[str],
    operators: Sequence[str],
    max_size: int,
    time: float,
    evaluations: int | None,
    threads: int | None,
    seed: int,
    callback: Callback | None,
) -> tuple[list[str], bool]:
    """Sums of terms of several sizes, for the search to begin with.

    They take a share of `time`, or, with `evaluations`, work in proportion to them; where the
    table is narrow, and growing expressions finds its law sooner, next to nothing.

    Returns:
        Texts of at most max_size nodes, none where the operators allow no sums; whether the
        callback asked to stop.
    """
    wide = X.shape[1] >= WIDE
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
        X,
        y,
        weights,
        list(names),
        list(operators),
        max_size,
        time * (WIDE_SHARE if wide else NARROW_SHARE),
        iterations,
        threads or 0,
        seed,
        stop,
    )
    return [text for text, _ in found], stopped
