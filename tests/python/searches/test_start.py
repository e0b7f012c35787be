"""Formulas to begin with, and the loss to stop at, wherever something is searched."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import closedform as cf

BUDGET: dict[str, Any] = {"evaluations": 300, "time": math.inf, "threads": 1, "progress": False}
X = np.random.default_rng(0).uniform(0.5, 3, (60, 2))
LAW = "3.5*exp(-1.7*x1)*sin(2.3*x2 + 0.4*x1) + 0.2*x2"
NEAR = "3.4*exp(-1.6*x1)*sin(2.25*x2 + 0.45*x1) + 0.1*x2"  # its constants are refitted


@pytest.mark.parametrize("start", [NEAR, [NEAR], cf.Front([cf.Formula(NEAR, ["x1", "x2"])])])
def test_a_search_begins_with_what_is_given(start: Any) -> None:
    y = cf.Formula(LAW, ["x1", "x2"])(X)
    assert cf.search(X, values=y, **BUDGET).best.loss > 1e-6
    assert cf.search(X, values=y, start=start, **BUDGET).best.loss < 1e-20


def test_a_discovery_begins_with_it_and_stops_at_a_loss() -> None:
    y = cf.Formula(LAW, ["x1", "x2"])(X) + np.random.default_rng(1).normal(scale=0.02, size=60)
    found = cf.discover(X, y, start=[NEAR, "x1"], stop_loss=1e-3, **BUDGET)
    assert found.stopped == "good enough"
    assert found.surrogate is None  # the first look was enough
    assert found.formula.loss < 1e-3
    front = cf.search(X, values=y, start=LAW, stop_loss=1e-3, **BUDGET)
    assert front.stopped == "good enough"


def test_a_warm_estimator_goes_on_where_it_was() -> None:
    y = cf.Formula(LAW, ["x1", "x2"])(X)
    told = {"evaluations": 300, "time": math.inf, "random_state": 0, "strategy": "direct"}
    model = cf.ClosedFormRegressor(**told, start=NEAR).fit(X, y)
    found = model.formula_.text
    assert model.set_params(start=None, warm_start=True).fit(X, y).formula_.text == found
    assert model.set_params(warm_start=False).fit(X, y).formula_.loss > 1e-6
    signs = np.sign(X[:, 0] * X[:, 1] - 2)
    told = {"evaluations": 100, "random_state": 0}
    chosen = cf.ClosedFormClassifier(**told, start="x1*x2 - 2", warm_start=True).fit(X, signs)
    assert chosen.set_params(start=None).fit(X, signs).score(X, signs) == 1.0


def test_a_saved_front_keeps_the_users_operators(tmp_path: Path) -> None:
    own = ["+", "*", {"bell": "exp(-x**2)"}]
    y = np.exp(-(X[:, 0] ** 2)) * X[:, 1]
    path = tmp_path / "front.json"
    found = cf.search(X, values=y, operators=own, **BUDGET)
    found.save(path)
    again = cf.Front.load(path)
    assert again.best.text == found.best.text == "x2*bell(x1)"
    np.testing.assert_array_equal(again.best(X), found.best(X))
    few = BUDGET | {"evaluations": 1}
    assert cf.search(X, values=y, start=again, operators=own, **few).best == found.best
    # Where the operator is none, or another, what it stands for is written out.
    for others in (["*", "exp", "square"], [*own[:2], "exp", {"bell": "exp(-x)"}]):
        begun = cf.search(X, values=y, start=again, operators=others, **few).best
        np.testing.assert_allclose(begun(X), y, rtol=1e-9)
