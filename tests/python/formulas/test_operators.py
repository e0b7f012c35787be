"""Every operator of the table in whatever Python makes of it."""

from __future__ import annotations

import numpy as np
import pytest

import closedform as cf
from closedform import _core
from closedform.codegen.expression import LANGUAGES
from closedform.codegen.graph import OPERATORS as OF_GRAPH
from closedform.errors import InputError
from closedform.tables.names import RESERVED_NAMES

NAMES = ("a", "b")
ROWS = np.random.default_rng(3).uniform(0.1, 0.9, (50, 2))
SIGNS = frozenset("+-*/")  # what every language has itself


def text_of(name: str) -> str:
    if not name.isidentifier():
        return f"a {name} b"
    return f"{name}(a, b)" if _core.OPERATORS[name].operands == 2 else f"{name}(a)"


@pytest.mark.parametrize("name", _core.OPERATORS)
def test_sympy_has_the_same_value_and_derivative(name: str) -> None:
    import sympy

    formula = cf.Formula(text_of(name), NAMES)
    assert formula.operators == {name}
    assert formula.latex()
    symbols = sympy.symbols("a b", real=True)
    theirs = sympy.lambdify(symbols, formula.sympy(), ["scipy", "numpy"])
    np.testing.assert_allclose(theirs(*ROWS.T), formula(ROWS), rtol=1e-13)
    if name == "sign":  # sympy's slope is a distribution
        return
    for j, symbol in enumerate(symbols):
        slope = sympy.lambdify(symbols, formula.sympy().diff(symbol), ["scipy", "numpy"])
        wanted = np.broadcast_to(slope(*ROWS.T), len(ROWS))
        np.testing.assert_allclose(formula.gradient(ROWS)[:, j], wanted, rtol=1e-12)


@pytest.mark.parametrize("name", _core.OPERATORS)
def test_numpy_code_has_the_same_value_and_derivatives(name: str) -> None:
    formula = cf.Formula(text_of(name), NAMES)
    scope: dict[str, object] = {}
    exec(formula.code("numpy", 2, name="f"), scope)
    value, gradient, hessian = scope["f"](*ROWS.T)  # type: ignore[operator]
    np.testing.assert_allclose(value, formula(ROWS), rtol=1e-14)
    np.testing.assert_allclose(gradient, formula.gradient(ROWS), rtol=1e-13)
    np.testing.assert_allclose(hessian, formula.hessian(ROWS), rtol=1e-12)


@pytest.mark.parametrize("name", _core.OPERATORS)
def test_no_reader_misses_an_operator(name: str) -> None:
    known = _core.OPERATORS[name]
    assert len(known.slopes) == known.operands
    assert any(known is other for other in OF_GRAPH.values())
    for language in LANGUAGES.values():
        written = name in language.calls or name in SIGNS or known.power != 0
        assert written, language.title
    if name.isidentifier():
        assert name in RESERVED_NAMES
    operands = [0.3, 0.7][: known.operands]
    assert known.value(operands) == pytest.approx(
        cf.Formula(text_of(name), NAMES)(np.array([[0.3, 0.7]]))[0], rel=1e-14
    )


@pytest.mark.parametrize("name", _core.OPERATORS)
def test_searches_use_it(name: str) -> None:
    law = cf.Formula(f"2*({text_of(name)}) + a", NAMES)
    X = np.random.default_rng(4).uniform(0.1, 0.9, (200, 2))
    found = cf.search(
        X,
        values=law(X),
        operators=["+", "*", "square", name],
        max_size=10,
        evaluations=20_000,
        time=np.inf,
        threads=2,
    )
    assert found.best.loss < 1e-20


def test_steps_are_refused_where_there_are_gradients_to_go_by() -> None:
    with pytest.raises(InputError, match="operators: '>' has no gradient; leave it out"):
        cf.search(ROWS, gradients=ROWS, operators=["+", ">"], evaluations=10)
    with pytest.raises(InputError, match="operators: '>' has no gradient"):
        cf.interpret((lambda X: X[:, 0], lambda X: X), ROWS, operators=["+", ">"])
    with pytest.raises(InputError, match="operators: '>' is not for PySR"):
        cf.search(ROWS, values=ROWS[:, 0], operators=["+", ">"], backend="pysr")
