"""Groups in a form of the user's: one template for all, constants each group's own or shared."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import closedform as cf
from closedform import _core
from closedform.searches.rules import Rules

LABELS = ("steel", "brass", "lead", "tin")
FACTORS = dict(zip(LABELS, (2.0, 3.5, 0.7, 5.1), strict=True))


def _rows(seed: int = 0, rows: int = 15) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    u, v = rng.uniform(0.5, 2.5, (2, len(LABELS) * rows))
    return np.repeat(LABELS, rows), u, v


def _table() -> pd.DataFrame:
    """Of every metal its own multiple of u^2 + v^2, and 0.5 for all."""
    names, u, v = _rows()
    y = np.array([FACTORS[name] for name in names]) * (u**2 + v**2) + 0.5
    y += 0.01 * np.random.default_rng(1).normal(size=len(y))
    return pd.DataFrame({"metal": names, "u": u, "v": v, "y": y}).sample(frac=1.0, random_state=0)


def _found(template: str, table: pd.DataFrame, evaluations: int = 4000, **more: object) -> cf.Front:
    given = {"time": math.inf, "threads": 1, "operators": "+ * / exp", "max_size": 9, **more}
    return cf.search(
        table, values="y", groups="metal", template=template, evaluations=evaluations, **given
    )


@pytest.fixture(scope="module")
def front() -> cf.Front:
    return _found("f(u) + f(v) + p[0]", _table(), noise="absolute")


def test_a_constant_of_a_function_is_each_groups_own_wherever_it_stands(front: cf.Front) -> None:
    form = front.best
    assert isinstance(form, cf.GroupedFormula)
    assert len(form.parameters) == 1  # in two places
    assert form.text.count("p1") == 2
    names, u, v = _rows(seed=5)
    fresh = pd.DataFrame({"metal": names, "u": u, "v": v})
    law = np.array([FACTORS[name] for name in names]) * (u**2 + v**2) + 0.5
    np.testing.assert_allclose(form(fresh), law, rtol=0.02)
    part = form.parts["f"]
    assert isinstance(part, cf.GroupedFormula)
    change = part(fresh[["metal", "u"]]) - part(fresh[["metal", "u"]].assign(u=1.0))
    own = np.array([FACTORS[name] for name in names]) * (u**2 - 1)
    np.testing.assert_allclose(change, own, atol=0.05)
    alone = form.of("tin")
    assert alone.parts["f"].text == part.of("tin").text


def test_a_form_of_groups_keeps_its_parts(front: cf.Front, tmp_path: Path) -> None:
    form = front.best
    form.save(tmp_path / "form.json")
    for same in (cf.Formula.load(tmp_path / "form.json"), pickle.loads(pickle.dumps(form))):
        assert same == form
        assert dict(same.parts) == dict(form.parts)
    again = _found("f(u) + f(v) + p[0]", _table(), 200, noise="absolute", start=form)
    assert again.best.loss <= form.loss * 1.001


def test_the_same_seed_gives_the_same_form_for_any_number_of_threads() -> None:
    fronts = [_found("f(u)*g(v)", _table(), 1500, threads=threads) for threads in (1, 2)]
    assert [str(one) for one in fronts[0]] == [str(one) for one in fronts[1]]


def test_forms_of_groups_keep_units_and_limits() -> None:
    pytest.importorskip("pint", reason="pint is not installed")
    names, u, v = _rows()
    y = np.array([FACTORS[name] for name in names]) * u**2 / v
    table = pd.DataFrame({"metal": names, "u": u, "v": v, "y": y})
    table["y"] *= 1 + 0.02 * np.random.default_rng(1).normal(size=len(y))
    units = {"u": "V", "v": "ohm", "y": "W"}
    form = _core.Template("f(u)*g(v)", ["u", "v"])
    rules = Rules.read(units, "dimensionless", {"constants": 1}, ["u", "v"], ["y"])
    whole = rules.completed(None, form)
    assert whole is not None
    given = {"units": units, "limits": {"constants": 1}}
    told = _found("f(u)*g(v)", table, **given)
    assert all(whole.allow(one) for one in told)
    assert isinstance(told.best, cf.GroupedFormula)
    np.testing.assert_allclose(told.best(table), y, rtol=0.03)
    assert not all(whole.allow(one) for one in _found("f(u)*g(v)", table))
    begun = {"f": "u*u", "g": "exp(v)"}  # of no unit
    assert "exp" not in str(list(_found("f(u)*g(v)", table, start=begun, **given)))


def test_constants_that_agree_are_shared_in_a_template() -> None:
    table = _table()
    table["y"] = [FACTORS[n] * u * math.exp(-0.5 * v) for n, u, v, _ in table.to_numpy()]
    found = _found("f(u)*g(v)", table, operators="* exp").best
    assert isinstance(found, cf.GroupedFormula)
    assert len(found.parameters) == 1
    assert [round(c.value, 6) for c in found.constants] == [-0.5]


def test_discover_takes_groups_with_a_template() -> None:
    found = cf.discover(
        _table(),
        "y",
        groups="metal",
        template="f(u) + f(v) + p[0]",
        evaluations=4000,
        time=math.inf,
        operators="+ * / exp",
        max_size=9,
        threads=1,
        noise="absolute",
    )
    assert found.strategy == "groups"
    assert set(found.formula.parts) == {"f", "p[0]"}
    assert found.errors["direct"].nrmse < 0.01
    assert found.verdict.kind == "law"


def test_what_no_group_has_is_one_line() -> None:
    table = _table()
    with pytest.raises(cf.InputError, match="start: has no expression for 'g'"):
        _found("f(u)*g(v)", table, start={"f": "u"})
    with pytest.raises(cf.InputError, match="groups: cannot be given with sigma_X"):
        _found("f(u)*g(v)", table, sigma_X=0.1)
    with pytest.raises(cf.InputError, match=r"template 'f\(metal.*unknown name 'metal'"):
        _found("f(metal)*g(v)", table)


def test_the_estimator_and_the_command_line_take_all_of_it(tmp_path: Path) -> None:
    pytest.importorskip("pint", reason="pint is not installed")
    table = _table()
    told = {"template": "f(u) + f(v) + p[0]", "groups": "metal", "constant_units": "free"}
    units = {"u": "m", "v": "m", "y": "J"}
    model = cf.ClosedFormRegressor(
        **told,
        units=units,
        limits={"constants": 2},
        start={"f": "1.5*u*u"},
        noise="absolute",
        operators="+ *",
        max_size=9,
        evaluations=400,
        time=math.inf,
        random_state=0,
    )
    model.fit(table[["metal", "u", "v"]], table["y"])
    assert model.score(table[["metal", "u", "v"]], table["y"]) > 0.999
    form = model.formula_
    assert isinstance(form, cf.GroupedFormula)
    assert {c.unit for values in form.parameters.values() for c in values.values()} == {"kg/s^2"}
    assert [constant.unit for constant in form.constants] == ["kg m^2/s^2"]

    from closedform.cli.main import main

    table.to_csv(tmp_path / "data.csv", index=False)
    options = "--evaluations 400 --operators=+,* --max-size 9 --noise absolute --quiet --threads 1"
    own = ["--target", "y", "--groups", "metal", "--template", told["template"]]
    own += ["--units", "u=m,v=m,y=J", "--constant-units", "free", "--save", f"{tmp_path}/f.json"]
    begun = ["--start", "f=1.5*u*u; p[0]=0.4"]
    assert main(["discover", f"{tmp_path}/data.csv", *own, *begun, *options.split()]) == 0
    saved = cf.Formula.load(tmp_path / "f.json")
    assert isinstance(saved, cf.GroupedFormula)
    assert set(saved.parts) == {"f", "p[0]"}
    again = ["--start", f"{tmp_path}/f.json"]
    assert main(["discover", f"{tmp_path}/data.csv", *own, *again, *options.split()]) == 0
