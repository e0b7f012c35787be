"""An exponent that a fit takes to a whole number is no constant any more; nothing trips over it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from closedform import _core
from closedform.formulas.formula import Formula
from closedform.formulas.noise import Logarithmic, Mixed, Noise, Relative
from closedform.formulas.places import constants_at_places, still_held
from closedform.searches.input_errors import InputErrors
from closedform.searches.judged import judged, sample_of
from closedform.searches.objectives import Values

X = np.random.default_rng(0).uniform(1, 2, (60, 1))


@pytest.mark.parametrize(
    "noise",
    [Relative(), Logarithmic(), Mixed(), InputErrors(sigma_X=np.array([1e-3]), columns=(0,))],
    ids=lambda noise: noise.kind,
)
@pytest.mark.parametrize("text", ["3.3*x**2.2", "3.3*x**2.2 - 0.1*x"])
@pytest.mark.parametrize("scatter", [0.0, 1e-14, 1e-3])
def test_a_power_is_judged_that_becomes_a_square(noise: Noise, text: str, scatter: float) -> None:
    y = 3 * X[:, 0] ** 2 * np.exp(scatter * np.random.default_rng(1).normal(size=len(X)))
    formula = Formula(text, ["x"])
    sample = sample_of(X, Values(y, None), seed=0)
    held = [False] * len(formula.constants)
    found = judged(formula, noise, sample, 9, math.inf, held=held)
    assert math.isfinite(found.data)
    np.testing.assert_allclose(found.formula(X), 3 * X[:, 0] ** 2, rtol=0.01)


def test_constants_are_told_apart_by_their_places() -> None:
    before = _core.Expression("2.5*x**1.7 + 3.1", ["x"])
    after = before.with_constants([2.25, 2.0, 3.5])
    assert after.constants == [2.25, 3.5]
    assert constants_at_places(before, after) == [2.25, 2.0, 3.5]
    assert still_held([True, False, True], before, after) == [True, True]
    assert still_held([False, True, False], before, after) == [False, False]
