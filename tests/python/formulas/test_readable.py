"""Formulas for people."""

import numpy as np
import pytest

import closedform as cf

NAMES = ["a", "b"]


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("a + -1.5*b", "a - 1.5*b"),
        ("a - -1.5*b + -3", "a + 1.5*b - 3"),
        ("b*(a + -b/3)", "b*(a - b/3)"),
        ("1*a + -1*b", "a - b"),
        ("a**-1*b + -(a + b)", "a**-1*b - (a + b)"),
        ("sin(-1*a) - (-2 + b)", "sin(-a) - (-2 + b)"),
        ("1**a - b**-2", "pow(1, a) - b**-2"),
    ],
)
def test_signs_are_as_people_write_them_and_values_the_same(text: str, readable: str) -> None:
    formula = cf.Formula(text, NAMES)
    assert formula.readable == readable
    X = np.random.default_rng(0).uniform(1, 2, (20, 2))
    np.testing.assert_allclose(cf.Formula(readable, NAMES)(X), formula(X), rtol=1e-12)
