"""Forms that are given: named constants, their fits and errors, scores, places on a front."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import closedform as cf

NAMES = ["x1", "x2", "x3"]
TEXT = "(1 - C1)*x1/(x2 + 1) + x3/(C2 + 1)"


def rows(count: int = 300, scatter: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    X = rng.uniform(0.5, 3, (count, 3))
    law = (1 - 0.3) * X[:, 0] / (X[:, 1] + 1) + X[:, 2] / (1.7 + 1)
    return X, law + scatter * rng.normal(size=count)


def test_named_constants_are_fitted_with_their_errors() -> None:
    X, y = rows()
    form = cf.Formula(TEXT, NAMES, constants=["C1", "C2"])
    found = form.fit(X, y)
    for name, truth in (("C1", 0.3), ("C2", 1.7)):
        constant = found.constants[name]
        assert abs(constant.value - truth) < 4 * constant.standard_error < 0.05
    assert found.loss == pytest.approx(np.mean((found(X) - y) ** 2), rel=1e-12)
    assert cf.Formula(found.text, NAMES)(X) == pytest.approx(found(X), rel=1e-14)
    # Errors that are known instead of estimated, twice as large as they are: so are those of C1.
    known = form.fit(X, y, sigma=np.full(len(y), 0.02)).constants["C1"]
    ratio = known.standard_error / found.constants["C1"].standard_error
    assert ratio == pytest.approx(2, rel=0.1)
    again = pickle.loads(pickle.dumps(found))
    assert again.constants["C1"] == found.constants["C1"]
    assert again.fit(X, y).text == found.text


def test_a_constant_is_one_wherever_it_occurs() -> None:
    x = np.linspace(0.2, 4, 50)[:, None]
    form = cf.Formula("a*x*exp(-a*x/b)", ["x"], constants={"a": None, "b": None})
    found = form.fit(x, 2.5 * x[:, 0] * np.exp(-2.5 * x[:, 0] / 3))
    assert [c.value for c in found.constants] == pytest.approx([2.5, 3.0], rel=1e-9)


def test_a_value_that_is_given_is_held() -> None:
    X, y = rows()
    found = cf.Formula(TEXT, NAMES, constants={"C1": 0.25, "C2": None}).fit(X, y)
    assert found.constants["C1"].value == 0.25
    assert found.constants["C1"].fixed
    assert found.constants["C2"].standard_error > 0


def test_the_noise_model_decides_what_is_likeliest() -> None:
    x = np.linspace(1, 9, 60)[:, None]
    y = 2 * x[:, 0]
    y[::10] += 50
    form = cf.Formula("k*x", ["x"], constants=["k"])
    assert abs(form.fit(x, y).constants["k"].value - 2) > 0.3
    assert form.fit(x, y, noise="robust").constants["k"].value == pytest.approx(2, abs=1e-3)


def test_numbers_in_a_text_are_fitted_likewise() -> None:
    X, y = rows()
    found = cf.Formula("0.9*x1/(x2 + 1) + 0.3*x3", NAMES).fit(X, y)
    assert [c.name for c in found.constants] == [None] * 3
    assert found.constants[0].value == pytest.approx(0.7, abs=0.1)
    assert all(c.standard_error > 0 for c in found.constants)


def test_sympy_expressions_are_read() -> None:
    import sympy

    C, x, y = sympy.symbols("C x y")
    form = cf.Formula(
        sympy.pi * x * sympy.exp(-y / C) + sympy.Rational(1, 3) * sympy.Abs(y),
        ["x", "y"],
        constants={"C": 2.0},
    )
    value = np.pi * 1.5 * np.exp(-0.7 / 2) + 0.7 / 3
    assert form([[1.5, 0.7]])[0] == pytest.approx(value, rel=1e-15)


def test_a_front_takes_a_formula_of_ones_own() -> None:
    X, y = rows(scatter=0.1)
    front = cf.Front([cf.Formula(str(y.mean()), NAMES, float(y.var()))])
    own = cf.Formula(TEXT, NAMES, constants=["C1", "C2"]).fit(X, y)
    added = front.add(own, X, y)
    assert added.best == front.best
    assert added[-1].text == own.text
    assert added[-1].loss == pytest.approx(cf.score(own, X, y).loss)
    assert cf.score(own, X, y).r2 > 0.8
    worse = added.add(cf.Formula("x1 + x2 + x3 + x1*x2*x3 + x1**4 + x2**4", NAMES), X, y)
    assert len(worse) == 3  # dominated, but asked for


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda X, y: cf.Formula("a*x1", NAMES, constants=["b"]), "unknown name 'a'"),
        (lambda X, y: cf.Formula("a*x1", NAMES, constants=["a", "b"]), "'b' is not in"),
        (lambda X, y: cf.Formula("x1", NAMES, constants=["x1"]), "is an input, too"),
        (lambda X, y: cf.Formula("a*x1", NAMES, constants={"a": "2"}), "must be a number"),
        (lambda X, y: cf.Formula("a*x1", NAMES, constants=["a"])(X), "a has no value"),
        (lambda X, y: cf.Formula("a*x1", NAMES, constants=["a"]).code("c"), "a has no value"),
        (
            lambda X, y: cf.Formula("a*x1", NAMES, constants=["a"]).fit(X, y, start={"b": 1}),
            "'b' is no constant",
        ),
        (
            lambda X, y: cf.Formula("a*x1", NAMES, constants=["a"]).fit(X, -y, noise="counts"),
            "whole numbers",
        ),
        (
            lambda X, y: cf.Formula("a*log(-x1)", NAMES, constants=["a"]).fit(X, y),
            "no value at some of the rows",
        ),
        (lambda X, y: cf.Formula(3, NAMES), "a sympy expression"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_refused_in_one_line(make, told: str) -> None:  # type: ignore[no-untyped-def]
    X, y = rows(20)
    with pytest.raises(cf.InputError, match=told) as caught:
        make(X, y)
    assert "\n" not in str(caught.value)
