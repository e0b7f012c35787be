"""Numbers that laws are written with, and what takes others for them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import closedform as cf
from closedform._typing import Floats
from closedform.formulas.noise import Absolute
from closedform.formulas.simple_values import UNITS, near, simple_value
from closedform.searches.judged import Judged, judged, sample_of
from closedform.searches.objectives import Values
from closedform.searches.settings import OPERATORS
from closedform.searches.simple_constants import with_simple_constants


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2"),
        (-0.75, "-3/4"),
        (math.pi / 2, "pi/2"),
        (-2 * math.pi, "-2*pi"),
        (0.1, "1/10"),
        (3 * math.sqrt(2), "3*sqrt(2)"),
    ],
)
def test_how_numbers_are_written(value: float, text: str) -> None:
    simple = simple_value(value)
    assert simple is not None
    assert simple.text == text
    assert simple_value(value * (1 + 1e-9)) is None


def test_fractions_between_two_whole_numbers_weigh_no_more_than_those() -> None:
    values = {p / q for q in range(2, 17) for p in range(q + 1, 2 * q)}
    nats = [simple.nats for value in values if (simple := simple_value(value)) is not None]
    assert len(nats) == len(values)
    assert sum(math.exp(-n) for n in nats) < math.exp(-near(1.0, 0.0)[0].nats)


def settled(c: float, relative_error: float, seed: int) -> Judged:
    """c*x1 fitted to 100 rows that tell c to so much, and made simple."""
    rng = np.random.default_rng(seed)
    X: Floats = rng.uniform(1.0, 2.0, (100, 1))
    noise = relative_error * c * float(np.linalg.norm(X))
    y = c * X[:, 0] + noise * rng.normal(size=100)
    formula = cf.Formula(f"{c!r}*x1", ["x1"]).refit(X, y)
    sample = sample_of(X, Values.of(y, None), 0)
    one = judged(formula, Absolute(), sample, 12, math.inf)
    return with_simple_constants(one, sample, 12, OPERATORS, math.inf)


@pytest.mark.parametrize("c", [2.0, 1.5, math.pi, 0.1])
def test_simple_numbers_are_found_where_the_data_tell_them(c: float) -> None:
    found = [settled(c, 0.001, seed).formula._expression.constants for seed in range(20)]
    assert sum(constants == [c] for constants in found) >= 16


def test_a_number_of_few_digits_is_not_taken_for_pi() -> None:
    """Nor for a multiple of another unit, where the plain number is as near."""
    simple = [
        simple_value(settled(3.1, 0.01, s).formula._expression.constants[0]) for s in range(30)
    ]
    texts = [one.text for one in simple if one is not None]
    assert sum(any(unit and unit in text for unit in UNITS) for text in texts) <= 1


def test_measured_numbers_are_seldom_taken_for_simple_ones() -> None:
    taken = 0
    for seed in range(100):
        c = float(f"{np.random.default_rng(seed).uniform(1.0, 10.0):.3g}")
        found = settled(c, 0.003, seed).formula._expression.constants
        simple = simple_value(found[0])
        taken += simple is not None and abs(simple.value - c) > 1e-9
    assert taken <= 25  # twice as many, where a denominator counts once
