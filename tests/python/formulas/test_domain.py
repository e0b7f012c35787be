"""Where formulas are defined, poles between rows, and predictions outside the data."""

import numpy as np
import pytest

import closedform as cf
from closedform.errors import OutsideWarning
from closedform.formulas.singularities import finite_in_box, pole_between

X = np.linspace(0.1, 5, 40)[:, None]
STEPS = np.column_stack([np.arange(39), np.arange(1, 40)])


@pytest.mark.parametrize(
    ("text", "pole"),
    [
        ("1/(x - 2.03)", True),
        ("1/(x - 2.03)**2", True),
        ("(x - 2.03)**-3", True),
        ("x/(x*x - 4.1)", True),
        ("tan(x)", True),
        ("log((x - 2.03)**2)", True),
        ("exp(1/(x - 2.03))", True),
        ("sin(x - 2.03)/(x - 2.03)", False),
        ("tan(x/9)", False),
        ("1/x", False),
        ("log(x)", False),
        ("1/(cos(x) - 1.5)", False),
        ("x**-2.5", False),
    ],
)
def test_a_pole_between_rows_is_met(text: str, pole: bool) -> None:
    assert pole_between(cf.Formula(text, ["x"])._expression, X, STEPS) is pole


def test_conditions_are_those_that_do_not_always_hold() -> None:
    def conditions(text: str) -> tuple[str, ...]:
        return cf.Formula(text, ["x", "y"]).domain.conditions

    assert conditions("log(x - 2)*sqrt(y)") == ("x - 2 > 0", "y >= 0")
    assert conditions("exp(x)/(1 + exp(y)) + 1/(x**2 + 1)") == ()
    assert conditions("asin(x)/y") == ("x >= -1", "x <= 1", "y != 0")
    assert conditions("x**-1.5 + y**0.3 + tan(y)") == ("x > 0", "y >= 0", "cos(y) != 0")
    assert str(cf.Formula("x*y", ["x", "y"]).domain) == "everywhere"
    inside = cf.Formula("1/(x - 1)", ["x"], ranges=[(2.0, 3.0)])
    assert inside.domain.finite == "proven"
    around = cf.Formula("sqrt(x - 1)", ["x"], ranges=[(0.0, 3.0)])
    assert around.domain.finite == "no"
    assert finite_in_box(inside._expression, np.array([0.0]), np.array([2.0])) == "no"


def test_predictions_outside_the_data_warn_once_with_the_count() -> None:
    formula = cf.Formula("log(x)", ["x"], ranges=[(1.0, 2.0)])
    with pytest.warns(OutsideWarning, match="1 of 3 rows have no value.*2 of 3 rows lie outside"):
        formula(np.array([[1.5], [3.0], [-1.0]]))
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        formula(np.array([[3.0]]))  # said already
        cf.Formula("x", ["x"], ranges=[(1.0, 2.0)])(np.array([[1.0], [2.0]]))
        cf.Formula("x", ["x"])(np.array([[9.0]]))  # made by hand
