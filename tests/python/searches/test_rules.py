"""Units and limits: told, kept by every formula of a front, and refused in one line."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform.cli.main import main
from closedform.formulas.units import Units
from closedform.searches.rules import Rules

pytest.importorskip("pint", reason="pint is not installed")
BUDGET: dict[str, Any] = {"evaluations": 5000, "time": 120, "threads": 1, "progress": False}


def pendulum(scatter: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    X = rng.uniform([0.2, 5.0, 0.1], [2.0, 15.0, 1.0], (120, 3))
    return X, 2 * np.pi * np.sqrt(X[:, 0] / X[:, 1]) * (1 + scatter * rng.normal(size=120))


PENDULUM = {"x1": "m", "x2": "m/s^2", "x3": "kg", "y": "s"}


def test_no_formula_of_a_front_mixes_units() -> None:
    X, y = pendulum(0.02)
    front = cf.search(X, values=y, units=PENDULUM, **BUDGET)
    rules = Rules.read(PENDULUM, "dimensionless", None, front.best.names, ["y"])
    assert rules is not None
    assert all(rules.allow(formula) for formula in front)
    assert front.best.inputs == ("x1", "x2")
    plain = cf.search(X, values=y, **BUDGET)
    assert not all(rules.allow(formula) for formula in plain)


def test_variables_that_units_allow_are_searched_before_any_fit() -> None:
    h, w, k, T, c = X = np.random.default_rng(0).uniform(1, 3, (5, 100))
    y = h * w**3 / c**2 * np.exp(-h * w / (k * T))  # Wien's law
    units = {"x1": "J s", "x2": "1/s", "x3": "J/K", "x4": "K", "x5": "m/s", "y": "W s/m^2"}
    told = BUDGET | {"evaluations": 6000, "time": math.inf}
    found = cf.discover(X.T, y, units=units, **told)
    assert found.stopped == "exact"
    assert found.surrogate is None
    assert found.similarity is not None
    assert len(found.similarity.groups) == 1


def test_constants_are_written_with_their_units() -> None:
    rng = np.random.default_rng(2)
    X = rng.uniform(0.5, 3, (100, 2))
    y = 3.7 * X[:, 0] * np.exp(-1.3 * X[:, 1])
    units = {"x1": "cm", "x2": "s", "y": "mol"}
    found = cf.discover(
        X, y, units=units, constant_units="free", strategy="direct", **BUDGET
    ).formula
    assert {constant.unit for constant in found.constants} == {"mol/cm", "1/s"}
    assert str(found.constants[0]).endswith(f" {found.constants[0].unit}")
    assert "cm" in found.code("c")
    assert pickle.loads(pickle.dumps(found)).constants[0].unit == found.constants[0].unit


def test_directions_and_labels_keep_units_too() -> None:
    X, _ = pendulum()
    gradients = cf.Formula("x1/x2 + 0*x3", ["x1", "x2", "x3"]).gradient(X)
    labels = np.where(X[:, 0] > 0.1 * X[:, 1], 1.0, -1.0)
    for told in ({"gradients": gradients}, {"labels": labels}):
        front = cf.search(X, units=PENDULUM, **told, **BUDGET)
        rules = Rules.read(PENDULUM, "dimensionless", None, front.best.names, ["y"])
        assert rules is not None
        assert all(rules.allow(formula) for formula in front if formula.inputs), str(front)


def test_limits_are_kept_by_every_formula() -> None:
    rng = np.random.default_rng(3)
    X = rng.uniform(0.5, 3, (150, 2))
    y = np.sin(2 * X[:, 0]) + np.exp(-X[:, 1]) + 0.05 * rng.normal(size=150)
    limits = {
        "depth": 5,
        "constants": 2,
        "operands": {"pow": (None, 1), "exp": 3},
        "nesting": {"sin": {"sin": 0, "cos": 0}, "cos": {"sin": 0, "cos": 0}},
        "forbidden": {"exp": "x1", "log": ["x1", "x2"]},
    }
    found = cf.discover(X, y, limits=limits, strategy="direct", **BUDGET)
    rules = Rules.read(None, "dimensionless", limits, found.formula.names, ["y"])
    assert rules is not None
    assert all(rules.allow(formula) or not formula.inputs for formula in found.front)
    assert len(found.front) > 2
    free = cf.search(X, values=y, **BUDGET)
    assert not all(rules.allow(formula) for formula in free)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [({"constants": 1}, "2.7*x1/x2"), ({"depth": 2}, "x1/x2"), ({"constants": 0}, "x2 + x1/x2")],
)
def test_formulas_with_fewer_constants_than_are_laid_open_are_found(
    limits: dict[str, int], expected: str
) -> None:
    """A candidate's factors and constant term are too much for these limits, and with noise none
    of them vanishes."""
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 9, (60, 2))
    y = cf.Formula(expected, ["x1", "x2"])(X)
    noisy = y * (1 + 0.01 * rng.normal(size=60))
    front = cf.search(X, values=noisy, limits=limits, operators="+ * /", **BUDGET)
    np.testing.assert_allclose(front.best(X), y, rtol=0.01)


def test_units_of_any_coherent_system_are_written() -> None:
    names = ["m", "r", "t"]
    told = Units.read({"m": "g", "r": "cm", "t": "s", "F": "dyn"}, names, ["F", "y"])
    assert told.coherent
    assert told.written(told.target or ()) == "g cm/s^2"
    assert told.bases == ("g", "cm", "s")
    assert told.written([-1, 3, -2]) == "cm^3/(g s^2)"
    # What has a factor of its own says what is alike, but not what a number is of.
    assert not Units.read({"m": "g", "r": "cm", "F": "N"}, names, ["F"]).coherent


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"units": {"x1": "blorb"}}, "units: x1: 'blorb' is no unit"),
        ({"units": {"q": "kg"}}, "'q' is neither an input nor the target"),
        ({"units": {"x1": "degC"}}, "has an offset"),
        ({"units": "attrs"}, "X has no X.attrs"),
        ({"units": {"x1": "m"}, "constant_units": "any"}, "constant_units: 'any'"),
        ({"units": {"x1": "m"}, "constant_units": ["blorb"]}, "constant_units: 'blorb'"),
        ({"limits": {"width": 3}}, "limits: 'width' is none"),
        ({"limits": {"depth": 0}}, "limits: depth: 0 is out of range"),
        ({"limits": {"nesting": {"sine": {"sin": 0}}}}, "'sine' is no operator"),
        ({"limits": {"operands": {"sin": (1, 2)}}}, "'sin' has 1"),
        ({"limits": {"forbidden": {"exp": ["q"]}}}, "'q' is no input"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(asked: dict[str, Any], told: str) -> None:
    X, y = pendulum()
    for call in (cf.search, lambda X, values, **given: cf.discover(X, values, **given)):
        with pytest.raises(cf.InputError, match=told) as caught:
            call(X, values=y, **asked, **BUDGET)  # type: ignore[operator]
        assert "\n" not in str(caught.value)


def test_tables_bring_their_units_and_the_command_line_is_told() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    X, y = pendulum()
    table = pandas.DataFrame(X, columns=["arm length", "g", "mass"])
    table["period"] = y
    table.attrs["units"] = {"arm length": "m", "g": "m/s^2", "mass": "kg", "period": "s"}
    found = cf.discover(table, "period", units="attrs", strategy="direct", **BUDGET)
    assert found.formula.units is not None
    assert found.formula.units.texts["g"] == "m/s^2"
    assert found.formula.units.texts[found.formula.names[0]] == "m"


def test_the_command_line_takes_units(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    X, y = pendulum()
    file = tmp_path / "swings.csv"
    np.savetxt(
        file, np.column_stack([X, y]), delimiter=",", header="length,g,mass,period", comments=""
    )
    units = "length=m,g=m/s^2,mass=kg,period=s"
    asked = ["discover", str(file), "--target", "period", "--evaluations", "2000", "--quiet"]
    assert main([*asked, "--units", units, "--json"]) == 0
    assert "length" in json.loads(capsys.readouterr().out)["formula"]["text"]
    assert main([*asked, "--units", "length=blorb"]) == 2
    assert "blorb" in capsys.readouterr().err


def test_what_rules_refuse_does_not_cost_more_than_was_given() -> None:
    """Of a sum of eight terms with a constant each, every term can be left out, in any order."""
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 3, (400, 8))
    y = X @ np.arange(1.1, 1.9, 0.1) + 0.3 * rng.normal(size=400)
    given = {"limits": {"constants": 1}, "time": math.inf, "threads": 1, "progress": False}
    front = cf.search(X, values=y, evaluations=20_000, **given)
    assert front.evaluations < 21_000
