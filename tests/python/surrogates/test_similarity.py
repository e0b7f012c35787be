"""Fewer variables: found from surrogates, searched in, and taken back to the inputs."""

from __future__ import annotations

import math

import numpy as np
import pytest

import closedform as cf
from closedform.surrogates import similarity
from closedform.surrogates.transforms import TRANSFORMS

OPERATORS = ("+", "-", "*", "/", "sin", "exp", "log", "sqrt", "square")


def _reduced(X: similarity.Floats, y: similarity.Floats) -> similarity.Reduced:
    def fit(Z: similarity.Floats, v: similarity.Floats, w: similarity.Floats) -> cf.Surrogate:
        return cf.Surrogate(modes=6, segments=6, smoothing=1e-7, threads=1).fit(Z, v, weights=w)

    ones = np.ones(len(y))
    return similarity.reduce(X, y, None, fit(X, y, ones), fit, OPERATORS)


def test_power_products_are_found_and_taken_back() -> None:
    a, b, c, d = X = np.random.default_rng(0).uniform(1, 3, (4, 400))
    z = b * c / d
    y = a * b**2 / (np.exp(z) - 1)  # Planck's law
    found = _reduced(X.T, y)
    (group,) = found.Z.T
    # A power of z; and what is left of y, in terms of z, is a smooth function.
    power = np.polyfit(np.log(z), np.log(group), 1)[0]
    np.testing.assert_allclose(group, z**power, rtol=1e-12)
    rest = np.log(found.values * (np.exp(z) - 1))
    slope = np.polyfit(np.log(z), rest, 1)
    np.testing.assert_allclose(rest, np.polyval(slope, np.log(z)), atol=1e-12)
    whole = cf.Formula(found.similarity.whole("z1"), ("x1", "x2", "x3", "x4"))
    np.testing.assert_allclose(whole(X.T) * found.values / group, y, rtol=1e-12)


def test_units_alone_allow_few_variables() -> None:
    X = np.random.default_rng(0).uniform(1, 3, (20, 5))
    # Metres, seconds, kilograms and kelvins of h, the frequency, k, T, c and the radiance.
    exponents = np.array(
        [[2, 0, 2, 0, 1, 0], [-1, -1, -2, 0, -1, -2], [1, 0, 1, 0, 0, 1], [0, 0, -1, 1, 0, 0]],
        dtype=float,
    )
    found = similarity.of_units(X, X[:, 0], None, ("h", "w", "k", "T", "c"), exponents, OPERATORS)
    assert found is not None
    assert len(found.similarity.groups) == 1
    factor = cf.Formula(found.similarity.factor, ("h", "w", "k", "T", "c"))
    scaled = X * 2.0 ** exponents[:, :5].sum(axis=0)
    np.testing.assert_allclose(factor(scaled), factor(X) * 2.0 ** exponents[:, 5].sum(), rtol=1e-12)
    pure = np.zeros((0, 6))
    assert similarity.of_units(X, X[:, 0], None, ("h", "w", "k", "T", "c"), pure, OPERATORS) is None


def test_differences_come_before_power_products_of_them() -> None:
    a, b, c, d = X = np.random.default_rng(1).uniform((1, 4, 1, 1), (3, 6, 5, 3), (400, 4)).T
    found = _reduced(X.T, np.sqrt(c) / ((a - b) ** 2 + d**2))
    (group,) = found.Z.T
    power = np.polyfit(np.log((b - a) / d), np.log(group), 1)[0]
    np.testing.assert_allclose(group, ((b - a) / d) ** power, rtol=1e-9)


def test_noise_hides_no_variable() -> None:
    rng = np.random.default_rng(2)
    X = rng.uniform(0.5, 2, (300, 2))
    y = np.sin(4 * X[:, 0]) + 2 * np.abs(X[:, 1] - 1) + 0.1 * rng.normal(size=300)
    assert len(_reduced(X, y).similarity.groups) == 2


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_undo_and_their_slopes(name: str) -> None:
    transform, y = TRANSFORMS[name], np.linspace(0.5, 3, 20)
    step = 1e-6
    slope = (transform.forward(y + step) - transform.forward(y - step)) / (2 * step)
    np.testing.assert_allclose(transform.slope(y), np.abs(slope), rtol=1e-6)
    back = cf.Formula(transform.inverse("(x1)"), ("x1",))
    np.testing.assert_allclose(back(transform.forward(y)[:, None]), y, rtol=1e-12)


def test_discover_searches_fewer_variables() -> None:
    m, v, c = X = np.random.default_rng(0).uniform((1, 1, 3), (5, 2, 6), (400, 3)).T
    y = m / (1 + np.exp(v / c))
    found = cf.discover(X.T, y, time=math.inf, evaluations=100_000, operators=OPERATORS)
    assert found.stopped == "exact"
    assert found.formula.complexity <= 10
    assert found.similarity is not None
    assert len(found.similarity.groups) == 1
    errors = found.errors["through_surrogate"]
    assert errors is not None
    assert errors.nrmse < 1e-12


def test_a_power_product_with_noise_has_no_variables_left() -> None:
    rng = np.random.default_rng(3)
    X = rng.uniform(1, 3, (300, 2))
    y = 2 * X[:, 0] / X[:, 1] ** 2 + 0.02 * rng.normal(size=300)
    found = cf.discover(X, y, time=math.inf, evaluations=20_000, operators=OPERATORS)
    assert found.similarity is not None
    assert found.similarity.groups == ()
    assert found.formula.complexity <= 9
    truth = 2 * X[:, 0] / X[:, 1] ** 2
    assert np.sqrt(np.mean((found.formula(X) - truth) ** 2)) < 0.01


def test_a_law_seen_at_once_needs_no_surrogate() -> None:
    X = np.random.default_rng(0).uniform(1, 3, (100, 2))
    found = cf.discover(X, X[:, 0] * np.sin(X[:, 1]), time=20, operators=OPERATORS)
    assert found.strategy == "direct"
    assert found.surrogate is None
    assert found.stopped == "exact"
    errors = found.errors["direct"]
    assert errors is not None
    assert errors.nrmse < 1e-12
