"""Rows with missing values: refused, or dropped and counted; however the rows are given."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import closedform as cf
from closedform.errors import InputError
from closedform.tables import chunks
from closedform.tables.files import read_table

NAN = float("nan")
ROWS = np.array([[1, 2, 3], [NAN, 5, 6], [7, 8, 9], [10, 11, NAN], [13, 14, 15]])
TABLE = pd.DataFrame(ROWS, columns=["a", "b", "y"])
WHOLE = [0, 2, 4]


def mapped(folder: Path) -> tuple[Any, Any]:
    np.save(folder / "X.npy", ROWS[:, :2])
    return np.load(folder / "X.npy", mmap_mode="r"), ROWS[:, 2]


def csv(folder: Path) -> tuple[Any, Any]:
    (folder / "rows.csv").write_text("a,b,y\n1,2,3\n,5,6\n7,8,9\n10,11,N/A\n13,14,15\n")
    return folder / "rows.csv", "y"


def parquet(folder: Path) -> tuple[Any, Any]:
    pytest.importorskip("pyarrow")
    TABLE.to_parquet(folder / "rows.parquet")
    return str(folder / "rows.parquet"), "y"


KINDS: dict[str, Callable[[Path], tuple[Any, Any]]] = {
    "array": lambda _: (ROWS[:, :2], ROWS[:, 2]),
    "table": lambda _: (TABLE, "y"),
    "masked": lambda _: (np.ma.masked_invalid(ROWS[:, :2]), ROWS[:, 2]),
    "chunks": lambda _: (iter([TABLE[:2], TABLE[2:4], TABLE[4:]]), "y"),
    "map": mapped,
    "csv": csv,
    "parquet": parquet,
}


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_dropped_and_counted(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = chunks.gather(*KINDS[kind](tmp_path), missing="drop")
    np.testing.assert_array_equal(data.inputs.values, ROWS[WHOLE, :2])
    np.testing.assert_array_equal(data.target, ROWS[WHOLE, 2])
    assert data.kept is not None
    assert data.kept.tolist() == WHOLE
    assert "X: 2 of 5 rows dropped: they have missing values" in caplog.messages
    with pytest.raises(InputError, match=r"missing|NaN|the cell is empty"):
        chunks.gather(*KINDS[kind](tmp_path))


def test_what_is_not_missing_is_still_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="X: row 1, column 'x1' is infinite"):
        chunks.gather(np.where(np.isnan(ROWS), np.inf, ROWS), missing="drop")
    for cell, said in (("inf", "inf is not a finite number"), ("?", "'\\?' is not a number")):
        (tmp_path / "rows.csv").write_text(f"a,y\n1,2\n{cell},3\n4,5\n")
        with pytest.raises(InputError, match=rf"line 3, column 'a': {said}"):
            chunks.gather(tmp_path / "rows.csv", "y", missing="drop")
    with pytest.raises(InputError, match=r"X: has too few rows \(n_samples = 1\)"):
        chunks.gather(ROWS[:2, :2], missing="drop")
    with pytest.raises(InputError, match="missing: 'fill' is unknown; use one of 'error', 'drop'"):
        cf.discover(TABLE, "y", missing="fill")  # type: ignore[arg-type]


def test_nothing_missing_is_nothing_said(caplog: pytest.LogCaptureFixture) -> None:
    assert chunks.gather(ROWS[WHOLE], missing="drop").kept is None
    assert caplog.messages == []


def test_rows_far_off_are_those_of_the_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.uniform(1, 2, 40)})
    table["y"] = 3 * table.a + 0.01 * rng.normal(size=40)
    table.loc[[3, 5], "a"] = NAN
    table.loc[[10, 30], "y"] = [50.0, -40.0]
    table.to_csv(tmp_path / "rows.csv", index=False)
    found = cf.discover(
        tmp_path / "rows.csv",
        "y",
        missing="drop",
        noise="robust",
        operators="*",
        evaluations=500,
        threads=1,
    )
    assert {10, 30} <= set(found.outliers) < {*range(6, 40)} | {0, 1, 2, 4}
    assert found.formula.labels == ("a",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a;y\n1,5;2\n2,5;-3,25e1\n", "delimiter ';', decimal ','"),
        ('a\ty\n"1,5"\t2\n2,5\t-3,25e1\n', r"delimiter '\t', decimal ','"),
        ("a;y\n1.5;2\n2.5;-32.5\n", "delimiter ';', decimal '.'"),
        ("a|y\n1.5|2\n2.5|-32.5\n", "delimiter '|', decimal '.'"),
        ('"a";y\n"1,5";2\n2,5;-32.5\n', "delimiter ';', decimal '.'"),
    ],
)
def test_delimiter_and_decimal_mark_are_found_and_said(
    text: str, said: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with caplog.at_level(logging.INFO, logger="closedform"):
        if "decimal '.'" in said and "," in text:  # both marks: one of them is a mistake
            with pytest.raises(InputError, match="line 2, column 'a': '1,5' is not a number"):
                read_table(path, target="y")
        else:
            table = read_table(path, target="y")
            np.testing.assert_array_equal(table.inputs.values, [[1.5], [2.5]])
            np.testing.assert_array_equal(table.target, [2, -32.5])
    assert caplog.messages == [f"{path}: {said}"]
    level = logging.WARNING if "decimal ','" in said else logging.INFO
    assert caplog.records[0].levelno == level


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow", "a path"])
def test_a_column_may_be_named_wherever_columns_have_names(library: str, tmp_path: Path) -> None:
    columns = {"a": [1.0, 2.0, 3.0, 5.0], "b": [2.0, 1.0, 4.0, 3.0], "z": [2.0, 2.0, 12.0, 15.0]}
    given: Any = tmp_path / "rows.csv"
    pd.DataFrame(columns).to_csv(given, index=False)
    if library != "a path":
        module = pytest.importorskip(library)
        given = (module.table if library == "pyarrow" else module.DataFrame)(columns)
    front = cf.search(given, values="z", operators="*", evaluations=1000)
    assert (front.best.text, front.best.labels) == ("a*b", ("a", "b"))
    with pytest.raises(InputError, match=r"values: no column 'q' in X.*; it has 'a', 'b', 'z'"):
        cf.search(given, values="q")


def test_interpret_drops_them(caplog: pytest.LogCaptureFixture) -> None:
    X = np.random.default_rng(0).uniform(1.0, 2.0, (80, 2))
    weights = np.where(np.arange(80) == 7, NAN, 1.0)
    X[3, 1] = NAN
    neuron = cf.Formula("exp(a*b)", ["a", "b"])
    settings: Any = {"evaluations": 2000, "operators": "*", "threads": 1}
    for given in (X, pd.DataFrame(X, columns=["a", "b"])):
        found = cf.interpret(neuron, given, weights=weights, missing="drop", **settings)
        assert found.formula.text == "a*b"
        assert len(found.gradients.X) == 78 - 8 - 8  # those that choose and measure
    assert caplog.messages == ["X: 2 of 80 rows dropped: they have missing values"] * 2
    with pytest.raises(InputError, match="X: row 3, column 'x2' is NaN"):
        cf.interpret(neuron, X)
    with pytest.raises(InputError, match="missing: 'keep' is unknown"):
        cf.interpret(neuron, X, missing="keep")  # type: ignore[arg-type]


def test_estimators_drop_them_and_predict_what_they_can() -> None:
    X = np.random.default_rng(0).uniform(1.0, 2.0, (60, 3))
    y = X[:, 0] * X[:, 1]
    gaps, target = X.copy(), y.copy()
    gaps[[2, 5], [0, 2]] = NAN
    target[9] = NAN
    settings: Any = {"missing": "drop", "operators": "*", "evaluations": 2000, "random_state": 0}
    model = cf.ClosedFormRegressor(**settings).fit(gaps, target)
    assert model.formula_.text == "x1*x2"
    with pytest.warns(cf.OutsideWarning, match="1 of 60 rows have no value"):
        predicted = model.predict(gaps)
    np.testing.assert_allclose(predicted, np.where(np.arange(60) == 2, NAN, y))
    assert model.__sklearn_tags__().input_tags.allow_nan
    weights = np.linspace(0.5, 1.5, 60)
    both = cf.ClosedFormClassifier(**settings).fit(gaps, y > 2.0, weights)
    whole = [k for k in range(60) if k not in (2, 5)]
    assert both.score(gaps[whole], y[whole] > 2.0) > 0.95
    shares = [np.average(np.delete(y > 2.0, [2, 5]), weights=np.delete(weights, [2, 5]))]
    np.testing.assert_allclose(both.predict_proba(gaps[[2]])[:, 1], shares, rtol=0.05)
    with pytest.raises(InputError, match="X: row 2, column 'x1' is NaN"):
        cf.ClosedFormClassifier().fit(gaps, y > 2.0)
