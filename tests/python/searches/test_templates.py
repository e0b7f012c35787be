"""Templates: all parts found together, constants tied, what discover writes, what cannot be."""

from __future__ import annotations

import itertools
import math
import pickle
from pathlib import Path

import numpy as np
import pytest

import closedform as cf


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
