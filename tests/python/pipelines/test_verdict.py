"""Verdicts: a law, an approximation, or nothing, and what is said of each."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import closedform as cf
from closedform.formulas.singularities import box_of, finite_in_box
from closedform.pipelines.changes import goes_along
from closedform.pipelines.structure_left import structure_left
from closedform.pipelines.verdict import CLEAN, judge
from closedform.searches.description_length import _Judge, shortest_description
from closedform.searches.objectives import Values
from closedform.searches.settings import Arguments, checked_settings


def discovered(X: np.ndarray, y: np.ndarray, evaluations: int = 30_000, **more: object):  # type: ignore[no-untyped-def, type-arg]
    return cf.discover(X, y, evaluations=evaluations, time=math.inf, **more)  # type: ignore[arg-type]


def test_a_law_with_noise() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 3.0, (200, 2))
    found = discovered(X, X[:, 0] * np.exp(X[:, 1]) + 0.3 * rng.normal(size=200))
    assert str(found.formula) == "x1*exp(x2)"
    assert found.verdict.kind == "law"
    assert found.verdict.finite == "proven"
    assert str(found.verdict).startswith("law: ")


def test_errors_in_proportion_over_decades() -> None:
    rng = np.random.default_rng(1)
    X = np.exp(rng.uniform(-9, 9, (60, 3)))
    y = 6.7e-3 * X[:, 0] * X[:, 1] / X[:, 2] ** 2 * (1 + 0.1 * rng.normal(size=60))
    found = discovered(X, y)
    assert found.noise.main.kind in ("relative", "log")
    size = found.formula(X) * X[:, 2] ** 2 / (X[:, 0] * X[:, 1])
    assert np.ptp(size) < 1e-9
    assert found.formula.constants[0].interval[0] < 6.7e-3 < found.formula.constants[0].interval[1]
    assert found.verdict.kind == "law"


def test_outliers_do_not_bend_a_law() -> None:
    rng = np.random.default_rng(2)
    X = rng.uniform(0.5, 3.0, (150, 2))
    y = X[:, 0] ** 2 + X[:, 1] + 0.02 * rng.normal(size=150)
    y[:4] += 50
    found = discovered(X, y)
    assert found.noise.main.kind == "robust"
    assert str(found.formula) in ("x1**2 + x2", "x2 + x1**2")
    assert found.outliers[:4] == (0, 1, 2, 3)
    assert len(found.outliers) < 15


@pytest.mark.parametrize("kind", ["normal", "cauchy", "walk"])
def test_nothing_follows_from_noise(kind: str) -> None:
    rng = np.random.default_rng(3)
    X, y = rng.random((100, 2)), rng.normal(size=100)
    if kind == "cauchy":
        y = rng.standard_cauchy(100)
    if kind == "walk":
        X, y = rng.normal(size=(100, 2)).cumsum(axis=0), y.cumsum()
    found = discovered(X, y)
    assert found.verdict.kind == "no law"
    assert not found.formula.inputs


def test_few_rows_of_a_law() -> None:
    a = np.array([0.389, 0.724, 1.0, 1.524, 5.20, 9.510])
    y = np.array([87.77, 224.70, 365.25, 686.95, 4332.62, 10759.2])
    found = discovered(a[:, None], y)
    ratio = found.formula(a[:, None]) / a**1.5
    assert np.ptp(ratio) < 1e-9 * ratio[0]
    assert found.errors["direct"] is not None
    assert 0 < found.errors["direct"].mean_relative < 0.02


def test_structure_left_in_residuals() -> None:
    rng = np.random.default_rng(4)
    X = rng.random((200, 2))
    z = rng.normal(size=200)
    assert structure_left(X, z) < 2
    assert structure_left(X, z + 2 * np.sin(6 * X[:, 0])) > 10


def test_steps_leave_teeth_in_the_order_of_their_input() -> None:
    X = np.random.default_rng(0).uniform(0.5, 10.0, (300, 2))
    y = np.floor(X[:, 0]) + X[:, 1]
    teeth = y - X.sum(axis=1) + 0.5
    assert structure_left(X, teeth / teeth.std()) > 20
    assert discovered(X, y).verdict.kind == "approximation"


@pytest.mark.parametrize("seed", [0, 3])
def test_walks_have_nothing_to_do_with_one_another(seed: int) -> None:
    walks = np.random.default_rng(seed).normal(size=(100, 4)).cumsum(axis=0)
    assert discovered(walks[:, :3], walks[:, 3], 3000).verdict.kind == "no law"


def test_what_changes_as_the_target_does_goes_along_in_any_order() -> None:
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0, 10, 300))
    for noise in (0.0, 0.5, 5.0):
        y = 2 * x + noise * rng.normal(size=300)
        for order in (np.arange(300), rng.permutation(300)):
            assert goes_along(y[order], 2 * x[order])
    steps = rng.normal(size=(100, 2))
    y, f = steps.cumsum(axis=0).T
    assert goes_along(y, f) is False
    assert goes_along(y, y + f / 10)


@pytest.mark.parametrize(("rows", "inputs"), [(20, 1), (60, 3), (120, 5)])
def test_noise_seldom_has_structure(rows: int, inputs: int) -> None:
    rng = np.random.default_rng(rows)
    left = [
        structure_left(rng.normal(size=(rows, inputs)), rng.normal(size=rows)) for _ in range(100)
    ]
    assert np.mean(np.array(left) >= CLEAN) <= 0.1


def test_residuals_are_looked_at_where_they_were_taken() -> None:
    rng = np.random.default_rng(6)
    X = rng.random((6000, 1))  # more than formulas are judged on
    y = X[:, 0] + 0.3 * np.sin(9 * X[:, 0]) + 0.1 * rng.normal(size=6000)
    objective = Values.of(y, None)
    formulas = [cf.Formula(text, ["x1"]) for text in ("0.6", "x1")]
    choice = shortest_description(formulas, X, objective, checked_settings(Arguments(seed=3)))
    verdict = judge(choice, choice.chosen.formula, X, objective, {})
    assert verdict.kind == "approximation"
    assert verdict.left > 100  # of other rows: 18


def test_poles_between_the_rows() -> None:
    X = np.random.default_rng(5).random((50, 4))
    text = {
        "proven": "1/(x1**2 - x1 + 0.26)",
        "no": "1/(x1 - 0.5)",
        "not proven": "1/((x1 - x2)*(x1 - x2) + (x3 - x4)*(x3 - x4) + 1e-9)",
    }
    for what, formula in text.items():
        expression = cf.Formula(formula, ["x1", "x2", "x3", "x4"])._expression
        assert finite_in_box(expression, *box_of(X)) == what


@pytest.mark.parametrize(("ahead", "best"), [(6.0, 0), (14.0, 1)])
def test_a_pole_between_rows_costs_ten_nats(ahead: float, best: int) -> None:
    x = np.array([0.0, 1.0, 1.1, 1.2, 5.0, 5.1, 5.2, 5.3])  # the nearest two are on one side
    judge = _Judge(x[:, None], Values.of(x**2, None), checked_settings(Arguments()), math.inf)
    found = [
        replace(judge.best_of(cf.Formula(text, ["x1"])), data=data, structure=0.0)
        for text, data in (("x1**2 - 1", 0.0), ("1/(x1 - 3)", -ahead))
    ]
    assert judge.without_pole(found, [1, 0], [False, False]) == (best, best == 1)
    assert [one.length for one in found] == [0.0, 10.0 - ahead]


def test_a_formula_with_a_pole_has_to_beat_the_constant_by_its_price_too() -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.uniform(0, 2, 30), rng.uniform(4, 6, 30)])
    y = 1.6 / (x - 3) + rng.normal(size=60)
    formulas = [cf.Formula(t, ["x1"]).refit(x[:, None], y) for t in ("0.5", "1/(x1 - 3)")]
    settings = checked_settings(Arguments())
    choice = shortest_description(formulas, x[:, None], Values.of(y, None), settings)
    assert choice.best == 0
    assert 0 < choice.constant.length - choice.judged[1].length < 5  # 13 without the pole's price
