"""Noise models: each is a density, and its fit is where the density is largest."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.stats import linregress, t

import closedform as cf
from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.noise import (
    Absolute,
    Counts,
    Logarithmic,
    Mixed,
    Noise,
    Relative,
    Robust,
    resolution,
)
from closedform.searches.judged import judged, sample_of
from closedform.searches.objectives import Values

F = np.array([3.0])
DENSITIES: list[tuple[Noise, tuple[float, ...], float]] = [
    (Absolute(), (0.7,), -math.inf),
    (Relative(), (0.2,), -math.inf),
    (Logarithmic(), (0.5,), 0.0),
    (Logarithmic(turn=0.4), (0.5,), -math.inf),
    (Mixed(), (0.3, 0.1), -math.inf),
    (Robust(), (0.5, 2.0), -math.inf),
]


@pytest.mark.parametrize(("noise", "parameters", "low"), DENSITIES)
def test_densities_integrate_to_one(
    noise: Noise, parameters: tuple[float, ...], low: float
) -> None:
    def density(y: float) -> float:
        return float(np.exp(-noise.costs(np.array([y]), F, parameters))[0])

    assert quad(density, low, 3.0)[0] + quad(density, 3.0, math.inf)[0] == pytest.approx(
        1, abs=1e-6
    )


def test_poisson_sums_to_one() -> None:
    y = np.arange(60.0)
    assert np.exp(-Counts().costs(y, np.full(60, 3.0), ())).sum() == pytest.approx(1)


def drawn(noise: Noise, f: Floats, rng: np.random.Generator) -> Floats:
    z = rng.normal(size=len(f))
    if noise.kind == "relative":
        return f * (1 + 0.1 * z)
    if noise.kind == "log":
        return f * np.exp(0.3 * z)
    if noise.kind == "mixed":
        return f + np.hypot(0.2, 0.1 * f) * z
    if noise.kind == "robust":
        return f + 0.1 * rng.standard_t(2, len(f))
    if noise.kind == "counts":
        return rng.poisson(f).astype(np.float64)
    return f + 0.1 * z


@pytest.mark.parametrize(
    "noise", [Absolute(), Relative(), Logarithmic(), Mixed(), Robust(), Counts()]
)
def test_reweighting_ends_where_the_density_is_largest(noise: Noise) -> None:
    rng = np.random.default_rng(4)
    X = rng.uniform(1.0, 5.0, (400, 1))
    y = drawn(noise, 2.5 * X[:, 0] ** 2, rng)
    objective = Values.of(y, None, (noise,))
    sample = sample_of(X, objective, 0)
    formula = cf.Formula("2.3*x1**2", ["x1"])
    if noise.kind == "absolute":  # the search itself ends there
        formula = formula.refit(X, y)
    found = judged(formula, noise, sample, 12, math.inf)

    def cost(c: float) -> float:
        return float(noise.costs(y, c * X[:, 0] ** 2, found.parameters).sum())

    best = minimize_scalar(cost, bounds=(2.0, 3.0), method="bounded", options={"xatol": 1e-9}).x
    error = found.constants()[0].standard_error
    # The weights of relative noise are held within a step: its optimum is that of the likelihood
    # up to a bias of second order in the noise.
    assert (
        abs(found.constants()[0].value - best) < (1.5 if noise.kind == "relative" else 0.05) * error
    )


@pytest.mark.parametrize("noise", [Absolute(), Relative(), Logarithmic(), Robust(), Counts()])
def test_intervals_cover_the_truth(noise: Noise) -> None:
    covered = 0
    draws = 150
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        X = rng.uniform(1.0, 5.0, (60, 1))
        y = drawn(noise, 2.53 * X[:, 0] ** 2 + 1.7, rng)
        formula = cf.Formula("2.4*x1**2 + 1.6", ["x1"]).refit(X, y)
        sample = sample_of(X, Values.of(y, None, (noise,)), 0)
        low, high = judged(formula, noise, sample, 12, math.inf).constants()[0].interval
        covered += low <= 2.53 <= high
    assert 0.88 <= covered / draws <= 1.0


def test_intervals_of_few_rows_are_students() -> None:
    rng = np.random.default_rng(3)
    X = rng.uniform(0.0, 1.0, (6, 1))
    y = 2.37 * X[:, 0] + 1.73 + 0.1 * rng.normal(size=6)
    line = linregress(X[:, 0], y)
    formula = cf.Formula("2.37*x1 + 1.73", ["x1"]).refit(X, y)
    sample = sample_of(X, Values.of(y, None), 0)
    slope = judged(formula, Absolute(), sample, 12, math.inf).constants()[0]
    half = t.ppf(0.975, 6 - 2) * line.stderr
    assert slope.interval == pytest.approx((line.slope - half, line.slope + half), rel=1e-6)


def test_the_digits_of_a_target() -> None:
    assert resolution(np.array([0.4, 0.7, 19.6])) == pytest.approx(0.1 / math.sqrt(12))
    assert resolution(np.array([1200.0, 3400.0])) == pytest.approx(100 / math.sqrt(12))
    assert resolution(np.random.default_rng(0).normal(size=20)) == 0.0
    assert resolution(np.zeros(3)) == 0.0


def test_models_that_cannot_be_are_refused_by_name() -> None:
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.linspace(-1, 1, 40)
    with pytest.raises(InputError, match=r"^noise: 'loud' is unknown; use one of 'auto', "):
        cf.discover(X, y, noise="loud")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r'^noise: "counts" is for whole numbers'):
        cf.discover(X, y, noise="counts")
    with pytest.raises(InputError, match=r"^sigma: row 3 is 0; give numbers above zero"):
        cf.discover(X, y, sigma=np.where(np.arange(40) == 3, 0.0, 1.0))
    with pytest.raises(InputError, match=r"^sigma: given with noise='log'"):
        cf.search(X, values=y, sigma=np.ones(40), noise="log")
    with pytest.raises(InputError, match=r"^noise: is of values"):
        cf.search(X, labels=y > 0, noise="robust")
