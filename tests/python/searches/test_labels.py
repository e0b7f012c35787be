"""Direct symbolic classification: the hinge loss on labels."""

from __future__ import annotations

import math

import numpy as np
import pytest

import closedform as cf
from closedform.errors import InputError

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (600, 2))
LABELS = X[:, 0] ** 2 + 2 * X[:, 1] ** 2 > 1
BUDGET = {"operators": "+ - * /", "time": math.inf, "evaluations": 60_000, "seed": 0}


def test_a_rule_is_found_and_its_loss_is_that_of_its_text() -> None:
    front = cf.search(X, labels=LABELS, **BUDGET)
    fresh = RNG.uniform(-1, 1, (2000, 2))
    truth = fresh[:, 0] ** 2 + 2 * fresh[:, 1] ** 2 > 1
    assert np.mean((front.best(fresh) > 0) == truth) > 0.98
    signs = np.where(LABELS, 1.0, -1.0)
    for formula in front:
        hinge = np.maximum(0, 1 - signs * formula(X)).mean()
        assert formula.loss == pytest.approx(hinge, rel=1e-12, abs=1e-15)


def test_any_two_classes_will_do_and_weights_count() -> None:
    words = np.where(LABELS, "outside", "inside")  # the larger is where expressions are positive
    assert cf.search(X, labels=words, **BUDGET).best == cf.search(X, labels=LABELS, **BUDGET).best
    # Wrong labels of no weight change nothing.
    wrong, weights = LABELS.copy(), np.ones(600)
    wrong[::7], weights[::7] = ~LABELS[::7], 0.0
    best = cf.search(X, labels=wrong, weights=weights, **BUDGET).best
    assert np.mean((best(X) > 0) == LABELS) > 0.97


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS[:5], "labels: has shape"),
        (np.zeros(600), "labels: has 1 different"),
        (np.arange(600), "labels: has 600 different"),
        (np.full(600, np.nan), "labels: holds values"),
    ],
)
def test_labels_that_cannot_be_used(labels: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cf.search(X, labels=labels, **BUDGET)


def test_exactly_one_target() -> None:
    with pytest.raises(InputError, match="give exactly one"):
        cf.search(X, **BUDGET)
    with pytest.raises(InputError, match="values and labels given"):
        cf.search(X, values=X[:, 0], labels=LABELS, **BUDGET)


def test_few_rows_of_many_weigh_anything() -> None:
    rows = np.random.default_rng(4).uniform(-1, 1, (3000, 2))
    weights = np.zeros(3000)
    weights[::600] = 1.0
    G = np.tile([1.0, 2.0], (3000, 1))
    budget = {"operators": "+ - *", "time": math.inf, "evaluations": 20_000, "weights": weights}
    assert cf.search(rows, labels=rows[:, 0] > 0, **budget).best.loss < 1
    front = cf.search(rows, gradients=G, symmetries=False, **budget)
    assert front.best.loss < 1e-20
