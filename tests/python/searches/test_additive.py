"""Sums of terms with inner constants."""

import math

import numpy as np
import pytest

import closedform as cf
from closedform import _core
from closedform.searches.guesses import MOST_FITS
from closedform.searches.settings import OPERATORS

ALL = (*OPERATORS, "tanh")
LAWS = {
    "rate": "-0.3*a**2 - 0.8*a*exp(-0.55*b) + 0.6*cos(1.4*log(1 + a))",
    "stress": "2.1*a*exp(-0.8*b**2) - 0.15*b + 0.9*a**0.62",
    "one input each": "0.98*tanh(1.12*a) - 1.45*cos(log(b + 1)) + 1.75*c**2.6",
}


def rows(names: list[str]) -> np.ndarray:
    return np.random.default_rng(1).uniform(0.1, 4.0, (300, len(names)))


@pytest.mark.parametrize("name", LAWS)
def test_all_terms_are_found_at_once(name: str) -> None:
    names = ["a", "b", "c"] if "c**" in LAWS[name] else ["a", "b"]
    law, X = cf.Formula(LAWS[name], names), rows(names)
    found = _core.additive_sums(X, law(X), names, ALL, MOST_FITS, math.inf, 0)
    best, _ = min(found, key=lambda sum_: sum_[1])
    fresh = np.random.default_rng(2).uniform(0.1, 4.0, (100, len(names)))
    assert cf.Formula(best, names)(fresh) == pytest.approx(law(fresh), rel=1e-9)


def test_a_sum_leaves_what_is_said_of_it() -> None:
    names = ["a", "b"]
    X = rows(names)
    y = np.sin(X[:, 0] * X[:, 1])
    found = _core.additive_sums(X, y, names, ALL, 250, math.inf, 0)
    losses = [loss for _, loss in found]
    assert losses == sorted(losses, reverse=True)
    for text, loss in found:
        assert np.mean((y - cf.Formula(text, names)(X)) ** 2) == pytest.approx(loss, rel=1e-9)


def test_the_same_seed_gives_the_same_sums_and_operators_are_kept_to() -> None:
    names = ["a", "b"]
    X = rows(names)
    y = np.sin(X[:, 0] * X[:, 1]) + 0.1 * X[:, 1] ** 5
    once, again = (_core.additive_sums(X, y, names, OPERATORS, 250, math.inf, 3) for _ in range(2))
    assert once == again
    few = _core.additive_sums(X, y, names, ["+", "*", "square"], 250, math.inf, 0)
    for text, _ in few:
        allowed = cf.Formula(text, names).simplified(("+", "*", "square"))
        assert allowed.operators <= {"+", "*", "square"}
    assert _core.additive_sums(X, y, names, ["*", "sin"], 250, math.inf, 0) == []


def test_without_time_there_are_none() -> None:
    names = ["a", "b"]
    X = rows(names)
    assert _core.additive_sums(X, X[:, 0] ** 5, names, ALL, 250, 0.0, 0) == []
