"""Terms that give way to what the others leave: which, and what is found in their place."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import closedform as cf
from closedform.pipelines.exchanged_terms import MOST, ExchangedTerms, exchanges
from closedform.pipelines.provenance import provenance
from closedform.pipelines.stages import Stages
from closedform.searches.budget import Budget
from closedform.searches.settings import OPERATORS, Arguments, checked_settings
from closedform.tables import chunks
from closedform.tables.checks import Matrix

NAMES = ("a", "b", "c")
ROWS = np.random.default_rng(0).uniform(-2, 2, (300, 3))


def stages_of(y: np.ndarray, evaluations: int) -> Stages:
    asked = Arguments(time=math.inf, evaluations=evaluations, max_size=40, threads=1)
    chosen = checked_settings(asked)
    data = chunks.gather(ROWS, y, None, None, min_rows=4, missing="error")
    return Stages(
        X=ROWS,
        y=y,
        counts=None,
        names=NAMES,
        labels=None,
        settings=chosen,
        device="cpu",
        budget=Budget(math.inf, evaluations, None),
        provenance=provenance("y", data, (len(y), 0), chosen, {}),
    )


TERMS = ["1.5*sin(2*a)", "0.3*a**2*b", "-exp(0.4*b)/(b + 3)", "b*c", "-0.7*cos(c)", "2.5"]


@settings(deadline=None, max_examples=60)
@given(
    chosen=st.lists(st.sampled_from(TERMS), min_size=1, max_size=6, unique=True),
    factor=st.sampled_from(["1", "-2", "a", "(c + 4)"]),
)
def test_what_goes_reads_the_inputs_that_are_left(chosen: list[str], factor: str) -> None:
    whole = cf.Formula(f"{factor}*({' + '.join(chosen)})", NAMES)
    for exchange in exchanges(whole._expression, NAMES, OPERATORS):
        rest = cf.Formula(f"{whole.text} - ({exchange.kept})", NAMES).gradient(ROWS)
        others = [j for j in range(3) if j not in exchange.left]
        np.testing.assert_allclose(rest[:, others], 0.0, atol=1e-9)
        assert np.abs(rest[:, list(exchange.left)]).max() > 0.0
        kept = cf.Formula(exchange.kept, NAMES)
        assert any(NAMES[j] in kept.inputs for j in others)


def test_products_are_multiplied_out_where_that_makes_terms() -> None:
    whole = cf.Formula("0.5*(b - a*(a*b + 4*sin(a)) + 2*cos(0.6*c))", NAMES)
    found = {e.left: e.gone for e in exchanges(whole._expression, NAMES, OPERATORS)}
    assert found == {(0,): 6, (2,): 4, (0, 1): 15, (0, 2): 10, (1, 2): 7}


@pytest.mark.parametrize("text", ["a*sin(b)", "exp(a + b)", "sin(a)*cos(a)/(1 + a**2)", "3.5"])
def test_one_term_and_one_input_leave_nothing(text: str) -> None:
    assert exchanges(cf.Formula(text, NAMES)._expression, NAMES, OPERATORS) == []


def test_an_approximation_of_some_inputs_gives_way_to_their_law() -> None:
    truth = cf.Formula("1.3/(exp(2.8*a) + 1) + 0.8*sin(1.1*b)*c", NAMES)
    known = cf.Formula("0.65 - 0.3*a/(0.2*a**2 + 1.1) - 0.05*sin(a) + 0.8*sin(1.1*b)*c", NAMES)
    y = truth(ROWS)
    stages = stages_of(y, 200_000)
    known = known.refit(ROWS, y)
    assert known.loss > 1e-8
    found = ExchangedTerms(stages).formulas([known])
    best = min(found, key=lambda formula: formula.loss)
    assert stages.objective.reproduced(best)
    fresh = np.random.default_rng(1).uniform(-3, 3, (100, 3))
    np.testing.assert_allclose(best(fresh), truth(fresh), rtol=1e-9, atol=1e-9)


def test_nothing_is_searched_for_twice_and_no_more_than_a_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    y = cf.Formula("sin(3*a)*a + exp(b)*b + cos(2*c)*c", NAMES)(ROWS)
    known = cf.Formula("a**2 - a**4/9 + b**3 + 2*b + c - c**3/5", NAMES, 1.0)
    terms = ExchangedTerms(stages_of(y, 10_000))
    searched: list[tuple[str, ...]] = []

    def formulas(phase: str, share: float, table: Matrix, *others: object) -> list[cf.Formula]:
        searched.append(table.names)
        return [cf.Formula("1.0", table.names, 1.0)]

    monkeypatch.setattr(terms.stages, "formulas", formulas)
    monkeypatch.setattr(terms.fewer, "refitted", lambda texts, transform: [])
    for rounds in range(1, 5):
        terms.formulas([known])
        assert len(searched) == min(rounds * MOST, 6)
    assert searched == [("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c")]
