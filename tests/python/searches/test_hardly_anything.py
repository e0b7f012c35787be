"""Searches that find hardly anything still have a front: at least the constant is on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import closedform as cf

RNG = np.random.default_rng(5)
X = RNG.normal(size=(40, 3))
Y = RNG.normal(size=40)
ONE_ROW = np.where(np.arange(40) < 5, 1.0, 1e-12)


@pytest.mark.parametrize(
    "goal",
    [
        {"values": Y},
        {"values": Y, "weights": np.full(40, 1e90)},
        {"values": Y, "weights": ONE_ROW},
        {"values": Y, "noise": "robust"},
        {"gradients": RNG.normal(size=(40, 3))},
        {"gradients": 1e-300 * RNG.normal(size=(40, 3))},
        {"labels": Y > 1.5},
    ],
)
def test_a_search_of_one_evaluation_has_a_front(goal: dict[str, Any]) -> None:
    front = cf.search(X, **goal, evaluations=1, threads=1)
    assert len(front) >= 1
    assert front.best in list(front)
    assert np.isfinite(front.best.loss)


@pytest.mark.parametrize("weights", [None, np.full(40, 1e90), ONE_ROW])
def test_discovery_of_one_evaluation_has_a_formula(weights: Any) -> None:
    found = cf.discover(X, Y, weights=weights, evaluations=1, threads=1)
    assert found.verdict.kind in ("law", "approximation", "no law")
    assert np.isfinite(found.formula(X)).all()
    assert all(errors is None or np.isfinite(errors.rmse) for errors in found.errors.values())
