"""Formulas to begin with: constants that no small step finds."""

import math
from dataclasses import replace

import numpy as np
import pytest

import closedform as cf
from closedform.formulas.exponential import exponentials
from closedform.searches.guesses import guesses
from closedform.searches.objectives import Values
from closedform.searches.settings import Arguments, checked_settings
from closedform.searches.shapes import fitted_shapes
from closedform.tables.checks import Matrix

SETTINGS = checked_settings(Arguments())
T = np.linspace(0.05, 10.0, 150)

LAWS = {
    "bell": "3*exp(-((t - 4)/0.3)**2) + 2 + 0.1*t",
    "damped": "3*exp(-0.3*t)*sin(5*t + 1) + 2",
    "logistic": "700/(1 + exp(5 - 0.75*t))",
    "Hill": "3*t**2.7/(2.2**2.7 + t**2.7)",
    "shifted power": "-2500*(t + 46)**(-1/0.93)",
    "far exponential": "0.0056*exp(6180/(t*40 + 345))",
}


@pytest.mark.parametrize("name", LAWS)
def test_what_is_hard_to_fit_is_guessed(name: str) -> None:
    law = cf.Formula(LAWS[name], ["t"])
    y = law(T[:, None])
    found = guesses(Matrix(T[:, None], ("t",)), Values.of(y, None), SETTINGS, math.inf)
    closest = min(np.mean((cf.Formula(text, ["t"])(T[:, None]) - y) ** 2) for text in found)
    assert closest < 1e-6 * np.var(y)


def test_an_annual_cycle_of_years_is_guessed() -> None:
    rng = np.random.default_rng(0)
    year = np.sort(rng.uniform(1958, 2002, 400))
    y = 350 + 1.3 * (year - 1980) + 0.012 * (year - 1980) ** 2 + 3 * np.sin(2 * np.pi * year + 1)
    table = Matrix(year[:, None], ("year",))
    found = guesses(table, Values.of(y, None), SETTINGS, math.inf)
    closest = min(np.mean((cf.Formula(text, ["year"])(year[:, None]) - y) ** 2) for text in found)
    assert closest < 1e-6 * np.var(y)


def test_a_product_of_powers_is_guessed() -> None:
    X = np.random.default_rng(1).uniform(1, 5, (100, 3))
    law = cf.Formula("2.3*a**0.37*b**-1.2*exp(-3/c)", list("abc"))
    found = guesses(Matrix(X, tuple("abc")), Values.of(law(X), None), SETTINGS, math.inf)
    closest = min(np.abs(cf.Formula(text, list("abc"))(X) / law(X) - 1).max() for text in found)
    assert closest < 1e-9


def test_noise_has_no_guesses_and_operators_are_kept_to() -> None:
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(100, 2)), rng.normal(size=100)
    table = Matrix(X, ("a", "b"))
    assert guesses(table, Values.of(y, None), SETTINGS, math.inf) == []
    few = checked_settings(Arguments(operators=("+", "*"), max_size=7))
    line = Values.of(2 * X[:, 0] + 1, None)
    for text in guesses(table, line, few, math.inf):
        formula = cf.Formula(text, ["a", "b"])
        assert formula.operators <= {"+", "*"}
        assert formula.complexity <= 7


def test_a_run_guesses_once_of_the_same_rows_unless_it_had_no_time() -> None:
    table = Matrix(np.random.default_rng(3).normal(size=(100, 2)), ("a", "b"))
    line = Values.of(2 * table.values[:, 0] + 1, None)
    run = checked_settings(Arguments(operators=("+", "*"), max_size=7))
    assert guesses(table, line, run, 0.0) == []
    found = guesses(table, line, run, math.inf)
    assert "2*a + 1" in found
    assert guesses(table, line, run, 0.0) == found
    assert guesses(table, line, replace(run, max_size=1), 0.0) == []  # another question
    assert guesses(table, line, checked_settings(Arguments()), 0.0) == []  # another run


def test_what_is_no_number_is_not_written() -> None:
    assert exponentials(cf.Formula("800 + log(x)", ["x"]), SETTINGS.operators) == []
    rng = np.random.default_rng(3)
    X = np.exp(rng.uniform(20, 70, (40, 2)))
    y = 1e-70 * X[:, 0] ** -3.3 * X[:, 1] * np.exp(0.1 * rng.normal(size=40))
    for text in guesses(Matrix(X, ("a", "b")), Values.of(y, None), SETTINGS, math.inf):
        assert np.isfinite(cf.Formula(text, ["a", "b"])._expression.constants).all()


def test_valleys_are_followed_to_the_bottom() -> None:
    # Bennett5 of NIST's reference data: its three constants make up for one another.
    x = np.linspace(7.4, 11.6, 150)
    y = -2523.5 * (46.7 + x) ** (-1 / 0.932)
    best = min(fitted_shapes(x, y, np.full(150, 1 / 150)))
    assert best[0] < 1e-24
    formula = cf.Formula(best[1], ["x"])
    assert min(abs(abs(c.value) - 46.7) for c in formula.constants) < 1e-4
