"""Forms of gradient searches: separable blocks, and quotients without a pole."""

from __future__ import annotations

import math

import numpy as np
import pytest

import closedform as cf

LAWS = {
    "x1*sin(x2) + exp(x3/x4)": {"x1*sin(x2)"},
    "(x1 + sin(x2))*(x3*x3 + x4) + x5": {"x1 + sin(x2)", "(x1 + sin(x2))*(x4 + x3*x3)"},
}


@pytest.mark.parametrize("law", LAWS)
def test_blocks_are_found_and_the_law_at_its_size(law: str) -> None:
    inputs = max(k for k in range(1, 6) if f"x{k}" in law)
    truth = cf.Formula(law, [f"x{k + 1}" for k in range(inputs)])
    X = np.random.default_rng(1).uniform(0.5, 2, (1000, inputs))
    front = cf.search(
        X,
        gradients=truth.gradient(X),
        operators="+ - * / sin exp",
        time=math.inf,
        evaluations=10**6,
        seed=1,
    )
    merges = front.symmetries.merges
    assert {merge.text for merge in merges if merge.kind == "block"} == LAWS[law]
    assert front.best.complexity <= truth.complexity
    fresh = np.random.default_rng(2).uniform(0.5, 2, (500, inputs))
    found, true = front.best.gradient(fresh), truth.gradient(fresh)
    cosine = np.sum(found * true, axis=1) / (
        np.linalg.norm(found, axis=1) * np.linalg.norm(true, axis=1)
    )
    np.testing.assert_allclose(cosine, 1, atol=1e-12)


def test_of_a_quotient_and_its_reciprocal_the_one_without_a_pole_is_shown() -> None:
    truth = cf.Formula("(x1*x1 + x2)/(x3 - x4)", ("x1", "x2", "x3", "x4"))
    X = np.random.default_rng(3).uniform(0.5, 2, (1000, 4))
    front = cf.search(
        X, gradients=truth.gradient(X), operators="+ - * /", time=math.inf, evaluations=10**6
    )
    shown = front.best(X)
    assert front.best.loss < 1e-20
    # -1/truth has the same gradient directions, and crosses zero where truth has its pole.
    order = np.argsort(-1 / truth(X))
    assert np.all(np.diff(shown[order]) > -1e-9)
