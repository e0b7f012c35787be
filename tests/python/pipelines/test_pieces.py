"""Runs of rows along a formula's values, and directions of a neuron that turns around."""

from __future__ import annotations

import math

import numpy as np
import pytest

import closedform as cf
from closedform.pipelines.pieces import level_set, runs, turns_around, within
from closedform.searches.objectives import Directions, unit

T = np.random.default_rng(0).uniform(0, 3, 2000)


@pytest.mark.parametrize("wrong", [0.0, 0.05])
def test_runs_are_cut_where_the_flag_changes(wrong: float) -> None:
    flags = (T < 0.7) | (T > 2.2)
    flags = flags ^ (np.random.default_rng(1).uniform(size=len(T)) < wrong)
    cuts, first = runs(T, flags)
    assert first
    assert cuts == pytest.approx([0.7, 2.2], abs=0.03)
    intervals = level_set(T, flags)
    assert [end for pair in intervals for end in pair] == [-math.inf, *cuts, math.inf]
    assert np.mean(within(T, intervals) == flags) > 0.98 - wrong


def test_chance_is_one_run() -> None:
    cuts, _ = runs(T, np.random.default_rng(2).uniform(size=len(T)) < 0.5)
    assert cuts == []
    assert level_set(T, np.ones(len(T), dtype=bool)) == ((-math.inf, math.inf),)
    assert level_set(T, np.zeros(len(T), dtype=bool)) == ()
    assert not within(np.array([np.nan]), ((-math.inf, math.inf),)).any()


@pytest.mark.parametrize(
    "text", ["x1*x1 + 2*x2*x2", "x1*x2/((x3 - x4)**2 + (x5 - x6)**2 + 0.01)", "x1*x2 + x3*x4"]
)
def test_a_neuron_turns_around_where_its_neighbours_are_opposite(text: str) -> None:
    names = [f"x{k}" for k in range(1, 7)]
    rng = np.random.default_rng(3)
    X = rng.uniform(0, 2, (1000, 6)) * [1e3, 1, 1, 1, 1, 1]
    formula = cf.Formula(text.replace("x1", "(x1/1e3)"), names)
    scales = X.std(axis=0)
    U = unit(formula.gradient(X) * scales)
    turned = np.where(formula(X) > np.median(formula(X)), 1.0, -1.0)[:, None]
    for gradients, answer in (
        (U, False),
        (unit(U + 0.15 * rng.normal(size=U.shape)), False),
        (rng.normal(size=U.shape), False),
        (turned * U, True),
    ):
        assert turns_around(X, Directions(unit(gradients), scales, None, False)) == answer


def test_a_neuron_turns_around_where_those_that_face_each_other_are_opposite() -> None:
    """A middle class is saturated in its middle: no row with a gradient has neighbours there."""
    X = np.random.default_rng(4).uniform(-1, 1, (3000, 2))
    z = X[:, 0] - 0.5 * X[:, 1]
    X, z = X[(abs(z) > 0.4) & (abs(z) < 0.6)], z[(abs(z) > 0.4) & (abs(z) < 0.6)]
    U = np.tile(unit(np.array([[1.0, -0.5]])), (len(X), 1))
    for gradients, answer in ((np.sign(z)[:, None] * U, True), (U, False)):
        assert turns_around(X, Directions(gradients, np.ones(2), None, False)) == answer
