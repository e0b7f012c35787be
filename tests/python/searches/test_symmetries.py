"""Symmetries: the seven benchmarks, exact and noisy, and what a merging promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedform._core import Expression
from closedform.errors import InputError
from closedform.searches.symmetries import find, separable_blocks

OPERATORS = ("+", "-", "*", "/", "sin", "exp")

# Law, box, what is left (arXiv 2401.04978; of benchmark 7 only rows where both products agree).
BENCHMARKS = {
    1: ("x1*x1 + 2*x2*x2", [-1, -1], [1, 1], ["x1*x1 + 2*(x2*x2)"]),
    2: ("x1*x1 + 3*x1*x2 + 2*x2*x2", [-2, -2], [0, 0], ["x1", "x2"]),
    3: ("x1*x1 + sin(x2 + x3)", [-2] * 3, [0] * 3, ["x1", "x2 + x3"]),
    4: ("exp(x1 - x2) - 3.141592653589793*x3", [-1] * 3, [1] * 3, ["x1 - x2", "x3"]),
    5: (
        "x1*exp(-(x2*x2 + x3*x3)/2)",
        [0, -2, -2],
        [2, 2, 2],
        ["x1/exp(0.5*(x2*x2 + x3*x3))"],
    ),
    6: (
        "x1*x2/((x3 - x4)*(x3 - x4) + (x5 - x6)*(x5 - x6))",
        [0] * 6,
        [2] * 6,
        ["x1*x2/((x3 - x4)*(x3 - x4) + (x5 - x6)*(x5 - x6))"],
    ),
    7: ("x1*x2 + x3*x4", [0] * 4, [2] * 4, ["x1*x2 + x3*x4"]),
}


def names(d):
    return [f"x{k + 1}" for k in range(d)]


def unit_gradients(text, X):
    G = Expression(text, names(X.shape[1])).gradient(X)
    return G / np.linalg.norm(G, axis=1, keepdims=True)


def benchmark(number, seed, noise=0.0, rows=1000):
    text, low, high, _ = BENCHMARKS[number]
    rng = np.random.default_rng(seed)
    X = rng.uniform(low, high, (4 * rows, len(low)))
    if number == 7:
        X = X[(X[:, 0] * X[:, 1] > 1) == (X[:, 2] * X[:, 3] > 1)]
    X = np.ascontiguousarray(X[:rows])
    U = unit_gradients(text, X)
    U += noise * rng.normal(size=U.shape)
    return X, U / np.linalg.norm(U, axis=1, keepdims=True)


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("number", BENCHMARKS)
@pytest.mark.parametrize("seed", range(10))
def test_benchmarks_collapse_as_far_as_they_can(number, noise, seed):
    X, U = benchmark(number, seed, noise)
    found = find(X, U, names=names(X.shape[1]), operators=OPERATORS)
    assert list(found.texts) == BENCHMARKS[number][3], str(found)
    assert found.exact == (noise == 0 or number == 2)
    assert found.loss <= (2 * len(found.merges) * noise**2 if noise else 1e-12)


def test_what_is_left_carries_the_same_problem():
    X, U = benchmark(3, 0, 0.01)
    found = find(X, U, names=names(3), operators=OPERATORS)
    for k, text in enumerate(found.texts):
        expression = Expression(text, names(3))
        G = expression.gradient(X)
        np.testing.assert_allclose(found.Z[:, k], expression.evaluate(X), rtol=1e-14)
        np.testing.assert_allclose(found.S[:, k], np.linalg.norm(G, axis=1), rtol=1e-14)
        np.testing.assert_allclose(
            found.U[:, k], (G * U).sum(axis=1) / found.S[:, k], rtol=1e-12, atol=1e-14
        )
    # A formula of the merged inputs has in them the loss it has in the original ones.
    merged = Expression("z1*z1 + sin(z2)", ["z1", "z2"]).gradient(found.Z) * found.S
    merged /= np.linalg.norm(merged, axis=1, keepdims=True)
    T = unit_gradients("x1*x1 + sin(x2 + x3)", X)
    np.testing.assert_allclose((merged * found.U).sum(axis=1), (T * U).sum(axis=1), atol=1e-13)
    assert found.loss == pytest.approx(np.mean(2 - 2 * np.linalg.norm(found.U, axis=1)), rel=1e-9)
    assert sum(merge.loss for merge in found.merges) == pytest.approx(found.loss)


def test_smooth_errors_are_left_to_the_search():
    """A network's error is smooth: a true symmetry then looks like a false one."""
    X, _ = benchmark(4, 0)
    U = unit_gradients("exp(x1 - x2) - 3*x3 + 0.05*sin(2*x1 + x2)*x3", X)
    found = find(X, U, names=names(3), operators=OPERATORS)
    assert found.texts == ("x1", "x2", "x3")
    assert found.tentative is not None
    assert "x1 - x2" in found.tentative.texts
    assert not found.tentative.exact
    assert found.tentative.loss > 0
    (first, *_) = found.tentative.merges
    assert first.noise < 0.9 * first.statistic
    assert "x1 - x2: linear, from x1, x2" in str(found.tentative)


@given(
    c=st.floats(0.2, 5).map(lambda v: round(v, 3)),
    sign=st.sampled_from([-1, 1]),
    swap=st.booleans(),
    rule=st.sampled_from(["{a} + {c}*{b}", "{a}*{a} + {c}*{b}*{b}", "{a} + {c}*{b}*{b}"]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_any_coefficient_is_found(c, sign, swap, rule, seed):
    X = np.random.default_rng(seed).uniform(-2, 2, (300, 3))
    a, b = ("x2", "x1") if swap else ("x1", "x2")
    inner = rule.format(a=a, b=b, c=sign * c)
    found = find(
        X, unit_gradients(f"exp(0.2*({inner}))*x3", X), names=names(3), operators=["+", "-", "*"]
    )
    assert found.exact
    assert len(found.texts) == 2
    merged = unit_gradients(found.texts[0], X)
    np.testing.assert_allclose(
        np.abs((merged * unit_gradients(inner, X)).sum(axis=1)), 1, atol=1e-9
    )


@given(p=st.integers(1, 4), q=st.integers(-4, 4).filter(bool), seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_integer_powers_are_found(p, q, seed):
    X = np.random.default_rng(seed).uniform(0.5, 2, (300, 3))
    U = unit_gradients(f"exp({p}*log(x1) + {q}*log(x2)) + x3*x3", X)
    found = find(X, U, names=names(3), operators=("*", "/", "exp"))
    assert found.exact
    merged = unit_gradients(found.texts[0], X)
    truth = unit_gradients(f"{p}*log(x1) + {q}*log(x2)", X)
    np.testing.assert_allclose(np.abs((merged * truth).sum(axis=1)), 1, atol=1e-9)


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize(
    ("law", "blocks"),
    [
        ("(x1*x1 + 3*x1*x2 + 2*x2*x2)*sin(x3) + x4", [(0, 1)]),
        ("(x1*sin(x2) + x2)*(x3*x3 + exp(x4) + x3*x4)", [(0, 1), (2, 3)]),
        ("sin(x1)*x2 + x3*exp(x4*x2)", []),
    ],
)
def test_separable_blocks_are_marked(law, blocks, noise):
    rng = np.random.default_rng(1)
    X = rng.uniform(0.2, 1.5, (1000, 4))
    U = unit_gradients(law, X) + noise * rng.normal(size=X.shape)
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    found = find(X, U, names=names(4), operators=OPERATORS)
    assert len(found.texts) == 4
    assert sorted(block.inputs for block in separable_blocks(found)) == blocks
    assert all(block.statistic < (0.4 if noise else 0.02) for block in separable_blocks(found))


def test_same_arguments_same_answer_and_more_rows_than_are_tested():
    X, U = benchmark(6, 3, 0.01, rows=5000)
    weights = np.random.default_rng(0).uniform(0.5, 1, len(X))
    first, second = (
        find(X, U, weights, names=names(6), operators=OPERATORS, seed=4) for _ in range(2)
    )
    assert str(first) == str(second)
    assert list(first.texts) == BENCHMARKS[6][3]
    np.testing.assert_array_equal(first.U, second.U)
    single = find(X.astype(np.float32), U.astype(np.float32), names=names(6), operators=OPERATORS)
    assert list(single.texts) == BENCHMARKS[6][3]


def test_wrong_arguments_are_named():
    X, U = benchmark(1, 0)
    with pytest.raises(InputError, match="U: has shape"):
        find(X, U[:, :1], names=names(2), operators=OPERATORS)
    with pytest.raises(InputError, match="names: has 3 for 2 columns"):
        find(X, U, names=names(3), operators=OPERATORS)
    with pytest.raises(InputError, match="U: row 0 has length 2; divide"):
        find(X, 2 * U, names=names(2), operators=OPERATORS)
    with pytest.raises(InputError, match="U: every row with a weight is zero"):
        find(X, np.zeros_like(U), names=names(2), operators=OPERATORS)
    with pytest.raises(InputError, match="weights: row 0"):
        find(X, U, -np.ones(len(X)), names=names(2), operators=OPERATORS)
