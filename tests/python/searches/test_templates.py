"""Templates: all parts found together, constants tied, what discover writes, what cannot be."""

from __future__ import annotations

import itertools
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform import _core
from closedform.searches.rules import Rules


def _found(
    template: str, X: np.ndarray, y: np.ndarray, evaluations: int = 4000, **more: object
) -> cf.Front:
    given = {"time": math.inf, "threads": 1, "operators": "+ - * / sin exp", "max_size": 14, **more}
    return cf.search(X, values=y, template=template, evaluations=evaluations, **given)


@pytest.fixture(scope="module")
def tied() -> cf.Formula:
    rng = np.random.default_rng(1)
    X = rng.uniform(-2, 2, (200, 2))
    y = np.sin(1.7 * X).sum(axis=1) + 0.5 + 0.01 * rng.normal(size=200)
    return _found("f(x1) + f(x2) + p[0]", X, y, operators="+ * sin").best


def test_a_function_that_stands_twice_has_one_constant(tied: cf.Formula) -> None:
    x = np.linspace(-2, 2, 50)[:, None]
    part = tied.parts["f"](x)
    law = np.sin(1.7 * x[:, 0])
    assert np.abs(part - part.mean() - law + law.mean()).max() < 0.02
    assert all(constant.standard_error > 0 for constant in tied.constants)
    assert len(tied.constants) < tied.text.count("1.7") + 3


def test_a_formula_keeps_its_parts(tied: cf.Formula, tmp_path: Path) -> None:
    tied.save(tmp_path / "tied.json")
    for same in (cf.Formula.load(tmp_path / "tied.json"), pickle.loads(pickle.dumps(tied))):
        assert same == tied
        assert {name: part.text for name, part in same.parts.items()} == {
            name: part.text for name, part in tied.parts.items()
        }


def test_a_product_of_functions_is_found() -> None:
    X = np.random.default_rng(0).uniform(0.5, 2, (150, 3))
    y = (X[:, 0] + X[:, 1]) * np.exp(X[:, 2])
    front = _found("f(x1, x2)*g(x3)", X, y, operators="+ * exp")
    assert front.best.loss < 1e-20
    assert set(front.best.parts) == {"f", "g"}
    assert front.best.parts["f"].inputs == ("x1", "x2")


def test_a_function_and_its_derivative_are_found() -> None:
    x = np.random.default_rng(0).uniform(-2, 2, (150, 1))
    y = x[:, 0] * np.sin(x[:, 0]) + np.sin(x[:, 0]) + x[:, 0] * np.cos(x[:, 0])
    found = _found("f(x1) + D(f, 1)", x, y, operators="+ * sin").best
    assert found.loss < 1e-20
    assert found.parts["f"].complexity <= 4


def test_the_same_seed_gives_the_same_for_any_number_of_threads() -> None:
    X = np.random.default_rng(0).uniform(0.5, 2, (100, 2))
    y = np.exp(X[:, 0]) / (X[:, 1] + 0.7)
    fronts = [_found("f(x1)*g(x2)", X, y, 1500, threads=threads) for threads in (1, 2)]
    assert [one.text for one in fronts[0]] == [one.text for one in fronts[1]]


def test_discover_writes_its_structure_as_a_template() -> None:
    X = np.random.default_rng(0).uniform(1, 2, (400, 2))
    y = np.sin(2 * X[:, 0]) * np.exp(X[:, 1])
    surrogate = cf.Surrogate(modes=2, segments=6, smoothing=0.0).fit(X, y)
    assert cf.separability(surrogate, X, y).template == "f1(x1)*f2(x2)"
    tree = cf.Sum((cf.Product((cf.Sum((cf.Leaf((0,)), cf.Leaf((1,)))), cf.Leaf((2, 3)))),))
    from closedform.surrogates.separability import template_of

    assert template_of(tree, "abcd", itertools.count(1)) == "(f1(a) + f2(b))*f3(c, d)"


def test_discover_searches_a_template() -> None:
    X = np.random.default_rng(0).uniform(0.5, 2, (100, 2))
    found = cf.discover(
        X,
        np.exp(X[:, 0]) * X[:, 1],
        template="f(x1)*g(x2)",
        evaluations=2000,
        time=math.inf,
        operators="+ * exp",
        max_size=8,
        threads=1,
    )
    assert found.strategy == "template"
    assert found.verdict.kind == "law"
    assert found.errors["direct"].nrmse < 1e-6


def _allowed(front: cf.Front, template: str, **told: Any) -> list[bool]:
    names = list(front.best.names)
    form = _core.Template(template, names)
    rules = Rules.read(
        told.get("units"),
        told.get("constant_units", "dimensionless"),
        told.get("limits"),
        names,
        ["y"],
    ).completed(None, form)
    assert rules is not None
    return [rules.allow(formula) for formula in front]


def test_limits_are_to_each_function() -> None:
    X = np.random.default_rng(0).uniform(0.5, 2, (150, 2))
    y = np.exp(X[:, 0]) + 0.2 * X[:, 1] * np.exp(X[:, 1])
    template = "f(x1) + g(x2)"
    limits = {"forbidden": {"exp": "x2"}, "depth": 4, "constants": 3}
    kept = _found(template, X, y, limits=limits, operators="+ * exp")
    assert "exp" in kept.best.parts["f"].text
    assert all("exp" not in formula.parts["g"].text for formula in kept)
    assert all(_allowed(kept, template, limits=limits))
    fresh = np.linspace(0.6, 1.9, 20)
    slope = kept.best.gradient(np.column_stack([fresh, fresh]))[:, 0]
    np.testing.assert_allclose(slope, np.exp(fresh), rtol=0.1)
    free = _found(template, X, y, operators="+ * exp")
    assert "exp" in free.best.parts["g"].text
    assert not all(_allowed(free, template, limits=limits))


def test_a_search_begins_with_functions_or_formulas_that_have_them(tmp_path: Path) -> None:
    X = np.random.default_rng(0).uniform(0.5, 2, (150, 3))
    y = 1.3 * np.sin(2.4 * X[:, 0] + X[:, 1]) * X[:, 2] ** 2 + 0.7
    template = "f(x1, x2)*g(x3) + p[0]"
    assert _found(template, X, y, 200).best.loss > 1e-3  # too few to find it alone
    begun = {"f": "1.0*sin(2*x1 + x2)", "g": "a1*a1"}
    told = _found(template, X, y, 200, start=begun)
    assert told.best.loss < 1e-20
    told.save(tmp_path / "front.json")
    again = [told, told.best, [cf.Front.load(tmp_path / "front.json").best, begun]]
    again += [{name: part for name, part in told.best.parts.items() if name != "p[0]"}]
    for start in again:
        assert _found(template, X, y, 200, start=start).best.loss < 1e-20
    fresh = np.random.default_rng(1).uniform(0.5, 2, (20, 3))
    law = 1.3 * np.sin(2.4 * fresh[:, 0] + fresh[:, 1]) * fresh[:, 2] ** 2 + 0.7
    np.testing.assert_allclose(told.best(fresh), law, rtol=1e-6)


def test_the_whole_keeps_units() -> None:
    pytest.importorskip("pint", reason="pint is not installed")
    rng = np.random.default_rng(1)
    X = rng.uniform([0.2, 5.0], [2.0, 15.0], (120, 2))  # a pendulum's length, and gravity
    y = 2 * np.pi * np.sqrt(X[:, 0] / X[:, 1]) * (1 + 0.02 * rng.normal(size=120))
    units = {"x1": "m", "x2": "m/s^2", "y": "s"}
    given = {"operators": "+ * / sqrt", "evaluations": 10000}
    told = _found("f(x1)*g(x2)", X, y, units=units, **given)
    assert all(_allowed(told, "f(x1)*g(x2)", units=units))
    fresh = rng.uniform([0.5, 8.0], [3.0, 20.0], (20, 2))
    law = 2 * np.pi * np.sqrt(fresh[:, 0] / fresh[:, 1])
    np.testing.assert_allclose(told.best(fresh), law, rtol=0.01)
    assert [c.unit for c in told.best.constants] in ([""], ["m/s^2"])
    free = _found("f(x1)*g(x2)", X, y, **given)
    assert not all(_allowed(free, "f(x1)*g(x2)", units=units))


def test_a_derivative_is_of_its_own_unit() -> None:
    pytest.importorskip("pint", reason="pint is not installed")
    rng = np.random.default_rng(1)
    X = rng.uniform(-2, 2, (120, 2))
    y = 6 * X[:, 0] ** 3 * X[:, 1] + 0.02 * rng.normal(size=120)
    template = "f(x1, x2) + x1*D(f, 1)"
    units = {"x1": "m", "x2": "s", "y": "m^3 s"}
    told = _found(template, X, y, units=units, operators="+ *")
    assert all(_allowed(told, template, units=units))
    fresh = rng.uniform(-2, 2, (20, 2))
    np.testing.assert_allclose(told.best(fresh), 6 * fresh[:, 0] ** 3 * fresh[:, 1], atol=0.1)
    assert [constant.unit for constant in told.best.constants] == [""]  # once, of two places


def test_a_form_that_nothing_of_the_units_has_is_one_line() -> None:
    pytest.importorskip("pint", reason="pint is not installed")
    X = np.random.default_rng(1).uniform(0.5, 2, (50, 1))
    with pytest.raises(cf.InputError, match="no formula of this form was found that keeps"):
        _found("f(x1) + x1", X, X[:, 0], 500, units={"x1": "m", "y": "s"})


def test_a_constant_is_of_one_unit_wherever_its_function_stands() -> None:
    pytest.importorskip("pint", reason="pint is not installed")
    rng = np.random.default_rng(1)
    X = rng.uniform(0.5, 2, (100, 2))
    y = 3 * X.sum(axis=1) + 1 + 0.01 * rng.normal(size=100)
    free = {"constant_units": "free", "operators": "+ *"}
    alike = {"x1": "m", "x2": "m", "y": "J"}
    told = _found("f(x1) + f(x2)", X, y, 500, units=alike, **free)
    assert told.best.loss < 1e-3
    other = {"x1": "m", "x2": "s", "y": "J"}
    kept = _found("f(x1) + f(x2)", X, y, 500, units=other, **free)
    assert [formula.inputs for formula in kept] == [()]
    assert _found("f(x1) + g(x2)", X, y, 500, units=other, **free).best.loss < 1e-3


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("sin(x1)*x2", "start: 'sin.* does not say what the template's functions are; give"),
        (cf.Formula("x1", ["x1"]), "start: 'x1' does not say what"),
        ({"f": "x1"}, "start: has no expression for 'g'; give one"),
        ({"f": "x1", "g": "x1"}, "start: g: .*unknown name 'x1'"),
        ({"f": "x1", "g": "x2", "h": "1"}, "start: 'h' is no function of the template; those are"),
        ({"f": cf.Formula("a*b", ["a", "b"]), "g": "x2"}, "start: f: is of 2 inputs"),
        (7, "start: must be a Front"),
    ],
)
def test_functions_to_begin_with_that_are_none_are_one_line(start: Any, said: str) -> None:
    X = np.random.default_rng(0).uniform(size=(20, 2))
    with pytest.raises(cf.InputError, match=said) as told:
        _found("f(x1)*g(x2)", X, X[:, 0], start=start)
    assert "\n" not in str(told.value)
    with pytest.raises(cf.InputError, match="start: a mapping is of a template's functions"):
        cf.search(X, values=X[:, 0], start={"f": "x1"})


def test_formulas_to_begin_with_keep_limits() -> None:
    X = np.random.default_rng(0).uniform(0.5, 2, (100, 2))
    given = {"limits": {"forbidden": {"exp": "x1"}}, "start": {"f": "exp(x1)", "g": "x2"}}
    front = _found("f(x1)*g(x2)", X, np.exp(X[:, 0]) * X[:, 1], 300, **given)
    assert not any("exp" in formula.parts["f"].text for formula in front)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("f(x1", r"template 'f\(x1', position 5: expected '\)'"),
        ("f(x1) + q", "position 9: unknown name 'q'"),
        ("f(x1, x2, x1*x2)", "has 3 arguments; X has 2 columns"),
        ("p[0]*x1", "has numbers alone"),
        (7, "template: is a int"),
    ],
)
def test_a_wrong_template_is_one_line(template: str, said: str) -> None:
    X = np.random.default_rng(0).uniform(size=(20, 2))
    with pytest.raises(cf.InputError, match=said) as told:
        cf.search(X, values=X[:, 0], template=template)
    assert "\n" not in str(told.value)
