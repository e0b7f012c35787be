"""What users pass in: accepted kinds, no copies, and one-line errors that name the way out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import closedform as cf
from closedform.errors import InputError
from closedform.tables import checks, chunks

TABLE: dict[str, Any] = {"a": [1.0, 2.0, 4.0], "b": [1, 0, 1], "c": [True, False, False]}
VALUES = np.array([[1, 1, 1], [2, 0, 0], [4, 1, 0]], dtype=np.float64)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_matrix_uses_contiguous_floats_without_a_copy(dtype: type) -> None:
    X: np.ndarray = np.arange(6, dtype=dtype).reshape(3, 2)
    checked = checks.matrix(X)
    assert checked.values is X
    assert checked.names == ("x1", "x2")


@pytest.mark.parametrize(
    "X",
    [
        np.asfortranarray(VALUES),
        VALUES.astype(">f8"),
        VALUES.astype(np.int8),
        VALUES.astype(bool) * np.float16(1) * VALUES,
        VALUES.astype(object),
        np.repeat(VALUES, 2, axis=1)[:, ::2],
        VALUES.tolist(),
        np.ma.masked_array(VALUES),
    ],
)
def test_matrix_converts_other_numbers(X: object) -> None:
    values = checks.matrix(X).values
    assert values.dtype == np.float64
    assert values.flags.c_contiguous
    np.testing.assert_array_equal(values, VALUES)


@pytest.mark.parametrize("library", ["pandas", "pandas nullable", "polars", "pyarrow"])
def test_matrix_takes_tables(library: str) -> None:
    module = pytest.importorskip(library.split()[0])
    table = module.table(TABLE) if library == "pyarrow" else module.DataFrame(TABLE)
    if library == "pandas nullable":
        table = table.convert_dtypes()
    checked = checks.matrix(table)
    assert checked.names == ("a", "b", "c")
    np.testing.assert_array_equal(checked.values, VALUES)
    column = table.column("a") if library == "pyarrow" else table["a"]
    np.testing.assert_array_equal(checks.vector(column, 3), VALUES[:, 0])


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_missing_values_and_text_of_tables_are_refused(library: str) -> None:
    module = pytest.importorskip(library)
    make: Callable[[object], Any] = module.table if library == "pyarrow" else module.DataFrame
    with pytest.raises(InputError, match="X: row 1, column 'b' is NaN"):
        checks.matrix(make({"a": [1.0, 2.0], "b": [1.0, None]}))
    with pytest.raises(InputError, match=r"X: column 'b': .*'u'.*not.* number"):
        checks.matrix(make({"a": [1.0, 2.0], "b": ["u", "v"]}))


def test_tables_that_cannot_be_used_as_they_are() -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    with pytest.raises(InputError, match="X: is a LazyFrame, not read yet; call"):
        checks.matrix(polars.LazyFrame(TABLE))
    with pytest.raises(InputError, match="X: two columns have the same name; rename one"):
        checks.matrix(pandas.DataFrame(VALUES, columns=["a", "b", "a"]))


def test_a_batch_of_arrow_is_a_table() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    batch = pyarrow.record_batch({"a": [1, 2, None], "b": [True, False, True]})
    checked = checks.matrix(batch, allow_nan=True)
    assert checked.names == ("a", "b")
    np.testing.assert_array_equal(checked.values, [[1, 1], [2, 0], [np.nan, 1]])


def with_value(value: float) -> np.ndarray:
    X = np.ones((400_000, 3))
    X[300_000, 2] = value
    return X


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (with_value(np.nan), "X: row 300000, column 'x3' is NaN; drop or fill"),
        (with_value(-np.inf), "X: row 300000, column 'x3' is infinite"),
        (np.ma.masked_array(VALUES, VALUES == 4), "X: row 2, column 'x1' is NaN"),
        ([["a", "b"], ["c", "d"]], "X: holds text ('a' first)"),
        (np.array([[1.0, "b"], [2.0, 3.0]], object), "X: row 0, column 1 is 'b', not a number"),
        (np.array([[1.0, None], [2.0, 3.0]], object), "X: row 0, column 1 is None"),
        (VALUES + 1j, "X: Complex data not supported"),
        (np.array([["2020-01-01"]], "datetime64[D]"), "X: holds datetime64[D], not numbers"),
        (VALUES[:1], "X: has too few rows (n_samples = 1)"),
        (VALUES[:0], "X: has no rows"),
        (VALUES[:, :0], "X: no columns: 0 feature(s) (shape=(3, 0))"),
        (VALUES[0], "X: must be 2-D (rows, columns), has shape (3,); Reshape your data"),
        (VALUES[None], "X: must be 2-D (rows, columns), has shape (1, 3, 3)"),
        ([[1.0, 2.0], [3.0]], "X: cannot be read as an array"),
        ([[10**400], [1]], "X: row 0, column 0 is beyond the range of float64"),
        (np.broadcast_to(1.0, (10**12, 9)), "X: does not fit into memory"),
        (3.0, "X: is a float; give an array"),
        (None, "X: is a NoneType; give an array"),
        ("data.csv", "X: is a str; give an array"),
    ],
)
def test_bad_matrices(X: object, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        checks.matrix(X)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("library", ["numpy", "objects", "pandas", "polars", "pyarrow"])
def test_whole_numbers_that_float64_rounds_are_said(library: str) -> None:
    large = [2**53 + 1, 2**62, -(2**53) - 1]
    if library in ("numpy", "objects"):
        X: object = np.array(large, np.int64 if library == "numpy" else object)[:, None]
    else:
        module = pytest.importorskip(library)
        X = (module.table if library == "pyarrow" else module.DataFrame)({"a": large})
    with pytest.warns(UserWarning, match=r"X: column '?[a0]'?: 9007199254740993 and its like"):
        checks.matrix(X)
    checks.matrix(np.array([[2**62], [1]]))  # has no digits to lose


@pytest.mark.parametrize("values", [[[1, 2], [3]], [{"q": 1}, {"q": 2}]])
@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_columns_of_lists_are_refused(library: str, values: list[object]) -> None:
    module = pytest.importorskip(library)
    make: Callable[[object], Any] = module.table if library == "pyarrow" else module.DataFrame
    with pytest.raises(InputError, match=r"X: column 'b': holds .* make its elements columns"):
        checks.matrix(make({"a": [1, 2], "b": values}))


def test_a_message_is_a_line_whatever_it_quotes() -> None:
    said = str(InputError("X: " + "a\nb\u2028" * 10_000 + "; drop it"))
    assert len(said.splitlines()) == 1
    assert len(said) < 2100
    assert said.endswith("; drop it")


def test_missing_values_pass_when_allowed() -> None:
    assert np.isnan(checks.matrix([[1.0, np.nan], [2.0, 3.0]], allow_nan=True).values[0, 1])
    with pytest.raises(InputError, match="infinite"):
        checks.matrix([[1.0, np.inf], [2.0, 3.0]], allow_nan=True)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1.0, np.nan, 2.0], "y: row 1 is NaN"),
        ([1.0, 2.0, np.inf], "y: row 2 is infinite"),
        (["a", "b", "c"], "y: holds text ('a' first)"),
        ([1.0, 2.0], "y: has 2 values for 3 rows"),
        (np.ones((3, 2)), "y: must be 1-D"),
        ([1j, 0, 0], "y: Complex data not supported"),
    ],
)
def test_bad_vectors(y: object, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        checks.vector(y, 3)


def test_a_column_matrix_is_a_vector() -> None:
    np.testing.assert_array_equal(checks.vector(np.array([[1], [2]]), 2), [1.0, 2.0])


@pytest.mark.parametrize(
    ("w", "message"),
    [
        ([1.0, -2.0, 0.0], "weights: row 1 is -2; weights must not be negative"),
        ([0.0, 0.0, 0.0], "weights: all are zero"),
        ([0.0, 1.0, np.nan], "weights: row 2 is NaN"),
    ],
)
def test_bad_weights(w: object, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        checks.weights(w, 3)


def test_constants_are_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"X: column 'x2' is 7 in every row; drop it"):
        checks.varying_columns(checks.matrix([[1.0, 7.0], [2.0, 7.0]]))
    with pytest.raises(InputError, match=r"y: is 3 in every row"):
        checks.varying_target(np.array([3.0, 3.0]))
    with pytest.raises(InputError, match=r"y: is 3 in every row that weighs anything"):
        checks.varying_target(np.array([3.0, 4.0, 3.0]), np.array([1.0, 0.0, 2.0]))


@pytest.mark.parametrize(
    ("y", "weights", "constant"),
    [
        ([1.0, 1.0], None, True),
        ([0.1] * 1000, None, True),
        ([1.0, 1.0 + 1e-12], None, False),
        ([1.0, 1.0, 2.0], [1.0, 1.0, 0.0], True),
        ([1.0, 1.0, 2.0], [1.0, 1.0, 1e-40], True),
        ([1.0, 1.0, 2.0], [1.0, 1.0, 1e-3], False),
        ([1e200, -1e200], None, False),
        ([1.0, 2.0], [0.0, 0.0], True),
    ],
)
def test_a_target_that_changes_by_rounding_is_constant(
    y: list[float], weights: list[float] | None, constant: bool
) -> None:
    counts = None if weights is None else np.array(weights)
    assert checks.nearly_constant(np.array(y), counts) == constant


@pytest.mark.parametrize(
    ("scale", "said"),
    [
        (1e-163, "column 'b' has nothing but numbers below 1e-100; give it in other units"),
        (1e153, r"row \d+, column 'b' is -?[\d.]+e\+15\d; numbers beyond 1e\+100 have no squares"),
    ],
)
def test_numbers_without_squares_are_refused(scale: float, said: str) -> None:
    rng = np.random.default_rng(0)
    rows = rng.uniform(1.0, 2.0, (20, 2))
    scaled = pd.DataFrame({"a": rows[:, 0], "b": scale * rows[:, 1]})
    with pytest.raises(InputError, match=f"^X: {said}"):
        cf.discover(scaled, rows[:, 0], evaluations=100)
    with pytest.raises(InputError, match=r"^y: "):
        cf.discover(rows, scale * rows[:, 0], evaluations=100)
    with pytest.raises(InputError, match=r"^values: "):
        cf.search(rows, values=scale * rows[:, 0], evaluations=100)
    with pytest.raises(InputError, match=r"^y: "):
        cf.Surrogate().fit(rows, scale * rows[:, 0])


@pytest.mark.parametrize("power", [-99, -30, 30, 99])
def test_laws_are_exact_at_every_scale_that_is_not_refused(power: int) -> None:
    rng = np.random.default_rng(1)
    rows = rng.uniform(1.0, 2.0, (50, 2)) * [10.0**power, 1.0]
    found = cf.search(
        rows, values=rows[:, 0] * rows[:, 1], operators=["*", "+", "sin"], evaluations=20000
    )
    fresh = rng.uniform(1.0, 2.0, (9, 2)) * [10.0**power, 1.0]
    assert found.stopped == "exact"
    np.testing.assert_allclose(found.best(fresh), fresh[:, 0] * fresh[:, 1], rtol=1e-9)


def test_a_mark_of_missing_values_is_named() -> None:
    rows = np.random.default_rng(2).uniform(1.0, 2.0, (30, 2))
    rows[[3, 4], 1] = -9999.0
    said = r"^X: column 'x2' is -9999 at 2 rows and nowhere else negative"
    with pytest.warns(UserWarning, match=said):
        cf.search(rows, values=rows[:, 0], evaluations=100)
    rows[5, 1] = -3.0
    cf.search(rows, values=rows[:, 0], evaluations=100)  # warnings are errors here


def test_categories_are_indicators_never_ranks() -> None:
    table = pd.DataFrame({"size": pd.Categorical([3, 1, 3]), "hue": ["red", "blue", None]})
    table["hue"] = table["hue"].astype("category")
    checked = checks.matrix(table, allow_nan=True)
    assert checked.labels == ("size=1", "size=3", "hue=blue", "hue=red")
    assert checked.names == ("size_1", "size_3", "hue_blue", "hue_red")
    assert checked.values[:2].tolist() == [[0, 1, 0, 1], [1, 0, 1, 0]]
    assert np.isnan(checked.values[2, 2:]).all()
    law = cf.Formula("2*hue_red", ["hue_red"], labels=["hue=red"])
    assert law(table[:2]).tolist() == [2.0, 0.0]
    assert law(table[1:2]).tolist() == [0.0]


def test_a_shuffled_table_has_no_column_more() -> None:
    table = pd.DataFrame(TABLE).sample(frac=1.0, random_state=1)
    assert chunks.gather(table, "a").inputs.names == ("b", "c")
