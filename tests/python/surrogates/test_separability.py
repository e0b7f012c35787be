"""Separability: trees, strategies, scores, leaf functions, errors."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from closedform.surrogates.model import Surrogate
from closedform.surrogates.separability import Leaf, Product, Sum, separability


def v1(x):
    return np.exp(-((x[:, 0] - 1) ** 2)) / (1.2 + (x[:, 1] - 2.5) ** 2)


def v5(x):
    return 30 * (x[:, 0] - 1) * (x[:, 2] - 1) / (x[:, 1] ** 2 * (x[:, 0] - 10))


def v7(x):
    return (x[:, 0] - 3) * (x[:, 1] - 3) + 2 * np.sin((x[:, 0] - 4) * (x[:, 1] - 4))


def v8(x):
    a, b = x[:, 0] - 3, x[:, 1] - 3
    return (a**4 + b**3 - b) / ((x[:, 1] - 2) ** 4 + 10)


CASES = {
    "Vladislavleva 1": (v1, 100, [0.3, 0.3], [4, 4], "product(x1, x2)"),
    "Vladislavleva 5": (v5, 300, [0.05, 1, 0.05], [2, 2, 2], "product(x1, x2, x3)"),
    "Vladislavleva 6": (
        lambda x: 6 * np.sin(x[:, 0]) * np.cos(x[:, 1]),
        30,
        [0.1, 0.1],
        [5.9, 5.9],
        "product(x1, x2)",
    ),
    "Vladislavleva 7": (v7, 300, [0.05, 0.05], [6.05, 6.05], "f(x1, x2)"),
    "Vladislavleva 8": (v8, 50, [0.05, 0.05], [6.05, 6.05], "f(x1, x2)"),
    "sum": (
        lambda x: np.sin(3 * x[:, 0]) + np.exp(x[:, 1]),
        500,
        [-1, -1],
        [1, 1],
        "sum(x1, x2)",
    ),
    "Lorenz z": (
        lambda x: x[:, 0] * x[:, 1] - 8 / 3 * x[:, 2],
        1000,
        [-20, -20, 0],
        [20, 20, 50],
        "sum(product(x1, x2), x3)",
    ),
    "tree": (
        lambda x: x[:, 0] * (x[:, 1] + x[:, 2]) + np.sin(x[:, 3]),
        500,
        [-2] * 4,
        [2] * 4,
        "sum(product(x1, sum(x2, x3)), x4)",
    ),
}


@cache
def separated(case, seed):
    f, rows, low, high, _ = CASES[case]
    X = np.random.default_rng(seed).uniform(low, high, (rows, len(low)))
    return separability(Surrogate().fit(X, f(X)), X, f(X))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", range(2))
def test_known_structures_are_found(case, seed):
    found = separated(case, seed)
    assert str(found) == CASES[case][-1], found.reason


@pytest.fixture(scope="module")
def tree():
    return separated("tree", 0)


def test_the_tree_is_made_of_sums_products_and_leaves(tree):
    inner = Product((Leaf((0,)), Sum((Leaf((1,)), Leaf((2,))))))
    assert tree.tree == Sum((inner, Leaf((3,))))
    assert tree.tree.inputs == (0, 1, 2, 3)
    assert [leaf.inputs for leaf in tree.leaves] == [(0,), (1,), (2,), (3,)]
    assert tree.strategy == "per-dimension"
    assert tree.active == (True,) * 4
    assert tree.additive.shape == (4, 4)
    assert "x1, x2" in tree.scores
    assert "sum(product" in tree.reason


def test_leaf_functions_are_those_of_the_formula(tree):
    t = np.linspace(-1.9, 1.9, 50)[:, None]
    sine = tree.leaf_values(Leaf((3,)), t)
    shift = np.mean(sine - np.sin(t[:, 0]))  # a part of a sum: up to a constant
    assert np.abs(sine - np.sin(t[:, 0]) - shift).max() < 1e-3
    line = tree.leaf_values(Leaf((0,)), t)
    assert np.abs(line / line[-1] - t[:, 0] / 1.9).max() < 1e-3  # of a product: up to a factor
    with pytest.raises(ValueError, match="leaf"):
        tree.leaf_values(Leaf((0, 1)), t)


def test_blocks_that_do_not_split_are_leaves():
    X = np.random.default_rng(3).uniform(-2, 2, (900, 3))
    y = np.sin(2 * X[:, 0] * X[:, 1]) + X[:, 2] ** 3
    found = separability(Surrogate().fit(X, y), X, y)
    assert str(found) == "sum(f(x1, x2), x3)"
    assert found.strategy == "per-block"


def test_a_link_that_makes_it_additive_is_named():
    X = np.random.default_rng(9).uniform(0.05, 6.05, (1024, 5))
    y = 10 / (5 + ((X - 3) ** 2).sum(1))  # Vladislavleva 4
    found = separability(Surrogate(time=3).fit(X, y), X, y)
    assert (found.strategy, found.link) == ("global", "reciprocal")
    assert "reciprocal" in found.reason


def test_noise_hides_nothing_of_a_clear_structure():
    rng = np.random.default_rng(4)
    X = rng.uniform(-1, 1, (1000, 4))
    y = np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2] * 2
    y += 0.05 * y.std() * rng.normal(size=len(y))
    found = separability(Surrogate().fit(X, y), X, y)
    assert str(found) == "sum(x1, product(x2, x3))"
    assert found.active == (True, True, True, False)


def test_few_levels_are_coupled_and_have_no_scores():
    rng = np.random.default_rng(5)
    X = np.column_stack([rng.integers(0, 3, 400), rng.uniform(0, 1, 400)]).astype(float)
    y = X[:, 0] + np.exp(X[:, 1])
    found = separability(Surrogate().fit(X, y), X, y)
    assert found.categorical == (True, False)
    assert np.isnan(found.additive[0, 1])
    assert found.tree == Leaf((0, 1))
    assert found.strategy == "global"


def test_one_input_is_one_leaf():
    X = np.linspace(0, 3, 60)[:, None]
    found = separability(Surrogate().fit(X, np.sin(X[:, 0])), X)
    assert found.tree == Leaf((0,))
    assert found.strategy == "per-dimension"


def test_wrong_rows_are_named(tree):
    surrogate = Surrogate(1, 5).fit([[0.0, 1], [1, 2], [2, 2], [3, 1]], [0, 1, 2, 4])
    with pytest.raises(ValueError, match="X: has 3 columns"):
        separability(surrogate, np.ones((5, 3)))


def test_time_that_is_over_is_said():
    rng = np.random.default_rng(5)
    X = rng.uniform(1, 2, (200, 3))
    surrogate = Surrogate(modes=2, segments=4, smoothing=1e-6).fit(X, X[:, 0] * X[:, 1] + X[:, 2])
    found = separability(surrogate, X, time=1e-9)
    assert not found.tried
    assert "the time was over" in found.reason
    assert "the time was over" not in separability(surrogate, X, time=math.inf).reason
