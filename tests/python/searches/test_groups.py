"""Groups with constants of their own: one form for all, prediction, files, what cannot be."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import closedform as cf
from closedform.searches.group_shape import Shape
from closedform.searches.rules import Rules

LABELS = ("steel", "brass", "lead", "tin")
FACTORS = dict(zip(LABELS, (2.0, 3.5, 0.7, 5.1), strict=True))
POLES = dict(zip(LABELS, (0.6, 1.9, 1.1, 3.2), strict=True))


def _table(noise: float = 0.0, rows: int = 12, seed: int = 0) -> pd.DataFrame:
    """Michaelis and Menten's law with other constants in every group."""
    rng = np.random.default_rng(seed)
    names = np.repeat(LABELS, rows)
    x = rng.uniform(0.1, 10, len(names))
    y = np.array([FACTORS[n] * v / (POLES[n] + v) for n, v in zip(names, x, strict=True)])
    y *= 1 + noise * rng.normal(size=len(names))
    return pd.DataFrame({"metal": names, "x": x, "y": y}).sample(frac=1.0, random_state=seed)


def _found(table: pd.DataFrame, evaluations: int = 6000, **more: object) -> cf.Front:
    given = {"time": math.inf, "threads": 1, "operators": "+ * /", "max_size": 9, **more}
    return cf.search(table, values="y", groups="metal", evaluations=evaluations, **given)


@pytest.fixture(scope="module")
def form() -> cf.GroupedFormula:
    found = _found(_table(0.02), noise="relative").best
    assert isinstance(found, cf.GroupedFormula)
    return found


def test_every_group_gets_its_own_constants(form: cf.GroupedFormula) -> None:
    x = np.linspace(0.2, 9.0, 30)[:, None]
    for label in LABELS:
        own = form.of(label)
        law = FACTORS[label] * x[:, 0] / (POLES[label] + x[:, 0])
        assert np.abs(own(x) / law - 1).max() < 0.05
    assert form.complexity <= 7
    assert len(form.parameters) == 2
    assert set(form.rmse) == set(LABELS)
    assert all(0 < error < 0.2 for error in form.rmse.values())
    errors = [c.standard_error for values in form.parameters.values() for c in values.values()]
    assert all(error > 0 for error in errors)


def test_constants_that_agree_are_shared() -> None:
    table = _table()
    table["y"] = [FACTORS[n] * math.exp(-0.5 * v) for n, v in table[["metal", "x"]].to_numpy()]
    found = _found(table, operators="* exp", max_size=6).best
    assert isinstance(found, cf.GroupedFormula)
    assert len(found.parameters) == 1
    assert [round(c.value, 6) for c in found.constants] == [-0.5]


def test_an_exponent_may_be_whole_in_one_group() -> None:
    shape = Shape.of_text("1.7*x**1.3", ("x",))
    x = np.linspace(1, 3, 9)[:, None]
    own, loss = shape.refit([1.5, 2.0], x, 1.5 * x[:, 0] ** 2, np.ones(9))
    assert loss < 1e-20
    assert own == pytest.approx([1.5, 2.0])


def test_prediction_of_a_new_group_is_refused_or_the_mean(form: cf.GroupedFormula) -> None:
    table = pd.DataFrame({"x": [1.0, 2.0], "metal": ["lead", "zinc"]})
    with pytest.raises(cf.InputError, match="'zinc' is new to the formula"):
        form(table)
    told = form(table, new="mean")
    assert told[0] == form.of("lead")([[1.0]])[0]
    assert told[1] == form.mean()([[2.0]])[0]
    assert np.array_equal(told, form([[1.0], [2.0]], groups=["lead", "zinc"], new="mean"))
    assert form.gradient(table[:1])[0] == form.of("lead").gradient([[1.0]])[0]


def test_a_formula_of_groups_is_shown_and_kept(form: cf.GroupedFormula, tmp_path: Path) -> None:
    assert "p1[metal]" in str(form)
    assert form.table().splitlines()[0].split() == ["metal", *form.parameters, "left", "out"]
    form.save(tmp_path / "form.json")
    assert json.loads((tmp_path / "form.json").read_text())["names"] == ["x"]
    for same in (cf.Formula.load(tmp_path / "form.json"), pickle.loads(pickle.dumps(form))):
        assert same == form
        assert same(_table()).tolist() == form(_table()).tolist()
    assert "double x, double p1" in form.code("c")


def test_the_estimator_and_the_command_line_know_groups(tmp_path: Path) -> None:
    table = _table(0.02, rows=20)
    given = {"evaluations": 2000, "operators": "+ * /", "max_size": 7, "random_state": 0}
    model = cf.ClosedFormRegressor(groups="metal", noise="absolute", time=math.inf, **given)
    model.fit(table[["metal", "x"]], table["y"])
    assert model.score(table[["x", "metal"]], table["y"]) > 0.98
    assert model.discovery_.strategy == "groups"
    assert model.discovery_.errors["direct"].nrmse < 0.2
    from closedform.cli.main import main

    table.to_csv(tmp_path / "data.csv", index=False)
    options = "--evaluations 1000 --operators=+,*,/ --max-size 7 --noise absolute --quiet"
    files = f"{tmp_path}/data.csv --save {tmp_path}/f.json"
    main(f"discover {files} --target y --groups metal {options}".split())
    assert isinstance(cf.Formula.load(tmp_path / "f.json"), cf.GroupedFormula)


def test_errors_of_rows_left_out_know_which_rows_weigh() -> None:
    table = _table()
    first = table.groupby("metal").cumcount() == 0  # all of one fold
    front = _found(table, 300, weights=first.to_numpy(float))
    assert all(math.isfinite(formula.loss) for formula in front)


def test_a_search_begins_with_a_form_or_a_front_of_forms() -> None:
    table = _table(0.02)
    assert "/(" not in str(_found(table, 200, noise="relative").best)  # too few to find it alone
    told = _found(table, 200, noise="relative", start="1.0*x/(2 + x)")
    again = _found(table, 200, noise="relative", start=told)
    laws = {"p1[metal]*x/(p2[metal] + x)", "p1[metal]*x/(x + p2[metal])"}
    assert {str(told.best), str(again.best)} <= laws


def test_forms_keep_limits() -> None:
    forms = _found(_table(), limits={"constants": 1}, noise="relative")
    assert "p1[metal]*x" in {str(form) for form in forms}
    assert all(len(form.parameters) <= 1 for form in forms if isinstance(form, cf.GroupedFormula))


def _heat() -> pd.DataFrame:
    """Each metal turns its own share of the power into heat."""
    rng = np.random.default_rng(3)
    names = np.repeat(LABELS, 15)
    U, R = rng.uniform(0.5, 3, (2, len(names)))
    y = np.array([FACTORS[n] for n in names]) * U**2 / R * (1 + 0.02 * rng.normal(size=len(names)))
    return pd.DataFrame({"metal": names, "U": U, "R": R, "y": y})


def test_forms_keep_units() -> None:
    pytest.importorskip("pint", reason="pint is not installed")
    units = {"U": "V", "R": "ohm", "y": "W"}
    told = _found(_heat(), units=units)
    rules = Rules.read(units, "dimensionless", None, ["U", "R"], ["y"])
    assert all(rules.allow(form) for form in told)
    fresh = np.random.default_rng(9).uniform(0.5, 3, (20, 2))
    for label in LABELS:
        law = FACTORS[label] * fresh[:, 0] ** 2 / fresh[:, 1]
        np.testing.assert_allclose(told.best.of(label)(fresh), law, rtol=0.02)
    assert [c.unit for c in told.best.parameters["p1"].values()] == [""] * 4
    assert not all(rules.allow(form) for form in _found(_heat()))


def test_constants_of_groups_have_units() -> None:
    pytest.importorskip("pint", reason="pint is not installed")
    units = {"x": "mol", "y": "mol/s"}
    given = {"evaluations": 6000, "time": math.inf, "threads": 1, "operators": "+ * /"}
    found = cf.discover(
        _table(), "y", groups="metal", units=units, constant_units="free", max_size=9, **given
    )
    assert found.verdict.kind == "law"
    own = {values["tin"].unit for values in found.formula.parameters.values()}
    assert own in ({"mol/s", "mol"}, {"1/mol", "1/s"}, {"s/mol", "s"}), found.formula


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"groups": "alloy"}, "groups: no column 'alloy'"),
        ({"groups": ["a", "b"]}, "groups: has 2 names for 48 rows"),
        ({"groups": [None] * 48}, "groups: row 0 has no name"),
        ({"groups": "metal", "sigma_X": 0.1}, "groups: cannot be given with sigma_X; leave one"),
        ({"groups": "metal", "start": "x/z"}, "start: .* unknown name 'z'"),
        ({"groups": "metal", "backend": "pysr"}, "groups: is known to the native engine"),
    ],
)
def test_groups_that_cannot_be_are_said(given: dict[str, object], said: str) -> None:
    table = _table()
    X = table[["metal", "x"]] if isinstance(given["groups"], str) else table[["x"]]
    with pytest.raises(cf.InputError, match=said):
        cf.search(X, values=table["y"], **given)  # type: ignore[arg-type]
