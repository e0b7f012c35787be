"""What formulas are to be like: no front violates it, and it is said how that is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform.formulas.constraints import Constraints

BUDGET: dict[str, Any] = {"evaluations": 4000, "time": math.inf, "threads": 1, "progress": False}
X = np.random.default_rng(0).uniform(0.5, 4, (60, 2))
NAMES = ("x1", "x2")


def told(text: str, given: dict[str, Any]) -> list[str]:
    constraints = Constraints.read(given, NAMES, X, X[:, 0])
    assert constraints is not None
    return list(constraints.checked(cf.Formula(text, NAMES)).values())


@pytest.mark.parametrize(
    ("text", "given", "status"),
    [
        ("x1 - x2**3", {"increasing": ["x1"], "decreasing": "x2"}, ["proven", "proven"]),
        ("x1 - x2**3", {"decreasing": ["x1"], "concave": "x2"}, ["violated", "proven"]),
        ("exp(x1) + x2", {"convex": ["x1", "x2"]}, ["proven", "proven"]),
        ("x1*x1 - 2*x1 + 1.1", {"positive": True}, ["proven"]),  # once the box is cut
        ("x1 - 2", {"positive": True}, ["violated"]),
        ("sin(x1*x2)", {"bounds": (-1, 1), "symmetric": [("x1", "x2")]}, ["proven", "proven"]),
        ("x1 + 1.1*x2", {"symmetric": [("x1", "x2")]}, ["violated"]),
        ("x1*x2", {"zero_at_zero": True, "values": [({"x1": 0}, 0)]}, ["proven", "proven"]),
        ("x1*x2 + 1", {"values": [({"x1": 0}, (2, 3))]}, ["violated"]),
        ("x1/(x1 + x2)", {"limits": [({"x1": math.inf}, 1)]}, ["sampled"]),
        ("exp(x1)", {"limits": [({"x1": math.inf}, math.inf)]}, ["violated"]),  # it overflows
        ("sqrt((x1 - x2)**2)", {"positive": True}, ["proven"]),
        ("x1 - x1 + x2*(x1 + 1)/(x1 + 1)", {"increasing": "x2"}, ["proven"]),
    ],
)
def test_it_is_said_how_a_constraint_is_known(
    text: str, given: dict[str, Any], status: list[str]
) -> None:
    assert told(text, given) == status


def test_what_interval_arithmetic_cannot_tell_is_sampled() -> None:
    tight = "(x1 - x2)**4 - 2*x1**2*x2**2 + 2*x1**2*x2**2"  # touches zero along a line
    assert told(tight, {"positive": True}) == ["sampled"]


def test_no_front_violates_a_constraint() -> None:
    rng = np.random.default_rng(1)
    y = X[:, 0] / (1 + X[:, 0]) - 0.2 * X[:, 1] + rng.normal(scale=0.1, size=60)
    given = {"increasing": ["x1"], "concave": "x1", "decreasing": "x2", "bounds": (None, 1)}
    constraints = Constraints.read(given, NAMES, X, y)
    assert constraints is not None
    free = cf.search(X, values=y, **BUDGET)
    assert not all(constraints.hold(formula) for formula in free)
    front = cf.search(X, values=y, constraints=given, **BUDGET)
    assert len(front) > 2
    assert front.best.inputs == NAMES
    for formula in front:
        assert set(formula.checked.values()) <= {"proven", "sampled"}
        assert list(formula.checked) == [
            "increasing in x1",
            "concave in x1",
            "decreasing in x2",
            "between -inf and 1",
        ]
    found = cf.discover(X, y, constraints={"symmetric": [NAMES]}, strategy="direct", **BUDGET)
    assert all(formula.checked.values() for formula in found.front)


def test_a_constant_that_violates_stands_alone_and_is_said_to() -> None:
    with pytest.warns(UserWarning, match="no formula that was found keeps the constraints"):
        front = cf.search(X, values=X[:, 0], constraints={"bounds": (None, -1e30)}, **BUDGET)
    assert [formula.inputs for formula in front] == [()]
    assert list(front.best.checked.values()) == ["violated"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rising": "x1"}, "constraints: 'rising' is none; there are increasing"),
        ({"increasing": ["x9"]}, "constraints: increasing: 'x9' is no input; those are x1, x2"),
        ({"bounds": (1, 0)}, "constraints: bounds: 1 is above 0"),
        ({"symmetric": ["x1"]}, "constraints: symmetric: 'x1' are not two inputs"),
        ({"values": [3]}, "constraints: values: 3 is no pair"),
        ({"limits": 3}, "constraints: limits: give a list of pairs"),
        ({"positive": 3}, "constraints: positive: must be True or False"),
        ({"values": [({"x1": math.nan}, 1)]}, "constraints: values: x1: is NaN"),
        ({"limits": [({"x1": 0}, math.nan)]}, "constraints: limits: is NaN"),
    ],
)
def test_constraints_that_cannot_be(given: dict[str, Any], message: str) -> None:
    with pytest.raises(cf.InputError, match=message) as caught:
        cf.search(X, values=X[:, 0], constraints=given, **BUDGET)
    assert "\n" not in str(caught.value)
    with pytest.raises(cf.InputError, match="constraints: are of values"):
        cf.search(X, gradients=X, constraints={"positive": True}, **BUDGET)
