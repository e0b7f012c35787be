"""Relations of few terms where rows have noise: terms are those of the law, constants near."""

from __future__ import annotations

import numpy as np
import pytest

import closedform as cf
from closedform.searches.few_terms import few_terms
from closedform.searches.noisy_relations import noisy_relations

NAMES = ("x1", "x2", "x3")


@pytest.mark.parametrize(
    "law",
    [
        "0.5*x1*(x2**2 + x3**2)",
        "x1*x2 + 3*x1*cos(x3)",
        "sqrt((x1 - x2)**2 + x3**2)",
        "(x1*x2 + 3)/(x1 + x3)",
        "2*x1*exp(-0.7*x2/x3)",
        "x1 + x2 + 2*sqrt(x1*x2)*cos(x3)",
        "x1 + x2*x3 - 2*sqrt(x1*x3)",
        "x3*sqrt((x1 + x2)/(6 - x2))",
    ],
)
def test_a_law_of_few_terms_is_among_them(law: str) -> None:
    rng = np.random.default_rng(3)
    X = rng.uniform(1.0, 5.0, (80, 3))
    exact = cf.Formula(law, NAMES)(X)
    scatter = float(np.var(exact))
    y = exact + 0.05 * exact.std() * rng.normal(size=80)
    found = (
        cf.Formula(text, NAMES) for text in noisy_relations(X, y, np.ones(80), NAMES, 30_000, bool)
    )
    near = [form for form in found if np.mean((form(X) - exact) ** 2) < 0.02 * scatter]
    assert min(form.refit(X, exact).loss for form in near) < 1e-12 * scatter


def test_terms_are_exchanged_for_those_that_leave_less() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 100))
    both = a + b + 0.3 * rng.normal(size=100)  # alone it leaves less than a or b
    found = few_terms(np.column_stack([both, a, b, rng.normal(size=100)]), a + b, np.ones(100))
    assert sorted(k for k, _ in found[0]) == [1, 2]
    assert [factor for _, factor in sorted(found[0])] == pytest.approx([1.0, 1.0])


def test_two_terms_are_exchanged_at_once() -> None:
    """x1 and x2 for the root of their product and what corrects it: neither alone leaves less."""
    rng = np.random.default_rng(0)
    x1, x2, x3 = rng.uniform(1.0, 5.0, (3, 200))
    root = np.sqrt(x1 * x2)
    columns = [root, root * np.cos(x3), x1, x2, x1**1.5 * x2**-0.5, x2**1.5 * x1**-0.5, x1 * x2, x3]
    found = few_terms(np.column_stack(columns), x1 + x2 + 2 * columns[1], np.ones(200))
    assert sorted(k for k, _ in found[0]) == [1, 2, 3]


def test_what_is_no_number_is_not_used() -> None:
    columns = np.column_stack([np.full(20, np.inf), np.arange(20.0), np.zeros(20)])
    assert few_terms(columns, 2 * np.arange(20.0), np.ones(20)) == [[(1, pytest.approx(2.0))]]
    assert few_terms(columns, np.full(20, np.nan), np.ones(20)) == []
    assert list(noisy_relations(columns[:5], np.ones(5), np.ones(5), "abc", 9, bool)) == []
