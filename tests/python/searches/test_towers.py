"""What is a tower of functions, and what is none."""

import pytest

import closedform as cf
from closedform.searches.towers import towers


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("cos(sin(sin(x)))", 2),
        ("cos(1/x)", 1),
        ("exp(sin(x))", 1),
        ("exp(exp(x))", 1),
        ("sin(2*x + x*y)*exp(-x**2)", 0),
        ("log(1 + exp(x))", 0),
        ("sqrt(1 - cos(x - y))", 0),
    ],
)
def test_towers_are_counted(text: str, count: int) -> None:
    assert towers(cf.Formula(text, ["x", "y"])._expression) == count
