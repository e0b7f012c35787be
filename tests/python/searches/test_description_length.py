"""The choice: what is simple and says much, never what noise or copies say."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

import closedform as cf
from closedform.formulas.noise import Absolute, Counts, Mixed, Noise
from closedform.searches.aliases import aliased
from closedform.searches.description_length import shortest_description
from closedform.searches.effective_rows import effective_share, neighbours_of
from closedform.searches.judged import MOST_ROWS, judged, sample_of
from closedform.searches.objectives import Values
from closedform.searches.settings import Arguments, checked_settings

SETTINGS = checked_settings(Arguments(operators="+ - * / sin exp log square"))


def test_constants_become_simple_where_the_data_agree() -> None:
    rng = np.random.default_rng(1)
    X = rng.uniform(1.0, 3.0, (200, 1))
    y = np.pi * X[:, 0] ** 2 + 0.5 + 0.01 * rng.normal(size=200)
    fitted = cf.Formula("3.1*x1**2 + 0.6", ["x1"]).refit(X, y)
    choice = shortest_description([fitted], X, Values.of(y, None), SETTINGS)
    first, second = choice.chosen.constants()
    assert (first.value, second.value) == (np.pi, 0.5)
    assert (str(first), str(second)) == ("pi", "1/2")
    assert first.fixed
    assert second.fixed
    refitted = choice.chosen.formula
    refitted.constants = choice.chosen.constants()
    assert refitted.readable == "pi*x1**2 + (1/2)"
    assert 0 < first.standard_error < 0.01  # of a fit of all


def test_a_measured_constant_is_none_of_the_form() -> None:
    rng = np.random.default_rng(2)
    X = rng.uniform(1.0, 3.0, (50, 1))
    y = 470 * X[:, 0] + 40 * rng.normal(size=50)
    one = judged(
        cf.Formula("470*x1", ["x1"]), Absolute(), sample_of(X, Values.of(y, None), 0), 12, math.inf
    )
    constant = one.constants()[0]
    assert not constant.fixed
    assert constant.standard_error == pytest.approx(40 / np.linalg.norm(X), rel=0.3)
    assert str(constant) == f"470.0({10 * constant.standard_error:.0f})"


@pytest.mark.parametrize("noise", [Absolute(), Mixed(), Counts()])
def test_every_parameter_of_the_noise_has_its_price(noise: Noise) -> None:
    rng = np.random.default_rng(6)
    X = rng.uniform(1.0, 3.0, (50, 1))
    y = rng.poisson(9 * X[:, 0]).astype(np.float64)
    sample = sample_of(X, Values.of(y, None, (noise,)), 0)
    one = judged(cf.Formula("9*x1", ["x1"]), noise, sample, 12, math.inf)
    costs = noise.costs(y, one.formula(X), one.parameters)
    assert one.data - costs.sum() == pytest.approx(noise.free * 0.5 * math.log(50))


def test_the_constant_unless_it_is_beaten_clearly() -> None:
    rng = np.random.default_rng(3)
    X, y = rng.random((40, 1)), rng.normal(size=40)
    formulas = [cf.Formula("0.1", ["x1"]), cf.Formula("sin(40*x1)", ["x1"]).refit(X, y)]
    choice = shortest_description(formulas, X, Values.of(y, None), SETTINGS)
    assert choice.best == 0
    y = X[:, 0] + 0.1 * rng.normal(size=40)
    formulas = [cf.Formula("0.1", ["x1"]), cf.Formula("x1", ["x1"])]
    choice = shortest_description(formulas, X, Values.of(y, None), SETTINGS)
    assert choice.best == 1
    assert choice.gain > 5


@pytest.mark.parametrize("copies", [1, 2, 5])
def test_copies_of_a_row_are_one(copies: int) -> None:
    rng = np.random.default_rng(4)
    X, z = np.repeat(rng.random((60, 3)), copies, 0), np.repeat(rng.normal(size=60), copies)
    order = rng.permutation(len(z))
    near = X[order] + 1e-5 * rng.normal(size=X.shape)
    assert effective_share(z[order], neighbours_of(near)) == pytest.approx(1 / copies, rel=0.25)


def test_a_table_of_places_is_no_formula() -> None:
    """However many copies each place has, what has a constant for every one of them fits."""
    rng = np.random.default_rng(6)
    places = np.linspace(0, 1, 8)[:, None]
    X = np.repeat(places, 5, axis=0) + 1e-6 * rng.normal(size=(40, 1))
    small = 1e-3 * rng.normal(size=40)
    names = ["x1"]
    objective = Values.of(np.repeat(rng.normal(size=8), 5) + small, None)
    powers = np.polynomial.Polynomial.fit(X[:, 0], objective.y, 7).convert().coef
    text = " + ".join(f"{c!r}*x1**{k}" for k, c in enumerate(powers.tolist()))
    table = cf.Formula(text, names)
    assert np.abs(table(X) - objective.y).max() < 0.1
    choice = shortest_description([cf.Formula("0.1", names), table], X, objective, SETTINGS)
    assert choice.best == 0
    objective = Values.of(2.0 * X[:, 0] + 1.0 + small, None)
    line = cf.Formula("2.5*x1 + 0.5", names).refit(X, objective.y)
    choice = shortest_description([cf.Formula("0.1", names), line], X, objective, SETTINGS)
    assert choice.best == 1


def test_rows_of_a_series_are_fewer() -> None:
    rng = np.random.default_rng(5)
    z = np.zeros(400)
    for i in range(1, 400):
        z[i] = 0.8 * z[i - 1] + rng.normal()
    share = effective_share(z, neighbours_of(rng.random((400, 2))))
    assert 0.03 < share < 0.3  # 1/9 by theory


def test_exact_means_more_than_as_many_constants_as_rows() -> None:
    X = np.arange(1.0, 9.0)[:, None]
    y = np.random.default_rng(6).normal(size=8)
    found = cf.discover(X, y, evaluations=40_000, time=math.inf)
    assert found.stopped != "exact"
    assert not found.verdict.exact


def test_a_polynomial_has_the_form_with_the_simplest_constants() -> None:
    X = np.linspace(-10.0, 10.0, 41)[:, None]
    y = 1985 + 7 * X[:, 0] + 23 * X[:, 0] ** 2
    square = cf.Formula("23*(x1 + 0.15217391304347827)**2 + 1984.4673913043478", ["x1"]).refit(X, y)
    choice = shortest_description([square], X, Values.of(y, None), SETTINGS)
    assert sorted(str(constant) for constant in choice.chosen.constants()) == ["1985", "23", "7"]


def test_oscillations_faster_than_the_rows_are_none() -> None:
    X = np.arange(40.0)[:, None]
    fast, slow = "cos(6.783185307179586*x1)", "cos(0.5*x1)"
    expressions = [cf.Formula(text, ["x1"])._expression for text in (fast, slow)]
    assert [aliased(expression, X) for expression in expressions] == [True, False]
    several = cf.Formula("cos(40*x1*x2) + sin(x2)", ["x1", "x2"])._expression
    assert not aliased(several, np.random.default_rng(0).random((40, 2)))


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_weights_that_are_no_counts_say_what_rows_weigh_beside_one_another(size: float) -> None:
    rng = np.random.default_rng(7)
    X, weights = rng.random((80, 1)), rng.uniform(0.1, 1.0, 80)
    y = 3 * X[:, 0] + 0.1 * rng.normal(size=80)
    formulas = [cf.Formula(text, ["x1"]) for text in ("1.5", "3*x1")]
    choice = shortest_description(formulas, X, Values.of(y, size * weights), SETTINGS)
    assert choice.best == 1
    assert choice.gain == pytest.approx(141, rel=0.15)  # of 65 rows


def test_what_is_a_simple_number_but_for_rounding_is_said_as_one() -> None:
    X = np.linspace(-10.0, 10.0, 41)[:, None]
    y = 1985 + 7 * X[:, 0] + 23 * X[:, 0] ** 2
    found = cf.discover(X, y, evaluations=20_000, time=np.inf)
    assert found.formula.text == "7*x1 + 23*x1**2 + 1985"


def test_a_sample_of_many_rows_takes_memory_for_those_drawn_alone() -> None:
    X, y = np.random.default_rng(0).uniform(size=(1_000_000, 2)), np.zeros(1_000_000)
    objective = Values(y, None)
    tracemalloc.start()
    sample = sample_of(X, objective, seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(sample.y) == MOST_ROWS
    assert peak < 2e6  # a number for each row are 8e6
