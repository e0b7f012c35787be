"""Search: laws found at their size, the same for any number of threads, nothing lost."""

from __future__ import annotations

import math
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import closedform as cf
from closedform.formulas.formula import scored
from closedform.searches.objectives import Values
from closedform.searches.progress import Progress
from closedform.searches.settings import Arguments, checked_settings
from closedform.searches.values import chosen_front
from closedform.tables.checks import Matrix


def _uniform(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-2, 2, (rows, columns))


def _recovered(formula: cf.Formula, law: str, low: float = -2, high: float = 2) -> bool:
    """Equal to the law at fresh points, and no larger."""
    truth = cf.Formula(law, formula.names)
    X = np.random.default_rng(99).uniform(low, high, (500, len(formula.names)))
    scale = np.abs(truth(X)).max()
    same = np.abs(formula(X) - truth(X)).max() <= 1e-9 * scale
    return bool(same) and formula.complexity <= truth.complexity


@pytest.mark.parametrize(
    "law", ["x1*(x2 + x3) + sin(x3)", "exp(x1)/(x2**2 + 1.5)", "3*x1*x2 - 0.25"]
)
def test_laws_without_noise_are_found(law: str) -> None:
    X = _uniform(300, 3)
    y = cf.Formula(law, ("x1", "x2", "x3"))(X)
    front = cf.search(X, values=y, time=20, seed=1)
    assert front.stopped == "exact"
    assert _recovered(front.best, law), front
    for formula in front:
        np.testing.assert_allclose(np.mean((formula(X) - y) ** 2), formula.loss, rtol=1e-12)


def test_noise_is_not_fitted() -> None:
    rng = np.random.default_rng(5)
    X = rng.uniform(-20, 20, (1000, 3))
    y = X[:, 0] * (28 - X[:, 2]) - X[:, 1]
    y += 0.01 * y.std() * rng.normal(size=1000)
    front = cf.search(X, values=y, time=math.inf, evaluations=100_000, operators="+ - * / sin")
    best = front.best
    assert best.complexity <= 9
    fresh = rng.uniform(-20, 20, (200, 3))
    truth = fresh[:, 0] * (28 - fresh[:, 2]) - fresh[:, 1]
    assert np.abs(best(fresh) - truth).max() < 0.02 * np.abs(truth).max()


def test_threads_do_not_change_the_result() -> None:
    X = _uniform(800, 2)
    y = np.tan(X[:, 0]) * X[:, 1] + np.random.default_rng(0).normal(size=800)
    one, two = (
        cf.search(X, values=y, time=math.inf, evaluations=20_000, threads=threads, seed=3)
        for threads in (1, 2)
    )
    assert list(one) == list(two)
    assert [f.loss for f in one] == [f.loss for f in two]


def _hard() -> tuple[np.ndarray, np.ndarray]:
    """Vladislavleva 8: in its fronts are formulas sympy's trigsimp takes a minute for."""
    X = np.random.default_rng(1).uniform(0.05, 6.05, (50, 2))
    a, b = X[:, 0] - 3, X[:, 1] - 3
    return X, (a**4 + b**3 - b) / ((b + 1) ** 4 + 10)


@pytest.mark.parametrize("max_size", [30, 200])
def test_time_holds_for_the_whole_search(max_size: int) -> None:
    X, y = _hard()
    began = time.process_time()
    front = cf.search(X, values=y, time=2, max_size=max_size, threads=1)
    assert time.process_time() - began < 2 * 1.1 + 1
    assert front.stopped == "time"
    for formula in front:
        assert formula.loss == pytest.approx(np.mean((formula(X) - y) ** 2), rel=1e-12)


def test_ctrl_c_is_heard_within_an_epoch() -> None:
    X, y = _hard()
    search = cf.search  # which imports, and must not be interrupted there
    interrupt = threading.Timer(1.5, signal.raise_signal, [signal.SIGINT])
    interrupt.start()
    front = search(X, values=y, time=60, max_size=200)
    assert front.stopped == "interrupted"


def test_a_callback_sees_formulas_and_can_stop(tmp_path: Path) -> None:
    X = _uniform(200, 2)
    y = np.random.default_rng(1).normal(size=200)
    seen: list[Progress] = []

    def callback(progress: Progress) -> bool:
        seen.append(progress)
        return progress.best is not None and len(seen) >= 3

    path = tmp_path / "checkpoint.json"
    front = cf.search(X, values=y, time=30, callback=callback, options={"checkpoint": path})
    assert front.stopped == "interrupted"
    assert len(seen) >= 3
    assert seen[-1].best is not None
    assert seen[-1].evaluations > 0
    assert len(cf.Front.load(path)) >= 1


@pytest.mark.parametrize(
    ("start", "shortest"),
    [
        ("x1*sin(x2) + 6.75e15*x2**3/(x1**2 - 1.5e16)", "x1*sin(x2) - 0.45*x2**3"),
        ("3e14*x1/(x2 + 1e14) + x2", "x2 + 3*x1"),
        ("x1*(x2 + 1e6)", "x1*(x2 + 1e6)"),  # little, but it matters
    ],
)
def test_an_addend_goes_only_where_it_changes_nothing(start: str, shortest: str) -> None:
    X = _uniform(200, 2)
    truth = cf.Formula(start, ["x1", "x2"])
    front = cf.search(X, values=truth(X), time=math.inf, evaluations=1, start=[start])
    assert np.allclose(front.best(X), truth(X), rtol=1e-9, atol=0)
    assert front.best.complexity == cf.Formula(shortest, ["x1", "x2"]).complexity


def test_a_search_can_start_from_a_front() -> None:
    X = _uniform(200, 2)
    law = cf.Formula("sin(3.7*x1)*exp(x2/3)/(1.3 + x1*x2*x2) + cos(7*x2)", ("x1", "x2"))
    start = cf.Front([law])
    front = cf.search(X, values=law(X), time=math.inf, evaluations=2000, start=start)
    assert front.best.loss < 1e-20


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"operators": ["+", "sinus"]}, "operators: 'sinus' is unknown"),
        ({"operators": []}, "operators: none given"),
        ({"max_size": 0}, "max_size"),
        ({"time": -1}, "time"),
        ({"time": math.inf}, "time: no limit"),
        ({"evaluations": 0}, "evaluations"),
        ({"threads": 0}, "threads"),
        ({"seed": -1}, "seed"),
        ({"backend": "pyser"}, "backend"),
        ({"options": {"populations": 3}}, "options: 'populations' is unknown"),
        ({"weights": np.zeros(50)}, "weights"),
        ({"values": np.full(50, np.nan)}, "values: row 0 is NaN"),
        ({"values": np.zeros(49)}, "values: has 49 values for 50 rows"),
    ],
)
def test_arguments_that_cannot_be_used(change: dict[str, object], words: str) -> None:
    arguments: dict[str, object] = {"values": np.arange(50.0), "time": 1} | change
    with pytest.raises(ValueError, match=words):
        cf.search(_uniform(50, 2), **arguments)  # type: ignore[arg-type]


def test_what_is_larger_than_asked_is_not_shown() -> None:
    X = np.random.default_rng(0).uniform(1, 2, (60, 2))
    y = X[:, 0] * X[:, 1] + X[:, 0]
    settings = checked_settings(Arguments(max_size=5))
    table, objective = Matrix(X, ("x1", "x2")), Values.of(y, None)
    texts = ["x1*x2 + x1", "x1*x2 + x1 + 1e-3*x2", "x1*x2", "x1"]
    found = scored(texts, table.names, X, objective.goal)
    front, _ = chosen_front(found, table, objective, settings)
    assert max(formula.complexity for formula in front) == 5
