"""Constants that physics has a name for: recognised by unit, size and error, hardly by chance."""

from __future__ import annotations

import math

import numpy as np
import pytest

import closedform as cf
from closedform.formulas.constants import Constant
from closedform.formulas.physical_constants import PhysicalConstants
from closedform.formulas.units import Units

pytest.importorskip("pint", reason="pint is not installed")


def told(value: float, error: float, unit: str, base: tuple[str, ...] = ()) -> str:
    """What a constant of a unit is; `base` are the units of other quantities."""
    named = {"c": unit} | {f"b{k}": one for k, one in enumerate(base)}
    units = Units.read(named, list(named), ["y"])
    assert units.coherent
    return PhysicalConstants(units).named(Constant(value, error), units.inputs["c"])


@pytest.mark.parametrize(
    ("value", "error", "unit", "name"),
    [
        (6.68e-11, 5e-14, "m^3/(kg s^2)", "the Newtonian constant of gravitation, within 1.1 stan"),
        (8.31446261815324, 0.0, "J/(mol K)", "the molar gas constant, to every digit"),
        (9.81, 1e-15, "m/s^2", "the standard acceleration of gravity, to 3 digits"),
        (3e8, math.nan, "m/s", "the speed of light in vacuum, to 3 digits"),
        (8.98752e16, 1e12, "m^2/s^2", "the speed of light in vacuum squared, within"),
        (2.072e-23, 5e-26, "J/K", "3/2 times the Boltzmann constant, within 0.2"),
        (8.99e9, 1e7, "m/F", "1/(4*pi) times the inverse of the vacuum electric permittivity"),
        (-9.11e-31, 1e-33, "kg", "minus the electron mass"),
        (1.05457e-34, 1e-39, "J s", "the reduced Planck constant"),  # no 1/(2*pi) of the other
    ],
)
def test_constants_are_recognised(value: float, error: float, unit: str, name: str) -> None:
    assert told(value, error, unit).startswith(name)


@pytest.mark.parametrize(
    ("value", "error", "unit"),
    [
        (6.68e-11, 5e-14, "m^3/(kg s)"),  # another unit
        (6.75e-11, 5e-14, "m^3/(kg s^2)"),  # too far
        (6.6e-11, 1.5e-11, "m^3/(kg s^2)"),  # too few digits to tell
        (9.7, 0.3, "m/s^2"),
        (7.2973525643e-3, 1e-12, "dimensionless"),
        (3.1e8, math.nan, "m/s"),
        (0.0, 1.0, "m/s"),
    ],
)
def test_what_is_none_is_not(value: float, error: float, unit: str) -> None:
    assert told(value, error, unit) == ""


def test_units_of_the_user_are_kept() -> None:
    assert told(6.674e-8, 1e-12, "cm^3/(g s^2)", ("cm", "g")).startswith("the Newtonian")
    assert told(6.674e-8, 1e-12, "m^3/(kg s^2)") == ""


def test_chance_hardly_finds_one() -> None:
    """Of numbers of any magnitude, known to 0.001 % up to 10 %, one in a thousand at most."""
    rng = np.random.default_rng(0)
    found = 0
    for unit in ["m/s", "m", "J", "J/K", "J s", "kg"]:
        units = Units.read({"c": unit}, ["c"], ["y"])
        known = PhysicalConstants(units)
        sizes = 100.0 ** np.clip(rng.standard_cauchy(300), -15, 15)
        errors = sizes * 10.0 ** rng.uniform(-5, -1, 300)
        for size, error in zip(sizes.tolist(), errors.tolist(), strict=True):
            found += bool(known.named(Constant(size, error), units.inputs["c"]))
    assert found <= 6  # of 1800; more in three of a thousand such tests at most


def test_a_law_says_which_constant_it_has() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform([1e24, 1e3, 1e6], [1e25, 1e4, 1e7], (60, 3))
    y = 6.6743e-11 * X[:, 0] * X[:, 1] / X[:, 2] ** 2
    units = {"x1": "kg", "x2": "kg", "x3": "m", "y": "N"}
    told = {"constant_units": "free", "threads": 1, "progress": False, "evaluations": 1000}
    found = cf.discover(X, y, units=units, **told)
    name = "the Newtonian constant of gravitation"
    assert str(found.formula.constants).endswith(f": {name}, to every digit")
    assert str(found.formula.constants[0]).startswith("6.6743")
    assert name in str(found)
    assert f"m^3/(kg s^2): {name}, to every digit" in found.formula.code("c")
    assert found.formula.text == "6.6743e-11*x1*x2/x3**2"  # the number stays as it was measured


@pytest.mark.parametrize(
    ("constant", "latex"),
    [
        (
            Constant(6.674e-11, 2e-14, unit="m^3/(kg s^2)"),
            r"6.6740(20) \times 10^{-11}\,\mathrm{m}^{3}\,\mathrm{kg}^{-1}\,\mathrm{s}^{-2}",
        ),
        (Constant(math.pi / 8, 0.0, fixed=True, unit="1/s"), r"\pi/8\,\mathrm{s}^{-1}"),
        (Constant(1.5, 0.25), "1.50(25)"),
    ],
)
def test_constants_have_latex(constant: Constant, latex: str) -> None:
    assert constant.latex == latex
