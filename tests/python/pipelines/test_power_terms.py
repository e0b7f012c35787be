"""Terms read from slopes: exact ones, those of a surrogate, and what is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import closedform as cf
from closedform.pipelines.power_terms import PowerTerm, power_terms

NAMES = ["x1", "x2", "x3", "x4"]
ROWS = np.random.default_rng(0).uniform(1, 3, (400, 4))


def test_terms_that_share_inputs_are_taken_apart() -> None:
    truth = [
        PowerTerm(2.0, (1.0, -2.0, 1.0, 0.0)),
        PowerTerm(-0.5, (2.0, 0.0, 0.0, 1.5)),
        PowerTerm(0.25, (1.0, 1.0, 0.0, 0.0)),
    ]
    slopes = sum(term.slopes(ROWS) for term in truth)
    terms, gone = power_terms(ROWS, slopes, 1e-9)
    assert {term.exponents for term in terms} == {term.exponents for term in truth}
    np.testing.assert_allclose(
        sum(t.values(ROWS) for t in terms), sum(t.values(ROWS) for t in truth)
    )
    assert gone


@settings(deadline=None, max_examples=50)
@given(
    exponents=st.lists(st.sampled_from([-3.0, -1.0, 0.5, 1.0, 2.0]), min_size=4, max_size=4),
    coefficient=st.floats(0.01, 100.0),
)
def test_slopes_of_a_term_are_its_derivatives(exponents: list[float], coefficient: float) -> None:
    term = PowerTerm(coefficient, tuple(exponents))
    formula = cf.Formula(term.text(NAMES), NAMES)
    np.testing.assert_allclose(term.values(ROWS), formula(ROWS), rtol=1e-12)
    np.testing.assert_allclose(term.slopes(ROWS), formula.gradient(ROWS), rtol=1e-9)
    found, _ = power_terms(ROWS, term.slopes(ROWS), 1e-12)
    assert found[0].exponents == term.exponents
    assert math.isclose(found[0].coefficient, coefficient, rel_tol=1e-9)


@pytest.mark.parametrize("text", ["sin(x1)*x2", "exp(x1*x2/20)", "log(x1 + x2)", "1/(x1 + x2*x3)"])
def test_other_functions_are_no_terms(text: str) -> None:
    formula, wide = cf.Formula(text, NAMES), 1 + 5 * (ROWS - 1)  # near, all is a power
    terms, _ = power_terms(wide, formula.gradient(wide), 1e-9)
    assert terms == []


def test_inputs_at_zero_have_no_logarithm() -> None:
    rows = ROWS.copy()
    rows[0, 0] = 0.0
    assert power_terms(rows, np.ones_like(rows), 1e-9) == ([], [])


@pytest.mark.parametrize("size", [1e-200, 1e150, 1e300])
def test_sizes_whose_squares_are_no_numbers_say_nothing(size: float) -> None:
    terms, gone = power_terms(ROWS * size, np.full_like(ROWS, size), 1e-9)
    assert all(math.isfinite(term.coefficient) for term in terms)
    assert len(gone) <= len(terms)


def test_what_a_term_alone_can_say_is_not_of_the_other_inputs() -> None:
    term = PowerTerm(2.0, (1.0, -2.0, 1.0, 0.0))
    own = term.own(ROWS, [2])
    others = ROWS[:, 0] / ROWS[:, 1] ** 2
    np.testing.assert_allclose(own, 2.0 * others * (ROWS[:, 2] - ROWS[:, 2].mean()))


def test_discover_finds_a_sum_whose_terms_share_inputs() -> None:
    names = [*NAMES, "x5"]
    law = cf.Formula("0.3*x1*x2**2*x3**3 - 0.7*x2**2*x4**2.5/x1 + 1.3*x1**2*x5/x2**1.5", names)
    X = np.random.default_rng(3).uniform(1, 3, (2000, 5))
    found = cf.discover(X, law(X), time=math.inf, evaluations=150_000, progress=False)
    Z = np.random.default_rng(4).uniform(1, 3, (500, 5))
    np.testing.assert_allclose(found.formula(Z), law(Z), rtol=1e-6, atol=1e-6)
    assert found.verdict.kind == "law"
    assert found.stopped == "exact"
