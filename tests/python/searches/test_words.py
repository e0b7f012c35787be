"""Operators of one's own and what words count: found, kept, written out, refused in one line."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform.searches.backends import pysr
from closedform.searches.objectives import Values
from closedform.searches.settings import Arguments, checked_settings
from closedform.tables.words import Words

BUDGET: dict[str, Any] = {"evaluations": 4000, "time": math.inf, "threads": 1, "progress": False}
SINC = ["+", "*", {"sinc": "sin(x)/x"}]
X = np.random.default_rng(0).uniform(0.5, 6, (100, 2))


def test_an_operator_of_ones_own_is_one_node_with_exact_derivatives(tmp_path: Path) -> None:
    y = 2 * np.sin(3 * X[:, 0]) / X[:, 0] + X[:, 1]
    front = cf.search(X, values=y, operators=SINC, limits={"operands": {"sinc": 3}}, **BUDGET)
    best = front.best
    assert best.operators == {"+", "*", "sinc"}
    assert best.complexity == 8
    assert best.text == "x2 + 6*sinc(3*x1)"
    assert [constant.value for constant in best.constants] == [6.0, 3.0]
    u = 3 * X[:, 0]
    slopes = np.column_stack([6 * (np.cos(u) - np.sin(u) / u) / X[:, 0], np.ones(100)])
    np.testing.assert_allclose(best.gradient(X), slopes, rtol=1e-9, atol=1e-12)
    assert "sinc" not in best.code("c").split("*/")[-1]
    assert pickle.loads(pickle.dumps(best)).complexity == 8
    front.save(tmp_path / "front.json")
    assert cf.Front.load(tmp_path / "front.json").best == best


def test_a_definition_may_have_an_operand_twice_and_two_operands() -> None:
    y = 3 * np.hypot(X[:, 0] + 0.7, X[:, 1])
    own = ["+", "*", {"hyp": "sqrt(a**2 + b**2)"}]
    best = cf.search(X, values=y, operators=own, **BUDGET).best
    assert best.loss < 1e-20
    assert "hyp(" in best.text
    law = cf.Formula("sin(x1 + x2)/(x1 + x2) + x2", ["x1", "x2"])
    found = cf.search(X, gradients=law.gradient(X), operators=SINC, **BUDGET).best
    assert found.text == "x2 + sinc(x1 + x2)"


def test_words_count_what_is_asked() -> None:
    y = np.exp(X[:, 0]) * X[:, 1] + 1.5
    counts = {"exp": 4, "x2": 3, "constant": 2}
    front = cf.search(X, values=y, complexities=counts, max_size=12, **BUDGET)
    for formula in front:
        nodes = [name for name, _, _ in formula._expression.nodes]
        reads = [column for name, column, _ in formula._expression.nodes if name == "variable"]
        extra = 3 * nodes.count("exp") + nodes.count("constant") + 2 * reads.count(1)
        assert formula.complexity == len(nodes) + extra <= 12


def test_pysr_is_told_what_words_count() -> None:
    words = Words.read({}, {"sin": 3, "*": 2, "x2": 4, "constant": 5})
    settings = replace(checked_settings(Arguments(backend="pysr")), words=words)
    given = pysr.arguments(Values(X[:, 0], None), settings)
    assert given["complexity_of_operators"] == {"sin": 3, "*": 2}
    assert given["complexity_of_constants"] == 5
    assert pysr.counts_of(words, ["x1", "x2"]) == {"complexity_of_variables": [1, 4]}
    with pytest.raises(cf.InputError, match="'sinc' is your own, not for PySR"):
        pysr.check(checked_settings(Arguments(backend="pysr", operators=SINC)))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"operators": [{"sin": "x"}]}, "operators: 'sin' cannot be an operator's name"),
        ({"operators": {"f": "a + b + c"}}, "operators: f: 'a . b . c' has 3 operands"),
        ({"operators": {"f": "x + "}}, "operators: f: expression 'x . ', position 5: unexpected"),
        ({"operators": {"x1": "x + 1"}}, "operators: 'x1' is an input, too"),
        ({"operators": {"f": 3}}, "operators: f: "),
        ({"complexities": {"x9": 2}}, "complexities: 'x9' is no operator and no input"),
        ({"complexities": {"constant": 40}}, "max_size: 30 is less than the 40 that a number"),
        ({"complexities": {"exp": 0}}, "complexities: exp: 0 is out of range"),
        ({"limits": {"operands": {"f": 1}}}, "limits: operands: 'f' is no operator"),
    ],
)
def test_words_that_cannot_be(given: dict[str, Any], told: str) -> None:
    with pytest.raises(cf.InputError, match=told) as caught:
        cf.search(X, values=X[:, 0], **given, **BUDGET)
    assert "\n" not in str(caught.value)
    with pytest.raises(cf.InputError, match="operators: 'step' has no gradient"):
        cf.search(X, gradients=X, operators={"step": "x > 1"}, **BUDGET)
