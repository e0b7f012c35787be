"""Threads of Python side by side, with the interpreter's lock and, in a free-threaded Python,
without: what each finds is what it finds alone."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import Any

import numpy as np

import closedform as cf

X = np.random.default_rng(0).uniform(1, 2, (80, 2))
TARGETS = (X[:, 0] * np.sin(2 * X[:, 1]) + X[:, 0], np.exp(-X[:, 0]) * X[:, 1] / (1 + X[:, 1]))
SETTINGS: dict[str, Any] = {"modes": 2, "segments": 4, "smoothing": 1e-6, "time": inf}
SHARED = cf.Surrogate(**SETTINGS).fit(X, TARGETS[0])


def work(seed: int) -> tuple[object, ...]:
    y = TARGETS[seed % 2]
    budget: dict[str, Any] = {"evaluations": 2000, "time": inf, "threads": 1, "seed": seed}
    front = cf.search(X, values=y, **budget)
    surrogate = cf.Surrogate(**SETTINGS, threads=1).fit(X, y)
    return (
        front.best.latex(),
        front.best.gradient(X).tobytes(),
        [(formula.text, formula.loss) for formula in front],
        surrogate.predict(X).tobytes(),
        SHARED.hessian(X).tobytes(),
    )


def test_what_threads_find_is_what_each_finds_alone() -> None:
    alone = [work(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == alone


def test_importing_the_core_leaves_the_lock_as_it_is() -> None:
    """An extension that does not say that it needs no lock brings it back for all."""
    asked = getattr(sys, "_is_gil_enabled", None)
    without = "free-threading" in sys.version
    assert (asked is not None and not asked()) == without
