"""Constants of a known form from a neuron's values, whatever function is around it."""

from __future__ import annotations

import numpy as np
import pytest

import closedform as cf
from closedform._typing import Floats
from closedform.pipelines.value_constants import (
    ValueConstants,
    with_constants_of_values,
    with_simple_values,
)

NAMES = ("x1", "x2")
RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (1500, 2))


def _values(noise: float = 0.02) -> Floats:
    """A logistic function of x1 + 0.5 sin(2 x2) (arXiv 2401.04978, equation 19)."""
    z = X[:, 0] + 0.5 * np.sin(2 * X[:, 1])
    return 3 / (np.exp(1.5 * z) + 1) + noise * RNG.normal(size=len(X))


def test_values_know_constants_that_gradients_know_poorly() -> None:
    start = cf.Formula("x1 + 0.45*sin(1.9*x2)", NAMES, loss=1e-3)
    found = with_constants_of_values(start, X, _values(), None)
    for constant, truth in zip(found.constants, (0.5, 2.0), strict=True):
        assert constant.value == pytest.approx(truth, rel=0.03)
        assert abs(constant.value - truth) < 4 * constant.standard_error < 0.1 * truth
    simple = with_simple_values(found, X, _values(), None)
    assert simple.text == "x1 + 0.5*sin(2*x2)"
    assert all(constant.fixed for constant in simple.constants)


def test_constants_that_gradients_have_exactly_stay() -> None:
    start = cf.Formula("x1 + 0.5000001*sin(1.9999999*x2)", NAMES, loss=1e-13)
    found = with_constants_of_values(start, X, _values(), None)
    assert found == start
    assert 0 < found.constants[0].standard_error < 0.05


def test_a_number_that_the_values_deny_is_not_taken() -> None:
    f = X[:, 0] + 1.037 * X[:, 1] + 1e-3 * RNG.normal(size=len(X))
    found = with_simple_values(cf.Formula("x1 + 1.037*x2", NAMES), X, f, None)
    assert found.constants[0].value == pytest.approx(1.037, abs=1e-3)
    assert not found.constants[0].fixed


def test_errors_that_go_together_widen_standard_errors() -> None:
    """Smooth errors, as a network's: what rows say of a constant is said by few of them."""
    white = RNG.normal(size=len(X))
    smooth = np.sin(5 * X[:, 0] + 3) * np.sin(4 * X[:, 1])
    errors = []
    for scatter in (white, smooth / smooth.std()):
        f = X[:, 0] ** 2 + 2 * X[:, 1] ** 2 + 0.05 * scatter
        task = ValueConstants(cf.Formula("x1*x1 + 2.1*(x2*x2)", NAMES), X, f, None)
        found = task.fitted()
        assert found is not None
        errors.append(float(np.sqrt(found.covariance[0, 0])))
    assert errors[1] > 1.5 * errors[0]


def test_a_constant_that_another_can_stand_for_has_no_error() -> None:
    form = cf.Formula("2.2*x1 + 3.3*x2", NAMES)
    found = with_constants_of_values(form, X, X[:, 0] + 1.5 * X[:, 1], None)
    assert np.isnan(found.constants[0].standard_error)
    assert found.constants[1].value / found.constants[0].value == pytest.approx(1.5, rel=1e-4)
