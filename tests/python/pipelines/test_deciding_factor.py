"""Of a product whose other factors have one sign, a classifier's rule is one factor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform._typing import Floats
from closedform.pipelines.deciding_factor import deciding_factor

NAMES = ("x1", "x2", "x3")
X = np.random.default_rng(0).uniform(0.1, 2, (2000, 3))
OPERATORS = ("+", "-", "*", "/", "exp")


@pytest.mark.parametrize(
    ("whole", "factor"),
    [
        ("(x1*x2 - x3)/(x1 + x2)", "x1*x2 - x3"),
        ("(x2 - x1)/(-x1 - x3)", "x1 - x2"),
        ("-(x1 - x2)**3*exp(x3)", "x2 - x1"),
        ("2*x1*(x2 - x3)*(x3 - 1)", "(x3 - 1)*(x2 - x3)"),
        ("x1 - x2", None),
        ("x1*exp(x2)", None),
        ("(x1*x2 - x3)*exp(x1) - 1", None),
    ],
)
def test_what_has_one_sign_is_left_out(whole: str, factor: str | None) -> None:
    formula = cf.Formula(whole, NAMES)
    found = deciding_factor(formula, X, OPERATORS)
    assert (None if found is None else found.text) == factor
    if found is not None:
        np.testing.assert_array_equal(found(X) > 0, formula(X) > 0)


def neuron(text: str, steep: float) -> Any:
    """Its gradients are a little off, as a trained network's are."""
    logit = cf.Formula(text, NAMES)

    def gradient(X: Floats) -> Floats:
        exact = logit.gradient(X)
        off = 0.02 * np.linalg.norm(exact, axis=1, keepdims=True) * np.cos(17 * X)
        return np.asarray(steep * (exact + off))

    return lambda X: steep * logit(X), gradient


@pytest.mark.parametrize(
    ("text", "steep", "chosen"),
    [
        # Within the band gradients are nearly the factor's.
        ("(x1*x2 - x3)/(x1 + x2 + 4)", 600.0, "x1*x2 - x3"),
        # They are not: the other factor is part of what the neuron computes.
        ("(x1*x2 - x3)*exp(x1)", 2.0, "(x1*x2 - x3)*exp(x1)"),
        ("x1 - x2*x3", 20.0, "x1 - x2*x3"),
    ],
)
def test_a_classifier_is_told_by_its_factor(text: str, steep: float, chosen: str) -> None:
    found = cf.interpret(
        neuron(text, steep),
        X,
        classifier=True,
        operators=OPERATORS,
        start=[text],
        time=math.inf,
        evaluations=20_000,
        threads=1,
    )
    np.testing.assert_allclose(found.formula(X), cf.Formula(chosen, NAMES)(X))
    assert found.front.best is found.formula
    assert found.threshold == 0.0
    assert found.fidelity.agreement == 1.0
