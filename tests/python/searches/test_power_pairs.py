"""Sums of two powers of one input."""

from __future__ import annotations

import re

import numpy as np
import pytest

import closedform as cf
from closedform.searches.power_pairs import power_pairs

X = np.random.default_rng(0).uniform(3.1, 9.0, 120)
WEIGHTS = np.full(120, 1 / 120)


@pytest.mark.parametrize(("first", "second"), [(-12.0, -6.0), (1.5, -0.5), (4.0, 1.0)])
@pytest.mark.parametrize("constant", [0.0, 2.0])
def test_exponents_are_found_under_noise(first: float, second: float, constant: float) -> None:
    y = (X / 3.4) ** first - (X / 3.4) ** second
    y += constant + 1e-3 * y.std() * np.random.default_rng(1).normal(size=len(X))
    found = list(power_pairs(X, y, WEIGHTS))
    assert len(found) == 2
    share, text = found[constant > 0]
    assert share < 2e-6
    exponents = {float(p) for p in re.findall(r"\*\*\(([-0-9.]+)\)", text)}
    assert exponents == {first, second}
    left = y - cf.Formula(text, ["x"])(X[:, None])
    assert share == pytest.approx(np.mean(left**2) / np.var(y), rel=1e-6)


def test_of_inputs_that_are_not_positive_there_are_none() -> None:
    assert not list(power_pairs(X - 5.0, X, WEIGHTS))


@pytest.mark.parametrize("size", [1e-70, 1e70])
def test_rows_far_from_one_are_no_error(size: float) -> None:
    for share, text in power_pairs(size * X, X**2, WEIGHTS):
        assert 0 <= share <= 1
        assert cf.Formula(text, ["x"]).complexity > 1


def test_repulsion_and_attraction_are_a_law() -> None:
    y = 0.0416 * ((3.4 / X) ** 12 - (3.4 / X) ** 6)
    found = cf.discover(X[:, None], y, evaluations=20_000, time=np.inf)
    assert found.verdict.exact
    assert found.formula.complexity == 11
