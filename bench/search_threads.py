"""How a search takes to threads: two of them measured, more by a model from islands' own times.

The model hands islands out to threads in their order, an epoch at a time, as the search does, and
knows nothing of memory that threads share: a search's rows and tapes lie in the caches.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Sequence

import numpy as np

from bench import engines
from bench.record import Record
from closedform import _core

ROWS, NAMES = 200, ("a", "b", "c", "d")
SHORT = 20  # what is searched twice, for the measurement, takes so small a share
MODELLED = (2, 8, 16, 32, 64)


def run(*, evaluations: int, threads: int, seed: int) -> list[Record]:
    """Noise that hides the law keeps the search busy.

    threads: those that are measured against one.
    """
    X, goal = _task(seed)

    def search(evaluations: int, threads: int) -> tuple[_core.SearchReport, float]:
        operators, size = engines.OPERATORS, engines.MAX_SIZE
        begun = time.perf_counter()
        found = _core.search(
            X, goal, NAMES, operators, size, math.inf, evaluations, threads, seed, [], None, 0.0
        )
        return found, time.perf_counter() - begun

    few = evaluations // SHORT
    alone, seconds = search(few, 1)
    together, shared = search(few, threads)
    assert together["front"] == alone["front"], "threads changed the result"
    epochs = search(evaluations, 1)[0]["epochs"]
    last = [one for one in epochs if len(one) == len(epochs[-1])]
    model = f"model: {_modelled(epochs, MODELLED)}; {len(epochs[-1])} islands at the end"
    note = f"{model}, there {_modelled(last, MODELLED[1:])}"
    return [
        Record(
            "search.threads",
            {"evaluations": evaluations},
            "the same front",
            seconds / shared,
            unit=f"times as fast with {threads} threads",
            note=f"{note}; of this run {speed_up(alone['epochs'], threads):.2f}",
        )
    ]


def _modelled(epochs: Sequence[Sequence[float]], threads: Sequence[int]) -> str:
    return ", ".join(f"{n} threads {speed_up(epochs, n):.1f}" for n in threads)


def _task(seed: int) -> tuple[np.ndarray, _core.Goal]:
    rng = np.random.default_rng(seed)
    X = rng.uniform(0.5, 3.0, (ROWS, len(NAMES)))
    a, b, c, d = X.T
    y = a * np.exp(-b) / (1 + c**2) + np.sin(2 * d) + 0.05 * rng.normal(size=ROWS)
    return X, _core.Goal.values(y, None)


def speed_up(epochs: Sequence[Sequence[float]], threads: int) -> float:
    """The islands' seconds over those of the busiest threads, epoch by epoch."""
    return sum(map(sum, epochs)) / sum(_span(islands, threads) for islands in epochs)


def _span(islands: Sequence[float], threads: int) -> float:
    """Until all are done, each taken by the thread that is free first."""
    busy = [0.0] * threads
    for seconds in islands:
        heapq.heapreplace(busy, busy[0] + seconds)
    return max(busy)
