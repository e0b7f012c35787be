"""Sums of terms with inner constants."""

import numpy as np
import pytest

import closedform as cf
from closedform.searches.additive import additive_sums
from closedform.searches.pieces import PIECES
from closedform.searches.settings import OPERATORS
from closedform.searches.variable_projection import Term, fitted

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
    found = additive_sums(X, law(X), ALL, 0, 1000, lambda: False)
    best = min(found, key=lambda sum_: sum_.loss)
    fresh = np.random.default_rng(2).uniform(0.1, 4.0, (100, len(names)))
    assert cf.Formula(best.text(names), names)(fresh) == pytest.approx(law(fresh), rel=1e-9)


def test_the_same_seed_gives_the_same_sums_and_operators_are_kept_to() -> None:
    X = rows(["a", "b"])
    y = np.sin(X[:, 0] * X[:, 1]) + 0.1 * X[:, 1] ** 5
    once, again = (additive_sums(X, y, OPERATORS, 3, 250, lambda: False) for _ in range(2))
    texts = [sum_.text(["a", "b"]) for sum_ in once]
    assert texts == [sum_.text(["a", "b"]) for sum_ in again]
    few = additive_sums(X, y, ("+", "*", "square"), 0, 250, lambda: False)
    for sum_ in few:
        allowed = cf.Formula(sum_.text(["a", "b"]), ["a", "b"]).simplified(("+", "*", "square"))
        assert allowed.operators <= {"+", "*", "square"}
    assert additive_sums(X, y, ("*", "sin"), 0, 250, lambda: False) == []


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: piece.text)
def test_a_piece_has_the_values_of_its_text_and_the_slope_of_its_values(piece) -> None:
    x = np.linspace(0.2, 3.0, 40)
    for k in piece.starts(0.2, 3.0):
        text = cf.Formula(piece.text.format(x="x", k=f"({k!r})"), ["x"])
        assert piece.value(x, k) == pytest.approx(text(x[:, None]), rel=1e-12, abs=1e-14)
        if piece.slope is not None:
            step = 1e-6 * abs(k)
            quotient = (piece.value(x, k + step) - piece.value(x, k - step)) / (2 * step)
            assert piece.slope(x, k) == pytest.approx(quotient, rel=1e-5, abs=1e-8)


def test_a_fit_of_products_ends_at_the_constants_that_made_them() -> None:
    X = rows(["a", "b"])
    decay = next(piece for piece in PIECES if piece.text == "exp({k}*{x})")
    wave = next(piece for piece in PIECES if piece.text == "sin({k}*{x})")
    truth = Term(((0, decay), (1, wave)), (-0.7, 2.3))
    y = 1.5 + 2.0 * truth.values(X)
    found = fitted([Term(truth.factors, (-0.4, 2.0))], X, y, 50)
    assert found is not None
    assert found.terms[0].constants == pytest.approx((-0.7, 2.3), rel=1e-9)
    assert found.factors == pytest.approx([1.5, 2.0], rel=1e-9)
