"""The link between a formula and a neuron: isotonic, in closed form, and the threshold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import closedform as cf
from closedform._typing import Floats
from closedform.pipelines.monotone_link import (
    MonotoneLink,
    fit_link,
    isotonic,
    rank_correlation,
    rises,
    simple_threshold,
    threshold,
)
from closedform.searches.objectives import Directions, unit
from closedform.searches.settings import Arguments, checked_settings
from closedform.searches.steepest_drop import gradient_errors, steepest_drop

small = st.integers(-5, 5).map(float)


@settings(deadline=None)
@given(st.lists(st.tuples(small, small, st.integers(1, 4).map(float)), min_size=1, max_size=12))
def test_isotonic_is_the_max_min_of_means(rows: list[tuple[float, float, float]]) -> None:
    """At each position: the largest, over starts before it, of the least mean of what follows."""
    t, f, w = np.array(rows).T
    fitted = isotonic(t, f, w)
    for x in t:
        means = [
            [
                np.average(f[(t >= a) & (t <= b)], weights=w[(t >= a) & (t <= b)])
                for b in t
                if b >= x
            ]
            for a in t
            if a <= x
        ]
        assert fitted(x) == pytest.approx(max(min(row) for row in means), abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.tuples(small, st.booleans()), min_size=1, max_size=14))
def test_no_threshold_is_right_more_often(rows: list[tuple[float, bool]]) -> None:
    t = np.array([row[0] for row in rows])
    positive = np.array([row[1] for row in rows])

    def right(cut: float) -> int:
        return int(np.sum((t > cut) == positive))

    best = max(right(cut) for cut in np.arange(-5.5, 6, 0.5))
    found = threshold(t, positive)
    if found is None:
        assert best == max(right(-math.inf), right(math.inf))
    else:
        assert right(found) == best > max(right(-math.inf), right(math.inf))


def test_a_threshold_is_the_middle_of_its_gap() -> None:
    t = np.array([0.0, 1.0, 4.0, 5.0])
    assert threshold(t, t > 2) == 2.5
    # Both cuts around the undecided value 4 are as good: the gap is from 1 to 5.
    t, positive = np.array([0.0, 1.0, 4.0, 4.0, 5.0]), np.array([0, 0, 0, 1, 1], dtype=bool)
    assert threshold(t, positive) == 3.0
    assert threshold(t, np.ones(5, dtype=bool)) is None


@pytest.mark.parametrize(
    ("t", "expected"),
    [
        (np.linspace(-1, 1, 400) + 0.0012, 0.0),
        (np.linspace(0, 2, 400) ** 2 + 0.001, 0.5),
        (1e-219 * np.linspace(1, 2, 400), None),
        (np.exp(-np.linspace(0, 1400, 400)), 0.0),
    ],
)
def test_a_threshold_has_few_digits(t: Floats, expected: float | None) -> None:
    cut = float(t[200]) if expected is None else expected
    positive = t > cut
    found = simple_threshold(t, positive, threshold(t, positive) or math.nan)
    assert len(f"{found:g}".split("e")[0].replace(".", "").strip("0")) <= 3
    if expected is not None:
        assert found == expected
    lost = np.sum((t > found) != positive)
    assert lost <= 4


@settings(deadline=None)
@given(st.lists(st.tuples(small, small), min_size=2, max_size=12))
def test_rank_correlation(rows: list[tuple[float, float]]) -> None:
    def ranks(values: Floats) -> list[float]:
        return [np.sum(values < v) + (np.sum(values == v) + 1) / 2 for v in values]

    a, b = np.array(rows).T
    found = rank_correlation(a, b)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(np.corrcoef(ranks(a), ranks(b))[0, 1], abs=1e-12)


@pytest.mark.parametrize(
    ("name", "low", "high", "answer"),
    [
        ("T*T", 0, 1, True),
        ("T*T", -1, 1, False),
        ("0 - T", 0, 1, False),
        ("T - sin(T)", -20, 20, True),
        ("0 - 1/T", -1, 1, False),
        ("2.0", 0, 1, False),
    ],
)
def test_rising(name: str, low: float, high: float, answer: bool) -> None:
    assert rises(cf.Formula(name, ("T",)), low, high) is answer


def link_of(t: Floats, f: Floats) -> MonotoneLink:
    return fit_link(
        t,
        f,
        None,
        checked_settings(
            Arguments(
                operators=("+", "-", "*", "/", "sin", "exp"),
                max_size=15,
                time=math.inf,
                evaluations=200_000,
                threads=2,
            )
        ),
    )


def test_a_link_is_found_in_closed_form() -> None:
    t = np.random.default_rng(0).uniform(-2, 2, 500)
    link = link_of(t, 3 / (np.exp(-1.5 * t) + 1))
    assert link.formula is not None
    new = np.linspace(-3, 3, 12).reshape(3, 4)
    np.testing.assert_allclose(link(new), 3 / (np.exp(-1.5 * new) + 1), rtol=1e-9)
    np.testing.assert_allclose(link.isotonic(t), 3 / (np.exp(-1.5 * t) + 1), rtol=1e-12)


def test_a_link_does_not_follow_the_errors_of_its_argument() -> None:
    t, other = np.random.default_rng(0).uniform(-2, 2, (2, 1000))
    link = link_of(t, t**3 + t + 0.3 * np.sin(9 * other))
    assert link.formula is not None
    assert link.formula.complexity <= 9
    np.testing.assert_allclose(link(t), t**3 + t, atol=0.1)


def test_a_link_that_falls_is_not_taken() -> None:
    """The parabola through the rows falls on the left; the isotonic fit is flat there."""
    t = np.linspace(-1, 1, 300)
    link = link_of(t, t**2)
    assert link.formula is None
    assert np.all(np.diff(link(t)) >= 0)
    assert link(-1.0) == link(0.4)


X = np.random.default_rng(1).uniform(0.5, 2, (500, 2))


def front(*texts: str) -> list[cf.Formula]:
    return [cf.Formula(text, ("x1", "x2")) for text in texts]


def directions(U: Floats, weights: Floats | None = None) -> Directions:
    return Directions(U, None, weights, signed=True)


def noisy(U: Floats, noise: float) -> Floats:
    return unit(U + noise * np.random.default_rng(2).normal(size=U.shape))


def test_the_steepest_drop_is_the_true_form() -> None:
    truth = cf.Formula("x1*x1 + x2", ("x1", "x2"))
    U = noisy(unit(truth.gradient(X)), 0.03)
    formulas = front("x1", "x1 + x2", "x1*x1 + x2", "x1*x1 + x2 + 0.001*x1*x2")
    assert steepest_drop(formulas, X, directions(U)) == 2
    assert steepest_drop(formulas, X, directions(U, np.linspace(1, 2, 500))) == 2
    # Exact gradients: what is parallel to rounding has nothing left to gain.
    exact = front("x1", "x1*x1 + x2", "x1*x1 + x2 + 1e-12*x1")
    assert steepest_drop(exact, X, directions(unit(truth.gradient(X)))) == 1


def test_a_single_input_may_be_the_answer() -> None:
    U = noisy(np.tile([1.0, 0.0], (500, 1)), 0.02)
    assert steepest_drop(front("x1", "x1 + 0.01*x2", "x1 + 0.02*sin(x2)"), X, directions(U)) == 0


def test_an_improvement_within_its_standard_error_is_none() -> None:
    """Three rows in 500 say that the second is better, by far in the mean."""
    U = np.tile([1.0, 0.0], (500, 1))
    U[:3] = [0.0, 1.0]
    formulas = front("x1", "x1 + 1e-3*x2")
    errors = [gradient_errors(formula, X, directions(U)) for formula in formulas]
    assert errors[1][:3].mean() < errors[0][:3].mean()
    assert steepest_drop(formulas, X, directions(U)) == 0


def test_errors_of_gradients_that_are_zero_or_undefined() -> None:
    U = np.array([[1.0, 0.0], [0.0, 0.0], [0.6, 0.8]])
    at = np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]])
    found = gradient_errors(cf.Formula("x1*x1 + x2*x2", ("x1", "x2")), at, directions(U))
    diagonal = np.sqrt(0.5)
    np.testing.assert_allclose(found, [2 - 2 * diagonal, 0, 2 - 2.8 * diagonal], atol=1e-15)
    assert gradient_errors(cf.Formula("2.0", ("x1", "x2")), at, directions(U)).tolist() == [1, 0, 1]
    assert gradient_errors(cf.Formula("x1/x2", ("x1", "x2")), at, directions(U))[1] == np.inf
