"""Formulas and fronts: text, values, derivatives, sympy, files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import closedform as cf

NAMES = ("x", "y")
UNARY = ("sin", "cos", "tanh", "exp", "sqrt", "log", "abs", "tan", "inv")


def _expressions() -> st.SearchStrategy[str]:
    leaves = st.sampled_from(["x", "y", "0.5", "2", "1.75"])

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.tuples(st.sampled_from(UNARY), inner).map(lambda t: f"{t[0]}({t[1]})"),
            st.tuples(inner, st.sampled_from("+-*/"), inner).map(
                lambda t: f"({t[0]}){t[1]}({t[2]})"
            ),
            inner.map(lambda t: f"({t})**2"),
            inner.map(lambda t: f"-({t})"),
        )

    return st.recursive(leaves, grow, max_leaves=8)


@settings(max_examples=150, deadline=None)
@given(_expressions())
def test_values_and_gradients_agree_with_jax(text: str) -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed")
    jax.config.update("jax_enable_x64", True)
    scope = {name: getattr(jax.numpy, name) for name in UNARY if name != "inv"}
    scope["inv"] = lambda a: 1 / a
    # A constant as JAX has it: Python's own raises where it is divided by zero.
    scope["number"] = jax.numpy.float64
    constants = re.sub(r"(?<![\w.*])\d+(\.\d+)?", r"number(\g<0>)", text)
    code = compile(constants, "expression", "eval")

    def reference(row):  # type: ignore[no-untyped-def]
        return jax.numpy.asarray(eval(code, {**scope, "x": row[0], "y": row[1]}), float)

    X = np.random.default_rng(0).uniform(0.3, 1.4, (40, 2))
    formula = cf.Formula(text, NAMES)
    value = np.asarray(jax.vmap(reference)(X))
    gradient = np.asarray(jax.vmap(jax.grad(reference))(X))
    # Near a pole or a domain's edge rounding of the operands is amplified: not what is tested.
    tame = np.isfinite(value) & (np.abs(value) < 1e3) & (np.abs(gradient).max(axis=1) < 1e4)
    scale = 1e-10 * (1 + np.abs(gradient[tame]).max(axis=1, initial=0))
    assert np.all(np.abs(formula(X)[tame] - value[tame]) <= scale * (1 + np.abs(value[tame])))
    wrong = np.abs(formula.gradient(X)[tame] - gradient[tame]).max(axis=1, initial=0)
    assert np.all(wrong <= 1e3 * scale)
    assert cf.Formula(formula.text, NAMES) == formula


def test_sympy_and_latex_show_the_same_function() -> None:
    formula = cf.Formula("2.5*exp(-x)*(y - 1)**2/sqrt(x) + abs(y)", NAMES)
    X = np.random.default_rng(1).uniform(0.5, 2, (20, 2))
    import sympy

    x, y = sympy.symbols("x y", real=True)
    function = sympy.lambdify((x, y), formula.sympy(), "numpy")
    np.testing.assert_allclose(function(*X.T), formula(X), rtol=1e-13)
    assert "\\sqrt{x}" in formula.latex()


def test_tables_are_matched_by_name_and_float32_is_taken_as_it_is() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    formula = cf.Formula("x - 2*y", NAMES)
    table = pandas.DataFrame({"y": [1.0, 2.0], "other": [0.0, 0.0], "x": [5.0, 7.0]})
    np.testing.assert_array_equal(formula(table), [3.0, 3.0])
    np.testing.assert_array_equal(formula(np.float32([[5, 1], [7, 2]])), [3.0, 3.0])
    with pytest.raises(ValueError, match="takes 2: x, y"):
        formula(np.zeros((3, 3)))


def test_refit_takes_what_a_call_takes() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    rows = np.random.default_rng(0).uniform(1, 2, (20, 2))
    y = 3 * rows[:, 0] - 2 * rows[:, 1]
    table = pandas.DataFrame({"y": rows[:, 1], "other": y, "x": rows[:, 0]})
    for X in (table, np.asfortranarray(rows), rows.tolist()):
        found = cf.Formula("2*x - 1.5*y", NAMES).refit(X, y)
        assert [c.value for c in found.constants] == pytest.approx([3, 2])
        assert found.loss == pytest.approx(0, abs=1e-20)


@pytest.mark.parametrize(
    "text", ["x +", "x y", "import os", "z", "__class__", "x.real", "", "x = 1"]
)
def test_text_that_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expression"):
        cf.Formula(text, NAMES)


def test_text_without_an_encoding_is_refused() -> None:
    with pytest.raises(cf.InputError, match="has no UTF-8 form"):
        cf.Formula("x + \ud800", NAMES)


def test_a_front_survives_its_file(tmp_path: Path) -> None:
    front = cf.Front(
        [cf.Formula("x", NAMES, 1.0), cf.Formula("x + sin(y)/3", NAMES, 1e-30)], stopped="exact"
    )
    path = tmp_path / "front.json"
    front.save(path)
    again = cf.Front.load(path)
    assert list(again) == list(front)
    assert again.best == front.best
    assert again.best.loss == 1e-30
    assert again.stopped == "exact"
    assert cf.Formula.load(path) == front.best


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "front.json"
    cf.Front([cf.Formula("x", NAMES, 1.0)]).save(path)
    text = path.read_text()
    document = json.loads(text)
    broken = [text[: len(text) // 2], "", "[]", "{}", "\x00\xff"]
    broken += [json.dumps({k: v for k, v in document.items() if k != key}) for key in document]
    broken.append(json.dumps(document | {"version": 99}))
    broken.append(json.dumps(document | {"best": 7}))
    broken.append(json.dumps(document | {"formulas": [{"text": "open('x')", "loss": 0}]}))
    for content in broken:
        path.write_text(content)
        with pytest.raises(ValueError):  # noqa: PT011  (each has its own words)
            cf.Front.load(path)
