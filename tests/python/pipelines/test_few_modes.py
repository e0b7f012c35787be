"""Sums of a few products, read from how many functions of one input there are."""

from __future__ import annotations

import math

import numpy as np
import pytest

import closedform as cf
from closedform.pipelines.few_modes import FewModes
from closedform.pipelines.provenance import provenance
from closedform.pipelines.stages import Stages
from closedform.searches.budget import Budget
from closedform.searches.settings import OPERATORS, Arguments, Operators, checked_settings
from closedform.tables import chunks

ROWS = np.random.default_rng(3).uniform(0.2, 2.0, (500, 3))


def few_modes(
    text: str, names: tuple[str, ...], operators: Operators = OPERATORS, noise: float = 0.0
) -> FewModes:
    X = np.ascontiguousarray(ROWS[:, : len(names)])
    y = cf.Formula(text, names)(X)
    y = y + noise * np.std(y) * np.random.default_rng(0).normal(size=len(y))
    evaluations = 150_000
    chosen = checked_settings(
        Arguments(
            time=math.inf, evaluations=evaluations, max_size=40, threads=1, operators=operators
        )
    )
    data = chunks.gather(X, y, None, None, min_rows=4, missing="error")
    table = chosen.worded(data.inputs)
    stages = Stages(
        X=X,
        y=y,
        counts=None,
        names=table.names,
        labels=None,
        settings=chosen,
        device="cpu",
        budget=Budget(math.inf, evaluations, None),
        provenance=provenance("y", data, (len(y), 0), chosen, {}),
    )
    model = cf.Surrogate(time=4, seed=0, threads=1).fit(X, y)
    return FewModes(stages, model)


@pytest.mark.parametrize(
    ("text", "names", "modes"),
    [
        ("x1*exp(0.5*x2) + x1**2*cos(2*x2)", ("x1", "x2"), {0: 2, 1: 2}),
        ("x1*x2 + sin(2*x1)*x2**2 + exp(x1)", ("x1", "x2"), {0: 3, 1: 3}),
        ("x1*exp(0.5*x2 - 0.3*x3) + x1**2*x2", ("x1", "x2", "x3"), {0: 2, 1: 2, 2: 2}),
        ("x1*sin(x2)", ("x1", "x2"), {}),  # one function: no sum
        ("exp(x1*x2)", ("x1", "x2"), {}),  # many
    ],
)
def test_inputs_have_as_many_functions_as_the_law(
    text: str, names: tuple[str, ...], modes: dict[int, int]
) -> None:
    found = {side.input: side.modes.shape[1] for side in few_modes(text, names)._sides()}
    assert found == modes


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1.9*x1*(1 - 0.23*x2) + 0.8*(1 - exp(-3.1*x1))*exp(0.7*x2)", ("x1", "x2")),
        ("1.3*x1*x2*exp(0.6*x3) + 0.4*x2**2*x3", ("x1", "x2", "x3")),
    ],
)
def test_functions_and_what_is_beside_them_make_the_law(text: str, names: tuple[str, ...]) -> None:
    few = few_modes(text, names)
    best = min(few.formulas(), key=lambda formula: formula.loss)
    assert few.stages.objective.reproduced(best)
    fresh = np.random.default_rng(1).uniform(0.1, 3.0, (200, len(names)))
    np.testing.assert_allclose(best(fresh), cf.Formula(text, names)(fresh), rtol=1e-7)


def test_operators_of_the_user_are_looked_for_too() -> None:
    text = "1.5*x2/(1 + x1**2) + 0.7*x1**3*exp(0.8*x2)"
    operators = ["+", "-", "*", "exp", "cube", {"bump": "1/(1 + x**2)"}]
    few = few_modes(text, ("x1", "x2"), operators)
    best = min(few.formulas(), key=lambda formula: formula.loss)
    assert few.stages.objective.reproduced(best)
    assert "bump" in best.text


def test_noise_leaves_no_more_functions_than_it_lets_see() -> None:
    few = few_modes("x1*exp(0.5*x2) + 0.01*x1**2*cos(2*x2)", ("x1", "x2"), noise=0.1)
    assert few._sides() == []
