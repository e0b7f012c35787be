"""Laws of few terms multiplied out: distances, norms, rational functions, angles, bells."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import closedform as cf
from closedform.searches.guesses import guesses
from closedform.searches.objectives import Values
from closedform.searches.products import Product, divided, factored, rounded
from closedform.searches.settings import Arguments, checked_settings
from closedform.searches.sparse_relations import exact_sum, null_vectors, sparsest
from closedform.tables.checks import Matrix

SETTINGS = checked_settings(Arguments(max_size=40))
NAMES = list("abcdefg")
# Inputs: "s" of both signs over decades, "p" positive over decades, "w" an angle, "u" even.
LAWS = {
    "force between points": ("7e-3*a*b/((c - d)**2 + (e - f)**2)", "ppuuuu"),
    "length of a vector": ("a*sqrt(b**2 + c**2 + d**2)/e**3", "pppps"),
    "cosine rule": ("sqrt(a**2 + b**2 - 2*a*b*cos(c - d))", "ppww"),
    "weighted mean": ("(a*b + c*d)/(a + c)", "psps"),
    "bilinear": ("(a - b)/(1 + 0.3*a*b)", "ss"),
    "resonance": ("2.5*a*b**4/(b**2 - c**2)**2", "spp"),
    "conic": ("a*(1 - b**2)/(1 + b*cos(c))", "puw"),
    "bell": ("0.4*exp(-((a - b)/c)**2/2)/c", "uup"),
    "interference": ("a + b + 2*sqrt(a*b)*cos(c)", "ppw"),
    "difference of squares": ("a*b/(c*(d**2 - e**2))", "sssss"),
    "boost": ("(a - b*c)/sqrt(1 - 0.02*b**2)", "sus"),
    "loss beside a quotient": ("20 - a - a*b/(1 + 0.5*a**2)", "pp"),
    "shear": ("cos(a)*cos(b)/sin(b)", "ww"),
    "occupation": ("1/(exp(2.5*a/b) - 1)", "up"),
    "root of one and more": ("sqrt(1 + 0.2*a**2*b/(c**2*d))", "spss"),
}


def rows(kinds: str, count: int) -> np.ndarray:
    rng = np.random.default_rng(len(kinds))
    draw = {
        "s": lambda: 10 ** rng.uniform(-1, 1, count) * rng.choice([-1.0, 1.0], count),
        "p": lambda: 10 ** rng.uniform(-1, 1, count),
        "w": lambda: rng.uniform(0, 2 * np.pi, count),
        "u": lambda: rng.uniform(0.05, 0.95, count),
    }
    return np.column_stack([draw[kind]() for kind in kinds])


@pytest.mark.parametrize("name", LAWS)
def test_a_law_of_few_terms_is_found_at_its_size(name: str) -> None:
    text, kinds = LAWS[name]
    names = NAMES[: len(kinds)]
    law, X = cf.Formula(text, names), rows(kinds, 400)
    X = X[np.isfinite(law(X))]
    table = Matrix(np.ascontiguousarray(X[:200]), tuple(names))
    found = [
        cf.Formula(one, names)
        for one in guesses(table, Values.of(law(X[:200]), None), SETTINGS, math.inf)
    ]
    fresh = X[200:]
    exact = [f for f in found if np.allclose(f(fresh), law(fresh), rtol=1e-8, atol=0)]
    assert exact
    assert min(f.complexity for f in exact) <= law.simplified(SETTINGS.operators).complexity + 2


def test_noise_and_a_law_with_noise_are_no_relation() -> None:
    X = rows("psps", 200)
    y = (X[:, 0] * X[:, 1] + X[:, 2] * X[:, 3]) / (X[:, 0] + X[:, 2])
    rng = np.random.default_rng(3)
    X6 = np.column_stack([X, rows("pp", 200)])  # of so many inputs nothing else is guessed
    for target in (y * (1 + 1e-4 * rng.normal(size=200)), rng.normal(size=200)):
        assert not guesses(
            Matrix(X6, tuple(NAMES[:6])), Values.of(target, None), SETTINGS, math.inf
        )


def test_rows_whose_target_is_0_do_not_hide_a_relation() -> None:
    X = rows("psps", 200)
    X[:5, [1, 3]] = 0.0
    y = (X[:, 0] * X[:, 1] + X[:, 2] * X[:, 3]) / (X[:, 0] + X[:, 2])
    found = guesses(Matrix(X, tuple("abcd")), Values.of(y, None), SETTINGS, math.inf)
    assert any(np.allclose(cf.Formula(text, list("abcd"))(X), y) for text in found)


def test_rows_on_a_curve_satisfy_many_relations_of_many_terms_and_none_is_offered() -> None:
    t = np.linspace(0, 3, 200)
    X = np.column_stack([2 + 0.1 * np.sin(t), 1 + 0.2 * np.cos(2 * t), 0.3 * t])
    y = np.exp(np.sin(3 * t)) + t
    few = replace(SETTINGS, evaluations=20_000)
    for text in guesses(Matrix(X, tuple("abc")), Values.of(y, None), few, math.inf):
        assert cf.Formula(text, list("abc")).complexity <= SETTINGS.max_size


exponents = st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0])


@given(
    st.dictionaries(
        st.tuples(exponents, exponents).map(Product),
        st.floats(0.1, 10) | st.floats(-10, -0.1),
        min_size=1,
        max_size=5,
    )
)
def test_taking_out_factors_and_completing_squares_changes_no_value(
    terms: dict[Product, float],
) -> None:
    a, b = np.random.default_rng(0).uniform(1, 2, (2, 20))
    sizes = [c * a ** p.exponents[0] * b ** p.exponents[1] for p, c in terms.items()]
    short = factored([(c, p) for p, c in terms.items()], ["a", "b"], [True, True])
    text = f"({short.coefficient!r})*{short.common.text(['a', 'b'])}*({short.text})"
    values = cf.Formula(text, ["a", "b"])(np.column_stack([a, b]))
    assert np.all(np.abs(values - sum(sizes)) <= 1e-5 * sum(np.abs(sizes)))


_SQUARE = [(3.0, Product((2.0, 0.0))), (-6.0, Product((1.0, 1.0))), (3.0, Product((0.0, 2.0)))]


def test_a_square_is_completed() -> None:
    short = factored(_SQUARE, ["a", "b"], [False, False])
    assert short.coefficient == 3.0
    assert short.base == "a + (-1.0)*b"


def test_a_square_is_completed_whatever_its_size() -> None:
    terms = [(c * 1e300, p) for c, p in _SQUARE]
    assert factored(terms, ["a", "b"], [False, False]).base == "a + (-1.0)*b"


def test_a_quotient_is_divided_where_that_is_shorter() -> None:
    one, x, xx = Product((0.0, 0.0)), Product((1.0, 0.0)), Product((2.0, 0.0))
    xy, xxx = Product((1.0, 1.0)), Product((3.0, 0.0))
    over = {one: 40.0, x: -2.0, xx: 20.0, xxx: -1.0, xy: -2.0}
    assert divided(over, {one: 2.0, xx: 1.0}) == ({one: 20.0, x: -1.0}, {xy: -2.0})
    assert divided({one: 1.0, x: 2.0}, {one: 2.0, xx: 1.0}) is None


def test_rounded_numbers_are_near_fractions() -> None:
    assert rounded(0.7500000001) == 0.75
    assert rounded(0.7501) == 0.7501
    assert rounded(1e-27) == 1e-27
    assert math.isinf(rounded(math.inf))


def test_few_of_many_columns_make_a_target_or_none() -> None:
    rng = np.random.default_rng(4)
    columns = rng.normal(size=(100, 500))
    target = 2 * columns[:, 17] - 0.5 * columns[:, 300] + columns[:, 444]
    assert dict(exact_sum(columns, target)) == pytest.approx({17: 2.0, 300: -0.5, 444: 1.0})
    assert exact_sum(columns, target + 1e-6 * rng.normal(size=100)) == []


def test_null_vectors_are_sparse_and_keep_what_is_small_and_needed() -> None:
    rng = np.random.default_rng(5)
    columns = rng.normal(size=(60, 8))
    columns[:, 7] = columns[:, 2] + 1e-8 * columns[:, 4]
    (vector,) = null_vectors(columns)
    assert np.flatnonzero(vector).tolist() == [2, 4, 7]
    assert vector / vector[7] == pytest.approx([0, 0, -1, 0, -1e-8, 0, 0, 1], rel=1e-5)
    assert sparsest(null_vectors(columns), [[0, 1], [7]]) is None
