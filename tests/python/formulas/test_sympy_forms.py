"""What sympy shortens: equal on data, with fewer nodes, in the operators allowed."""

from __future__ import annotations

import numpy as np
import pytest

import closedform as cf
from closedform.formulas.sympy_forms import shorter

NAMES = ("x1", "x2", "x3")
OPERATORS = ("+", "-", "*", "/", "sin", "cos", "exp", "log", "sqrt", "square")


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("exp(0.5*(log(x1) + log(x2) - log(x3)))", "sqrt(x1*x2/x3)"),
        ("exp(2*log(x1) - 3*log(x2))", "x1**2/(x2*x2**2)"),  # without an operator cube
        ("0.5*sin(2*x1*x2/x3 - 1.5707963267948966) + 0.5", "sin(x1*x2/x3)**2"),
        ("cos(x1*x2 - 1.5707963267948966) + x3", "sin(x1*x2) + x3"),
        ("sin(x1*x2 - 1.57) + x3", None),  # a phase that is no quarter turn
        ("x1*sqrt(x2**2/x1**2 + x3**2/x1**2 + 1)", "sqrt(x1**2 + x2**2 + x3**2)"),
        ("exp(0.49*(log(x1) + log(x2)))", None),
    ],
)
def test_shorter_forms(text: str, short: str | None) -> None:
    formula = cf.Formula(text, NAMES)
    found = shorter(formula, OPERATORS)
    if short is None:
        assert found is None
        return
    assert found is not None
    assert cf.Formula(found, NAMES).complexity == cf.Formula(short, NAMES).complexity
    X = np.random.default_rng(0).uniform(0.5, 2, (100, 3))
    np.testing.assert_allclose(cf.Formula(found, NAMES)(X), formula(X), rtol=1e-12)
