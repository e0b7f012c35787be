"""Discover: structure read from the surrogate, the whole put together, honest held-out errors."""

from __future__ import annotations

import math
import time as clock
from pathlib import Path

import numpy as np
import pytest

import closedform as cf
from closedform.errors import InputError
from closedform.pipelines import parts
from closedform.searches.progress import Progress
from closedform.surrogates.separability import Leaf, Product, Sum

OPERATORS = "+ - * / sin cos exp log square"


def test_a_product_is_searched_factor_by_factor() -> None:
    X = np.random.default_rng(3).uniform(0.3, 4, (100, 2))  # Vladislavleva-1
    y = np.exp(-((X[:, 0] - 1) ** 2)) / (1.2 + (X[:, 1] - 2.5) ** 2)
    found = cf.discover(X, y, time=math.inf, evaluations=300_000, operators=OPERATORS)
    # The target spans decades: its logarithm is looked at, in which a product is a sum.
    structure = {True: "sum(x1, x2)", False: "product(x1, x2)"}
    assert str(found.separability) == structure[found.noise.logarithmic]
    assert found.strategy == "per-dimension"
    assert found.stopped == "exact"
    axis = np.linspace(-0.2, 4.2, 45)  # beyond the data, where only the law itself is right
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    truth = np.exp(-((grid[:, 0] - 1) ** 2)) / (1.2 + (grid[:, 1] - 2.5) ** 2)
    assert np.sqrt(np.mean((found.formula(grid) - truth) ** 2)) < 1e-6
    assert found.formula.ranges == tuple(zip(X.min(axis=0), X.max(axis=0), strict=True))


def test_a_reciprocal_link_is_seen() -> None:
    X = np.random.default_rng(0).uniform(0.05, 6.05, (600, 3))
    y = 10 / (5 + ((X - 3) ** 2).sum(axis=1))
    found = cf.discover(X, y, time=40, operators=OPERATORS)
    assert found.formula.loss < 1e-20 * np.var(y)
    assert found.formula.complexity <= 18


def test_errors_are_measured_on_rows_nothing_else_saw() -> None:
    """Held-out rows of pure noise cannot be predicted, whatever was fitted to the others."""
    rng = np.random.default_rng(1)
    X, y = rng.uniform(-1, 1, (120, 2)), rng.normal(size=120)
    found = cf.discover(X, y, time=math.inf, evaluations=40_000, operators=OPERATORS)
    errors = found.errors["direct"]
    assert errors is not None
    assert errors.nrmse > 0.8
    assert found.formula.complexity <= 5
    again = cf.discover(X, y, time=math.inf, evaluations=40_000, operators=OPERATORS, threads=1)
    assert again.formula == found.formula
    assert again.errors == found.errors


def test_names_progress_and_stopping(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    rng = np.random.default_rng(2)
    table = pandas.DataFrame({"length": rng.uniform(1, 2, 80), "mass": rng.uniform(1, 2, 80)})
    y = rng.normal(size=80)
    phases: list[str] = []

    def callback(progress: Progress) -> bool:
        phases.append(progress.phase)
        return progress.evaluations > 20_000

    found = cf.discover(table, y, time=60, callback=callback)
    assert found.stopped == "interrupted"
    assert phases[0] == "search"
    assert found.formula.names == ("length", "mass")
    found.front.save(tmp_path / "front.json")
    assert cf.Front.load(tmp_path / "front.json").best == found.formula


def test_time_holds_for_the_whole_pipeline() -> None:
    X = np.random.default_rng(1).uniform(0.05, 6.05, (60, 2))  # Vladislavleva-8
    y = ((X[:, 0] - 3) ** 4 + (X[:, 1] - 3) ** 3) / ((X[:, 1] - 2) ** 4 + 10)
    began = clock.process_time()
    found = cf.discover(X, y, time=3, threads=1)
    assert clock.process_time() - began < 3 * 1.1 + 1
    assert found.stopped == "time"


def test_wholes_are_put_together_from_their_leaves() -> None:
    a, b, c = Leaf((0,)), Leaf((1,)), Leaf((2,))
    tree = Sum((Product((a, b)), c))
    text = parts.combine(tree, {a: "sin(x1)", b: "x2 - 1", c: "exp(x3)"})
    whole = cf.Formula(text, ("x1", "x2", "x3")).simplified(["+", "-", "*", "sin", "exp"])
    assert whole.complexity == 9
    X = np.random.default_rng(0).uniform(1, 2, (10, 3))
    np.testing.assert_allclose(whole(X), np.sin(X[:, 0]) * (X[:, 1] - 1) + np.exp(X[:, 2]))


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (np.ones((20, 2)), np.arange(20.0), "X: column 'x1' is 1 in every row"),
        (np.arange(40.0).reshape(20, 2), np.ones(20), "y: is 1 in every row"),
        (np.ones((1, 2)), np.ones(1), "too few rows"),
        (np.arange(40.0).reshape(20, 2), np.arange(19.0), "19 values for 20 rows"),
    ],
)
def test_data_that_say_nothing_are_refused(X: object, y: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        cf.discover(X, y)


def test_a_weighted_loss_is_compared_with_the_weighted_variance() -> None:
    # The weights of relative errors: the constant's loss is far below the variance of y.
    rng = np.random.default_rng(5)
    X = rng.uniform(1.0, 4.0, (300, 2))
    y = X[:, 0] * np.exp(-4 * X[:, 1])
    constant = cf.search(X, values=y, weights=y**-2, operators=["+"], max_size=1, evaluations=500)
    assert constant.stopped == "evaluations"
    found = cf.discover(
        X, y, weights=y**-2, operators=["*", "/", "exp", "square"], max_size=12, evaluations=40000
    )
    assert found.stopped == "exact"
    np.testing.assert_allclose(found.formula(X), y, rtol=1e-9)


def test_rows_without_weight_say_nothing_of_errors_either() -> None:
    rng = np.random.default_rng(6)
    X = rng.uniform(1.0, 2.0, (60, 2))
    weights = np.where(np.arange(60) % 3 == 0, 0.0, 2.0)
    y = np.where(weights == 0, 1e6, X[:, 0] * X[:, 1])
    found = cf.discover(X, y, weights=weights, evaluations=20000)
    assert found.stopped == "exact"
    assert found.errors["direct"] is not None
    assert found.errors["direct"].max_abs < 1e-12
    with pytest.raises(InputError, match=r"^weights: only 3 rows have any; at least 4 are"):
        cf.discover(X, y, weights=(np.arange(60) < 3).astype(float), evaluations=100)


def test_of_many_columns_those_that_matter_are_searched_alone() -> None:
    X = np.random.default_rng(4).uniform(1, 3, (120, 8))
    y = 2 * X[:, 2] * np.exp(-0.8 * X[:, 4]) + 0.4 * np.sin(2.3 * X[:, 7])
    messages: list[str] = []

    def heard(progress: Progress) -> bool:
        messages.append(progress.message)
        return False

    found = cf.discover(X, y, time=math.inf, evaluations=80_000, callback=heard)
    assert "in x3, x5, x8 alone" in messages
    assert found.stopped == "exact"
    assert found.formula.inputs == ("x3", "x5", "x8")


def test_few_rows_far_from_a_constant_are_no_error() -> None:
    """A noise model lets them go, and nothing is left for a surrogate to be fitted to."""
    rng = np.random.default_rng(0)
    y = np.full(1500, 0.75)
    y[rng.choice(1500, 3, replace=False)] = -0.75
    X = rng.uniform(0.2, 3, (1500, 6))
    weights = rng.integers(0, 4, 1500).astype(float)
    budget = {"time": math.inf, "evaluations": 5000, "progress": False, "threads": 1}
    found = cf.discover(X, y, weights=weights, noise="robust", **budget)
    assert found.formula.complexity == 1
    assert abs(found.formula(X)[0] - 0.75) < 1e-9
