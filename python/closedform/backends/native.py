"""The native engine: cpp/src/evolution.cpp."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
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


def search(
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
    options: Mapping[str, Any] | None,
    callback: Callback | None,
) -> tuple[list[tuple[str, float]], str, int, float]:
    """Runs the native search.

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
    checkpoint: str | os.PathLike[str] | None = options.get("checkpoint")
    written = -CHECKPOINT_SECONDS

    def report(seconds: float, passes: int, entries: list[tuple[str, float]]) -> bool:
        nonlocal written
        if not entries:
            return False
        formulas = [Formula(text, names, loss) for text, loss in entries]
        if checkpoint is not None and seconds - written >= CHECKPOINT_SECONDS:
            written = seconds
            Front(formulas, evaluations=passes, seconds=seconds).save(checkpoint)
        if callback is None:
            return False
        remaining = max(0.0, time - seconds) if np.isfinite(time) else None
        best = formulas[-1]
        return bool(callback(Progress("search", seconds, remaining, passes, best, best.loss)))

    result = _core.search(
        X,
        y,
        weights,
        list(names),
        list(operators),
        max_size,
        time,
        evaluations or 0,
        threads or 0,
        seed,
        start,
        report,
    )
    return result["front"], result["reason"], result["evaluations"], result["seconds"]
