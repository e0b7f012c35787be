"""Times of several contestants that take turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

LONG = 5.0  # seconds: what takes so long is not disturbed by a single interruption


def medians(works: Mapping[str, Callable[[], object]], rounds: int = 5) -> dict[str, float]:
    """Median wall-clock seconds of each; a first round warms up and is not counted.

    Whoever takes longer than 5 seconds has one counted call, and none to warm up besides the
    one in which it was found slow, which counts.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    slow: set[str] = set()
    for turn in range(rounds + 1):
        for name, work in works.items():
            if name in slow:
                continue
            begun = time.perf_counter()
            work()
            seconds = time.perf_counter() - begun
            if seconds > LONG:
                slow.add(name)
                times[name] = [seconds]
            elif turn > 0:
                times[name].append(seconds)
    return {name: statistics.median(taken) for name, taken in times.items()}
