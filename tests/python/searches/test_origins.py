"""Columns far from zero: laws in years are found and written so, and nothing else changes."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import closedform as cf
from closedform.formulas.constants import Constants
from closedform.searches.origins import folded, with_origins, written, written_size
from closedform.searches.settings import Arguments, checked_settings
from closedform.tables.checks import Matrix, Shift
from closedform.tables.spool import Spool, map_of

YEAR = np.sort(np.random.default_rng(0).uniform(1958, 2002, 300))
SINCE = YEAR - 1980
TABLE = pd.DataFrame({"year": YEAR})
NOISE = np.random.default_rng(1).normal(size=300)
SETTINGS = checked_settings(Arguments())


def _found(y: np.ndarray, **arguments: object) -> cf.Front:
    return cf.search(TABLE, values=y, time=math.inf, evaluations=40_000, threads=1, **arguments)


@pytest.mark.parametrize(
    ("low", "high", "origin"),
    [
        (1958, 2002, 1980),
        (2450000, 2450800, 2450500),
        (1.6e9, 1.6e9 + 864000, 1600500000),
        (290, 310, 300),
        (-310, -290, -300),
        (1.00001, 1.00003, 1.00002),
        (1, 10, None),
        (-1, 1000, None),
    ],
)
def test_origin_is_a_round_number_in_the_middle_of_a_range_far_from_zero(
    low: float, high: float, origin: float | None
) -> None:
    table = with_origins(Matrix(np.array([[low], [high]], dtype=float), ("x",)), SETTINGS)
    assert table.shifts == (() if origin is None else (Shift(0, origin),))
    assert table.own == 1


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_mapped_rows_stay_in_a_file_and_their_precision(kind: type) -> None:
    years = np.round(YEAR[:, None]).astype(kind)
    spool = Spool(years)
    spool.add(years, "X")
    mapped = with_origins(Matrix(spool.mapped(), ("year",)), SETTINGS).values
    assert map_of(mapped) is not None
    for values in (mapped, with_origins(Matrix(years, ("year",)), SETTINGS).values):
        assert values.dtype == kind
        np.testing.assert_array_equal(values, np.column_stack([years, years - 1980]))


def test_cycle_and_parabola_are_written_with_an_origin() -> None:
    best = _found(np.sin(2 * np.pi * SINCE) + 0.1 * NOISE).best
    assert best.text.endswith("*(year - 1980))")
    assert best.complexity == 6
    best = _found(340 + 0.012 * SINCE**2 + 0.3 * NOISE, operators="+ - * square").best
    assert "(year - 1980)**2" in best.text
    origin = [constant for constant in best.constants if constant.value == 1980]
    assert [constant.fixed for constant in origin] == [True]
    assert max(abs(constant.value) for constant in best.constants) < 2000
    # The derivatives are those by the year.
    np.testing.assert_allclose(best.gradient(TABLE)[:, 0], 2 * 0.012 * SINCE, atol=0.02)
    again = cf.Formula(best.text, best.names)
    np.testing.assert_array_equal(again(TABLE), best(TABLE))


def test_errors_go_with_their_constants() -> None:
    table = with_origins(Matrix(YEAR[:, None], ("year",)), SETTINGS)
    formula = cf.Formula(f"2.5*{table.names[1]}**2 + 340", table.names)
    covariance = np.array([[0.04, 0.01], [0.01, 9.0]])
    formula.constants = Constants([2.5, 340.0], covariance, [False, True])
    shown = written(formula, table).constants
    assert [c.value for c in shown] == [2.5, 1980.0, 340.0]
    assert [c.standard_error for c in shown] == [0.2, 0.0, 3.0]
    assert [c.fixed for c in shown] == [False, True, True]
    assert shown.covariance[0, 2] == 0.01


def test_law_of_the_column_itself_comes_as_such() -> None:
    front = _found(3 * YEAR)
    assert front.best.text == "3*year"
    assert front.stopped == "exact"


def test_size_is_that_of_what_is_written() -> None:
    y = np.sin(2 * np.pi * SINCE) + 0.1 * NOISE
    front = _found(y, max_size=5)
    assert max(formula.complexity for formula in front) <= 5
    for formula in _found(y, max_size=9):
        assert formula.complexity <= 9
        assert formula.names == ("year",)
        loss = np.mean((formula(TABLE) - y) ** 2)
        np.testing.assert_allclose(formula.loss, loss, rtol=1e-9)


def test_discover_writes_so_too() -> None:
    y = 340 + 0.012 * SINCE**2 + 0.3 * NOISE
    budget = {"time": math.inf, "evaluations": 20_000, "operators": "+ - * square"}
    found = cf.discover(TABLE, y, noise="absolute", strategy="direct", threads=1, **budget)
    assert "(year - 1980)**2" in found.formula.text
    assert found.verdict.kind == "law"
    direct = found.errors["direct"]
    assert direct is not None
    assert direct.nrmse < 0.2
    assert found.formula.ranges == ((YEAR.min(), YEAR.max()),)


def test_nothing_is_counted_without_a_difference() -> None:
    front = _found(3 * YEAR, operators="* / sin")
    assert front.best.text == "3*year"
    assert with_origins(Matrix(YEAR[:, None], ("year",)), SETTINGS).shifts
    few = checked_settings(Arguments(operators=["*", "/"]))
    assert not with_origins(Matrix(YEAR[:, None], ("year",)), few).shifts


def test_constants_keep_their_order_among_origins_and_exponents() -> None:
    table = with_origins(Matrix(YEAR[:, None], ("year",)), SETTINGS)
    formula = cf.Formula(
        "2.5*exp(t)**0.3 + 7*t**2 - t/3.5".replace("t", table.names[1]), table.names
    )
    shown = written(formula, table)
    assert [c.value for c in shown.constants if not c.fixed] == [c.value for c in formula.constants]
    assert sum(constant.value == 1980 for constant in shown.constants) == 3
    assert shown.complexity == written_size(formula, 1)
    np.testing.assert_array_equal(shown(YEAR[:, None]), formula(table.values))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("t + 44.5", "year - 1935.5"),
        ("a/(t - 300)", "a/(year - 2280.0)"),
        ("a + t - 4 + b", "a + year - 1984.0 + b"),
        ("2*t + 4", "2*t + 4"),
        ("a - t + 4", "a - t + 4"),
        ("t + 4*a", "t + 4*a"),
        ("t + 4**a", "t + 4**a"),
    ],
)
def test_constants_beside_an_origin_become_one(text: str, expected: str) -> None:
    assert folded(text, ("year", "a", "b", "t"), (Shift(0, 1980.0),)) == expected
