"""Errors in inputs: constants as by searching the true inputs outright, errors that cover."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

import closedform as cf
from closedform._typing import Floats
from closedform.searches.input_errors import errors_of, fitted_with_inputs
from closedform.searches.judged import judged, sample_of
from closedform.searches.objectives import Values


def _fit(text: str, X: Floats, y: Floats, sigma: float, sigma_X: list[float]) -> list[float]:
    names = [f"x{j + 1}" for j in range(X.shape[1])]
    expression = cf.Formula(text, names)._expression
    noise = errors_of(np.full(len(y), sigma), np.array(sigma_X), range(X.shape[1]))
    held = [False] * len(expression.constants)
    fitted, _ = fitted_with_inputs(expression, noise, X, y, np.ones(len(y)), math.inf, held)
    return list(fitted.constants)


@pytest.mark.parametrize(
    ("text", "law", "truth", "sigma", "sigma_x"),
    [
        ("2.2*x1 + 0.9", lambda b, x: b[0] * x + b[1], [2.0, 1.0], 0.5, 2.0),
        ("2.2*exp(0.31*x1)", lambda b, x: b[0] * np.exp(b[1] * x), [2.0, 0.3], 0.5, 0.2),
        (
            "2.2*sin(1.1*x1 + 0.3)",
            lambda b, x: b[0] * np.sin(b[1] * x + b[2]),
            [2, 1, 0.2],
            0.1,
            0.2,
        ),
    ],
)
def test_constants_are_those_with_the_places_searched_outright(
    text: str,
    law: Callable[[Floats, Floats], Floats],
    truth: list[float],
    sigma: float,
    sigma_x: float,
) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, 60)
    y = law(truth, x) + sigma * rng.normal(size=60)
    x = x + sigma_x * rng.normal(size=60)

    def left(unknown: Floats) -> Floats:
        constants, places = unknown[: len(truth)], unknown[len(truth) :]
        return np.concatenate([(y - law(constants, places)) / sigma, (x - places) / sigma_x])

    expected = optimize.least_squares(left, [*truth, *x], xtol=1e-12, ftol=1e-14)
    errors = np.sqrt(np.diagonal(np.linalg.inv(expected.jac.T @ expected.jac)))[: len(truth)]
    found = _fit(text, x[:, None].copy(), y, sigma, [sigma_x])
    assert np.max(np.abs(found - expected.x[: len(truth)]) / errors) < 0.02


def test_two_inputs_one_without_errors() -> None:
    rng = np.random.default_rng(1)
    X = rng.uniform(1, 3, (25, 2))
    y = 1.7 * X[:, 0] * X[:, 1] ** 2 + 0.2 * rng.normal(size=25)
    X = X + rng.normal(size=(25, 2)) * [0.1, 0.0]

    def left(unknown: Floats) -> Floats:
        factor, places = unknown[0], unknown[1:]
        by_target = (y - factor * places * X[:, 1] ** 2) / 0.2
        return np.concatenate([by_target, (X[:, 0] - places) / 0.1])

    expected = optimize.least_squares(left, [1.5, *X[:, 0]], xtol=1e-12).x[0]
    found = _fit("1.5*x1*x2**2", X, y, 0.2, [0.1, 0.0])
    np.testing.assert_allclose(found, [expected], rtol=1e-6)


@pytest.mark.parametrize("known", [True, False])
def test_slopes_are_not_too_flat_and_their_errors_cover(known: bool) -> None:
    slopes, flat, covered = [], [], 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = rng.uniform(0, 10, 80)
        y = 2.13 * x + 1.07 + 0.5 * rng.normal(size=80)
        x = x + rng.normal(size=80)
        noise = errors_of(np.full(80, 0.5) if known else None, np.ones(1), [0])
        sample = sample_of(x[:, None], Values.of(y, None, (noise,)), 0)
        line = cf.Formula("1.9*x1 + 1.3", ["x1"])
        slope = judged(line, sample.noises[0], sample, 10, math.inf).constants()[0]
        slopes.append(slope.value)
        flat.append(np.polyfit(x, y, 1)[0])
        covered += slope.interval[0] <= 2.13 <= slope.interval[1]
    error = np.std(slopes) / math.sqrt(60)
    assert abs(np.mean(slopes) - 2.13) < 3 * error
    assert np.mean(flat) < 2.13 - 10 * error
    assert 52 <= covered <= 60


def test_search_discover_and_estimator_take_them() -> None:
    rng = np.random.default_rng(0)
    t = rng.uniform(0, 10, 80)
    y = 3.37 * t + 0.2 * rng.normal(size=80)
    table = pd.DataFrame({"t": t + rng.normal(size=80)})
    budget = {"time": math.inf, "evaluations": 3000, "operators": "*", "max_size": 3}
    expected = _fit("3*x1", table.to_numpy().copy(), y, 1e-6, [1.0])[0]
    flat = float(y @ table["t"] / (table["t"] @ table["t"]))
    assert abs(expected - flat) > 0.02
    estimator = cf.ClosedFormRegressor(**budget, random_state=0)  # else held-out rows are anyone's
    found = [
        cf.search(table, values=y, sigma_X=1.0, **budget).best,
        cf.discover(table, y, sigma_X={"t": 1.0}, strategy="direct", **budget).formula,
        estimator.fit(table, y, sigma_X=np.ones((80, 1))).formula_,
    ]
    for formula in found:
        assert abs(formula.constants[0].value - expected) < 0.5 * abs(expected - flat)
        assert formula.constants[0].standard_error > 0


@pytest.mark.parametrize(
    ("sigma_X", "message"),
    [
        (-1.0, "holds -1"),
        (0.0, "all are zero"),
        ([0.1, 0.2, 0.3], r"has shape \(3,\)"),
        ({"c": 0.1}, "no column 'c'; there are 'a', 'b'"),
        ({"a": [0.1, 0.2]}, "has 2 values for 5 rows"),
        ("much", "cannot be read as numbers"),
    ],
)
def test_what_cannot_be_used_is_refused(sigma_X: object, message: str) -> None:
    table = pd.DataFrame({"a": [1.0, 2, 3, 4, 6], "b": [2.0, 1, 5, 3, 4]})
    with pytest.raises(cf.InputError, match=f"^sigma_X: .*{message}"):
        cf.discover(table, [1.0, 2, 3, 5, 4], sigma_X=sigma_X)
    with pytest.raises(cf.InputError, match=r"^sigma_X: given with noise='robust'"):
        cf.search(table, values=[1.0, 2, 3, 5, 4], sigma_X=0.1, noise="robust")
