"""Constants of a classifier's formula become simple where its rule stays."""

from __future__ import annotations

import numpy as np

import closedform as cf
from closedform.pipelines.simple_rule import with_simple_constants

NAMES = ("x1", "x2")
X = np.random.default_rng(0).uniform(-1, 1, (2000, 2))


def test_a_constant_becomes_simple_where_the_rule_stays() -> None:
    formula = cf.Formula("x1*x1 + 2.03*x2*x2", NAMES)
    by_network = X[:, 0] ** 2 + 2.005 * X[:, 1] ** 2 > 1
    found = with_simple_constants(formula, X, by_network, ("+", "*"))
    assert found.text == "x1*x1 + 2*(x2*x2)"


def test_a_constant_stays_where_the_rule_does_not() -> None:
    """Neither 1, which is wrong at 17 rows, nor a long number such as 3*sqrt(3)/5."""
    formula = cf.Formula("x1 + 1.035*x2", NAMES)
    by_network = formula(X) > 0.0
    assert with_simple_constants(formula, X, by_network, ("+", "*")) == formula
    assert with_simple_constants(formula, X, by_network | True, ("+", "*")) == formula
