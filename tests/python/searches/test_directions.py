"""Search for directions: the traps of symbolic gradients, each held by a test of its own."""

from __future__ import annotations

import math
import re

import numpy as np
import numpy.typing as npt
import pytest

import closedform as cf
from closedform import _core
from closedform.errors import InputError
from closedform.searches.progress import Progress
from closedform.searches.symmetries import find

Floats = npt.NDArray[np.float64]
OPERATORS = ("+", "-", "*", "/", "sin", "exp")
# Concepts of the published benchmarks 1 to 4 and 7, with the boxes their rows are drawn from.
QUADRATIC = ("x1*x1 + 2*x2*x2", -1, 1, 2)
MIXED = ("x1*x1 + 3*x1*x2 + 2*x2*x2", -2, 0, 2)
WAVE = ("x1*x1 + sin(x2 + x3)", -2, 0, 3)
LINE = (f"exp(x1 - x2) - {math.pi!r}*x3", -1, 1, 3)
PRODUCTS = ("x1*x2 + x3*x4", 0, 2, 4)


def _names(columns: int) -> tuple[str, ...]:
    return tuple(f"x{j + 1}" for j in range(columns))


def _problem(
    benchmark: tuple[str, float, float, int], rows: int = 600, seed: int = 0
) -> tuple[Floats, Floats]:
    """Rows and gradients of arbitrary positive lengths."""
    text, low, high, columns = benchmark
    rng = np.random.default_rng(seed)
    X = rng.uniform(low, high, (rows, columns))
    return X, cf.Formula(text, _names(columns)).gradient(X) * rng.uniform(0.1, 9, (rows, 1))


def _unit(G: Floats, least: Floats | float = 0.0) -> Floats:
    norm = np.linalg.norm(G, axis=1, keepdims=True)
    return np.divide(G, norm, out=np.zeros_like(G), where=norm > least)


def _loss(
    formula: cf.Formula, X: Floats, G: Floats, weights: Floats | None = None, signed: bool = False
) -> float:
    """The slow reference, by its definition."""
    mean = np.average(X, axis=0, weights=weights)
    scales = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))
    # A gradient that is rounding beside the value counts as zero.
    V = _unit(formula.gradient(X) * scales, 1e-11 * np.abs(formula(X))[:, None])
    losses = [
        float(np.average(np.sum((_unit(G * scales) - sign * V) ** 2, axis=1), weights=weights))
        for sign in (1, -1)
    ]
    return losses[0] if signed else min(losses)


def _constants(formula: cf.Formula) -> list[float]:
    number = r"(?<![\w.])\d+\.?\d*(?:e[+-]?\d+)?"
    return [float(text) for text in re.findall(number, formula.text)]


@pytest.mark.parametrize("symmetries", [True, False])
@pytest.mark.parametrize("signed", [True, False])
def test_losses_are_those_of_the_texts(symmetries: bool, signed: bool) -> None:
    X, G = _problem(MIXED)
    rng = np.random.default_rng(1)
    G = _unit(G) + 0.05 * rng.normal(size=X.shape)
    weights = rng.uniform(size=len(X))
    weights[:100] = 0
    front = cf.search(
        X,
        gradients=G,
        weights=weights,
        signed=signed,
        symmetries=symmetries,
        time=math.inf,
        evaluations=30_000,
    )
    assert len(front) > 2
    for formula in front:
        read = cf.Formula(formula.text, front.best.names)
        assert formula.loss == pytest.approx(_loss(read, X, G, weights, signed), rel=1e-9)
        assert max(map(abs, _constants(formula)), default=0) <= 1e3
    losses = [formula.loss for formula in front]
    assert losses == sorted(losses, reverse=True)


def test_what_underflows_is_worth_nothing() -> None:
    # Their gradients are rounding: without a floor such forms were scored below zero.
    X, G = _problem(QUADRATIC)
    goal = _core.Goal.gradients(_unit(G), None, None, False)
    for text in (
        "exp(-exp(6 + x1*x1 + 2*x2*x2))",
        "1 + exp(-40 - x1*x1)",
        "sin(1e-200*x1) + 1",
        "exp(700 + x1*x1 + 2*x2*x2) + 1e308",
    ):
        loss = goal.loss(text, _names(2), X)
        assert loss >= 1 - 1e-12, text  # infinite where it is not defined
    exact = goal.loss("x1*x1 + 2*x2*x2", _names(2), X)
    assert 0 <= exact < 1e-30


def test_a_square_around_a_level_is_not_the_concept() -> None:
    # (g - 1)^2 turns around at g = 1. A sign for every row would score it as exact.
    X, G = _problem(QUADRATIC)
    square = cf.Formula("(x1*x1 + 2*x2*x2 - 1)**2", _names(2))
    each = np.sum(_unit(square.gradient(X)) * _unit(G), axis=1) ** 2
    assert np.mean(1 - each) < 1e-15
    assert _loss(square, X, G) > 0.3
    front = cf.search(
        X,
        gradients=G,
        operators=OPERATORS,
        symmetries=False,
        time=math.inf,
        evaluations=60_000,
        start=[square],
    )
    assert front.best.text == "x1*x1 + 2*(x2*x2)"
    assert _loss(front.best, X, G) < 1e-24


def test_a_sum_is_not_a_product_of_huge_constants() -> None:
    X, G = _problem(PRODUCTS)
    fake = cf.Formula("(x1*x2 - 1e4)*(x3*x4 + 10020.5)", _names(4))
    assert _loss(fake, X, G) > 1  # one of its factors is negative
    fake = cf.Formula("(x1*x2 + 1e6)*(x3*x4 + 1000001.5)", _names(4))
    assert _loss(fake, X, G) < 1e-10
    front = cf.search(
        X,
        gradients=G,
        operators=OPERATORS,
        symmetries=False,
        time=math.inf,
        evaluations=60_000,
        start=[fake],
    )
    assert front.best.text == "x1*x2 + x3*x4"
    assert front.best is front[-1]


def test_zero_matches_zero_only() -> None:
    X, G = _problem(QUADRATIC)
    X[:60] = 0  # the concept's own gradient is zero there
    G[:60] = 0
    assert _loss(cf.Formula("x1*x1 + 2*x2*x2", _names(2)), X, G) < 1e-30
    front = cf.search(
        X,
        gradients=G,
        operators=OPERATORS,
        symmetries=False,
        time=math.inf,
        evaluations=60_000,
    )
    assert front.best.text == "x1*x1 + 2*(x2*x2)"
    scales = np.tile(X[60:].std(axis=0), (len(X), 1))
    goal = _core.Goal.gradients(_unit(G * scales), scales, None, False)
    # 1 where one of the two is zero: a constant everywhere but at the 60 rows, x1 at those.
    assert goal.loss("3", _names(2), X) == pytest.approx(0.9, rel=1e-12)
    rest = _loss(cf.Formula("x1", _names(2)), X[60:], G[60:])
    assert goal.loss("x1", _names(2), X) == pytest.approx(0.1 + 0.9 * rest, rel=1e-12)


@pytest.mark.parametrize("symmetries", [True, False])
@pytest.mark.parametrize(
    ("benchmark", "best", "falling"),
    [
        (WAVE, "x1*x1 + sin(x2 + x3)", "-(x1*x1) - sin(x2 + x3)"),
        (LINE, "exp(x1 - x2) - 3.14159265359*x3", "3.14159265359*x3 - exp(x1 - x2)"),
        (PRODUCTS, "x1*x2 + x3*x4", "-x1*x2 - x3*x4"),
        (("x1*exp(-x2)", 0.1, 1, 3), "x1/exp(x2)", "exp(x2)/x1"),
    ],
)
def test_formulas_have_the_sign_of_the_gradients(
    symmetries: bool, benchmark: tuple[str, float, float, int], best: str, falling: str
) -> None:
    X, G = _problem(benchmark)
    for gradients, expected in ((G, best), (-G, falling)):
        for signed in (True, False):
            front = cf.search(
                X,
                gradients=gradients,
                signed=signed,
                symmetries=symmetries,
                operators=OPERATORS,
                time=math.inf,
                evaluations=200_000,
            )
            assert front.best.text == expected
            assert 0 <= front.best.loss < 1e-24  # rounding for print costs no exactness
            assert _loss(front.best, X, gradients, signed=True) < 1e-24


@pytest.mark.parametrize(
    ("clutter", "shortest"),
    [
        ("x1 + x1*(x1 - 1) + sin(x2 + x3)", "x1*x1 + sin(x2 + x3)"),
        ("exp(0.3*(x1*x1 + sin(x2 + x3)) - 7)", "x1*x1 + sin(x2 + x3)"),
        ("abs(x1*x1 + sin(x2 + x3) + 5)", "x1*x1 + sin(x2 + x3)"),
        ("(x1*x1 + sin(x2 + x3) + 5)**2", "x1*x1 + sin(x2 + x3)"),
    ],
)
def test_clutter_that_is_exact_comes_off(clutter: str, shortest: str) -> None:
    X, G = _problem(WAVE)
    front = cf.search(
        X,
        gradients=G,
        symmetries=False,
        operators=(*OPERATORS, "abs"),
        time=math.inf,
        evaluations=1,  # the last stage alone
        start=[clutter],
    )
    assert front.best.text == shortest


def test_of_the_free_factors_those_shortest_to_write_are_chosen() -> None:
    names = _names(3)
    X = np.random.default_rng(0).uniform(0.1, 1, (300, 3))
    for start, expected in (
        (f"{1 / math.pi!r}*exp(x1 - x2) - x3", "exp(x1 - x2) - 3.14159265359*x3"),
        (f"{1 / 3!r}*x1 + x2 + {2 / 3!r}*sin(x3)", "x1 + 3*x2 + 2*sin(x3)"),
        ("x1 + 7*x2 - 7*sin(x3)", f"{1 / 7!r}*x1 + x2 - sin(x3)"),
        ("x1 + 2e-4*sin(x3)", "x1 + 2e-04*sin(x3)"),
    ):
        front = cf.search(
            X,
            gradients=cf.Formula(start, names).gradient(X),
            symmetries=False,
            operators=OPERATORS,
            time=math.inf,
            evaluations=1,
            start=[start],
        )
        best = front.best
        truth = cf.Formula(expected, names)
        assert best.complexity == truth.complexity
        np.testing.assert_allclose(best(X), truth(X), rtol=1e-9, atol=1e-12)
        assert max(map(abs, _constants(best)), default=0) <= 1e3


@pytest.mark.parametrize("symmetries", [True, False])
def test_threads_do_not_change_the_front(symmetries: bool) -> None:
    X, G = _problem(MIXED, rows=900)
    G = _unit(G) + 0.02 * np.random.default_rng(3).normal(size=X.shape)
    one, two = (
        cf.search(
            X,
            gradients=G,
            symmetries=symmetries,
            time=math.inf,
            evaluations=30_000,
            threads=threads,
            seed=5,
        )
        for threads in (1, 2)
    )
    assert [(f.text, f.loss) for f in one] == [(f.text, f.loss) for f in two]
    assert one.evaluations == two.evaluations


def test_loss_of_the_merged_problem_is_that_of_the_expanded_formula() -> None:
    text = "x1*x2/((x3 - x4)*(x3 - x4) + x5) + sin(x5)"
    X, G = _problem((text, 0.2, 2, 5))
    U = _unit(G)
    names = _names(5)
    noise = 0.02 * np.random.default_rng(1).normal(size=X.shape)
    scales = X.std(axis=0)
    for exact, given in ((True, U), (False, _unit(U + noise))):
        directions = _unit(given * scales)
        merging = find(X, directions, names=names, operators=OPERATORS, scales=scales)
        assert len(merging.texts) < 5
        assert merging.exact == exact
        placeholders = tuple(f"z{k + 1}" for k in range(len(merging.texts)))
        merged = _core.Goal.gradients(merging.U, merging.S, None, False)
        # What lies across the merged inputs' gradients no formula of them reaches.
        lost = np.mean(1 - np.sum(merging.U**2, axis=1))
        for form in ("z1*z2 + z3", "sin(z1)/(z2 + z3*z3)", "z2 - exp(0.3*z1)"):
            expanded = form
            for name, original in zip(placeholders, merging.texts, strict=True):
                expanded = expanded.replace(name, f"({original})")
            formula = cf.Formula(expanded, names)
            loss = merged.loss(form, placeholders, merging.Z)
            assert loss + lost == pytest.approx(_loss(formula, X, given), rel=1e-9)


def test_the_quadratic_does_not_end_as_its_linear_merge() -> None:
    X, G = _problem(MIXED)
    # The merge misses by 1 %: tempting, and the published failure.
    assert _loss(cf.Formula("0.712*x1 + x2", _names(2)), X, G) < 3e-3
    for seed in range(3):
        front = cf.search(X, gradients=G, operators=OPERATORS, time=20, seed=seed)
        assert front.symmetries is not None
        assert front.symmetries.merges == ()
        assert front.best.text == "(x1 + x2)*(x1 + 2*x2)"
        assert front.stopped == "exact"


@pytest.mark.parametrize("symmetries", [True, False])
def test_units_of_the_columns_do_not_decide_the_answer(symmetries: bool) -> None:
    """By raw gradients x1*x3/x2 in such units is x3 alone, or x3/x2, to six digits."""
    X = np.random.default_rng(0).uniform(1, 2, (400, 3))
    for units in ((1e5, 1.0, 1e-3), (1e-3, 1e5, 1.0)):
        table = X * units
        G = cf.Formula("x1*x3/x2", _names(3)).gradient(table)
        noise = 0.01 * np.random.default_rng(1).normal(size=X.shape)
        for gradients in (G, (_unit(G * units) + noise) / units):
            front = cf.search(
                table,
                gradients=gradients,
                symmetries=symmetries,
                operators=OPERATORS,
                time=math.inf,
                evaluations=60_000,
            )
            assert front.best.text in ("x1*x3/x2", "x1/x2*x3", "x1/(x2/x3)")


def test_a_column_that_does_not_vary_says_nothing() -> None:
    X, G = _problem(QUADRATIC)
    X, G = np.column_stack([X, np.full(len(X), 0.1)]), np.column_stack([G, 5 + G[:, 0]])
    front = cf.search(X, gradients=G, operators=OPERATORS, time=math.inf, evaluations=60_000)
    assert front.best.text == "x1*x1 + 2*(x2*x2)"


def test_directions_of_noise_have_a_constant_for_answer() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (300, 3))
    for max_size in (3, 30):
        front = cf.search(
            X,
            gradients=rng.normal(size=X.shape),
            max_size=max_size,
            time=math.inf,
            evaluations=10_000,
        )
        assert [(formula.text, formula.loss) for formula in front] == [("1", 1.0)]


def test_a_sign_costs_no_nodes_until_the_formula_is_chosen() -> None:
    """-x1 - x4 has 5 nodes, as many as 0.99*x4 + x1, which noise makes a little better."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (400, 4))
    G = np.array([-1.0, 0.0, 0.0, -0.995]) + 0.05 * rng.normal(size=X.shape)
    front = cf.search(
        X, gradients=G, symmetries=False, max_size=5, time=math.inf, evaluations=20_000
    )
    assert front.best.text == "-x1 - x4"
    assert _loss(front.best, X, G, signed=True) == pytest.approx(front.best.loss, rel=1e-9)


def test_a_merged_answer_longer_than_allowed_is_not_the_end() -> None:
    X, G = _problem(("x1*x2/((x3 - x4)*(x3 - x4) + (x5 - x6)*(x5 - x6))", 0, 2, 6))
    front = cf.search(
        X, gradients=G, operators=OPERATORS, max_size=9, time=math.inf, evaluations=40_000
    )
    assert front.stopped == "evaluations"
    assert front.best.loss < 0.9
    assert max(formula.complexity for formula in front) <= 9 + 2  # the sign is free in the search
    front = cf.search(X, gradients=G, operators=OPERATORS, time=20)
    assert front.stopped == "exact"
    assert front.best.complexity == 19


@pytest.mark.parametrize("benchmark", [MIXED, LINE])
def test_whoever_stops_it_keeps_the_front(benchmark: tuple[str, float, float, int]) -> None:
    X, G = _problem(benchmark)
    G = _unit(G) + 0.05 * np.random.default_rng(3).normal(size=X.shape)
    seen: list[Progress] = []

    def stop(progress: Progress) -> bool:
        seen.append(progress)
        return True

    front = cf.search(X, gradients=G, time=30, callback=stop)
    assert front.stopped == "interrupted"
    assert len(seen) == 1
    assert seen[0].best is not None
    assert all(math.isfinite(formula.loss) for formula in front)
    assert front.best.loss < 1


@pytest.mark.parametrize(
    ("G", "message"),
    [
        (np.ones((40, 3)), r"gradients: has shape \(40, 3\), X has \(40, 2\)"),
        (np.ones((39, 2)), r"gradients: has shape \(39, 2\), X has \(40, 2\)"),
        (np.ones(40), "gradients: "),
        (np.zeros((40, 2)), "gradients: are zero at every row"),
        (np.full((40, 2), np.nan), "gradients: "),
        (np.full((40, 2), np.inf), "gradients: "),
    ],
)
def test_gradients_that_cannot_be_used(G: Floats, message: str) -> None:
    X = np.random.default_rng(0).uniform(size=(40, 2))
    with pytest.raises(InputError, match=message) as error:
        cf.search(X, gradients=G, time=1)
    assert "\n" not in str(error.value)


def test_one_input_has_no_direction() -> None:
    X = np.random.default_rng(0).uniform(size=(40, 1))
    with pytest.raises(InputError, match="gradients: of one input"):
        cf.search(X, gradients=np.ones((40, 1)), time=1)
