"""Wide tables: the search begins with sums of terms."""

from __future__ import annotations

import math

import numpy as np
import pytest

import closedform as cf
from closedform import _core
from closedform.searches.api import search
from closedform.searches.progress import Progress

OPERATORS = ("+", "-", "*", "/", "exp", "log", "sqrt", "square", "abs", "tanh")
NAMES = tuple(f"x{j + 1}" for j in range(8))


def wide_table(rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    X = rng.uniform(0.5, 3.0, (rows, len(NAMES)))
    y = np.exp(0.3 * X[:, 0] * X[:, 1] - 0.4 * X[:, 2] / X[:, 3] + 0.2 * np.sqrt(X[:, 4]))
    return X, y * np.exp(0.02 * rng.standard_normal(rows))


def test_same_front_for_any_number_of_threads() -> None:
    X, y = wide_table(150)
    fronts = [
        search(
            X,
            values=y,
            operators=OPERATORS,
            max_size=40,
            time=math.inf,
            evaluations=16000,
            threads=threads,
        )
        for threads in (1, 3)
    ]
    assert [(f.text, f.loss) for f in fronts[0]] == [(f.text, f.loss) for f in fronts[1]]


def test_front_is_at_least_as_good_as_the_sums() -> None:
    X, y = wide_table(150)
    weights = 1 / y**2
    sums = _core.sums_of_terms(
        X, y, weights, list(NAMES), list(OPERATORS), 40, math.inf, 10, 2, 0, None
    )
    front = search(
        X,
        values=y,
        weights=weights,
        operators=OPERATORS,
        max_size=40,
        time=math.inf,
        evaluations=20000,
        start=[text for text, _ in sums],
    )
    for text, loss in sums:
        size = cf.Formula(text, NAMES).complexity
        # Constants may be simple numbers within two standard errors.
        assert min(f.loss for f in front if f.complexity <= size) < loss * (1 + 5 / len(y))


def test_stops_when_asked() -> None:
    X, y = wide_table(400)
    phases: list[str] = []

    def stop(progress: Progress) -> bool:
        phases.append(progress.phase)
        return True

    front = search(X, values=y, operators=OPERATORS, max_size=60, time=60, callback=stop)
    assert front.stopped == "interrupted"
    assert phases == ["sums of terms"]


def test_exception_of_the_callback_arrives() -> None:
    X, y = wide_table(400)

    def fail() -> bool:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        _core.sums_of_terms(X, y, None, list(NAMES), list(OPERATORS), 60, 20.0, 0, 2, 0, fail)


def test_without_products_there_are_none() -> None:
    X, y = wide_table(50)
    assert _core.sums_of_terms(X, y, None, list(NAMES), ["+", "sin"], 30, 1.0, 0, 1, 0, None) == []


def test_nobody_listens_nothing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    core_search = _core.search

    def searched(*arguments: object) -> object:
        given.append(arguments[10])  # the callback
        return core_search(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(_core, "search", searched)
    X, y = wide_table(50)
    search(X, values=y, evaluations=100, time=math.inf)
    search(X, values=y, evaluations=100, time=math.inf, callback=lambda _: False)
    assert given[0] is None
    assert given[1] is not None
