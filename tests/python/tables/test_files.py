"""Files of data: what is read, and the one-line error for each way a file can be bad."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from closedform.errors import InputError
from closedform.tables.files import read_table

GOOD = 'Sl. No.,"a, b",w,kind,y\n1,1.5,1,steel,3\n\n2,"2.5",0,iron,4\n3,3.5,2,,5e0\n'


def write(tmp_path: Path, text: str | bytes, name: str = "data.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("change", ["", "bom", "crlf", "semicolon", "tab", "no last newline"])
def test_csv(tmp_path: Path, change: str) -> None:
    text = GOOD
    if change == "bom":
        text = "\ufeff" + text
    elif change == "crlf":
        text = text.replace("\n", "\r\n")
    elif change in ("semicolon", "tab"):
        mark = ";" if change == "semicolon" else "\t"
        text = text.replace('"a, b"', "a b").replace(",", mark)
    elif change == "no last newline":
        text = text.rstrip("\n")
    table = read_table(write(tmp_path, text), target="y", drop=["Sl. No.", "kind"], weights="w")
    assert table.inputs.names == ("a_b",)
    np.testing.assert_array_equal(table.inputs.values, [[1.5], [2.5], [3.5]])
    np.testing.assert_array_equal(table.target, [3, 4, 5])
    assert table.weights is not None
    np.testing.assert_array_equal(table.weights, [1, 0, 2])


def test_a_table_without_a_target(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a\n1\n2\n"), target=None)
    assert table.y is None
    np.testing.assert_array_equal(table.inputs.values, [[1], [2]])


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "data.parquet"
    columns = {"Sl. No.": ["a", "b"], "a b": [1, 2], "w": [1.0, 0.0], "y": [3.0, 4.0]}
    parquet.write_table(pyarrow.table(columns), path)
    table = read_table(path, target="y", drop=["Sl. No."], weights="w")
    assert table.inputs.names == ("a_b",)
    np.testing.assert_array_equal(table.inputs.values, [[1.0], [2.0]])
    np.testing.assert_array_equal(table.target, [3.0, 4.0])

    inputs = read_table(path, target=None, drop=["Sl. No."])
    assert (inputs.inputs.names, inputs.y, inputs.weights) == (("a_b", "w", "y"), None, None)

    with pytest.raises(InputError, match=r"target: no column 'z' .*; it has 'Sl. No.', 'a b'"):
        read_table(path, target="z")
    with pytest.raises(InputError, match=r"column 'Sl. No.': row 0 is 'a', not a number"):
        read_table(path, target="y")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot be read as Parquet") as caught:
        read_table(path, target="y")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; give a file with a header"),
        ("1,2,3\n4,5,6\n", "the first line holds '1' instead of a column name; add a header"),
        ("a,,y\n1,2,3\n", "column 2 has no name in the first line"),
        ("a,a,y\n1,2,3\n", "two columns are called 'a'; rename one"),
        ("a,b,y\n", "has no rows; at least 2 are needed"),
        ("a,b,y\n1,2,3\n", "has too few rows (n_samples = 1)"),
        ("a,b,y\n1,2,3\n4,5\n", "is cut off: its last line 3 has 2 fields, the header 3"),
        ('a,b,y\n1,2,3\n4,5,"6\n', "line 3: unexpected end of data; the file is cut off"),
        ("a,b,y\n1,2\n4,5,6\n", "line 2 has 2 fields, the header 3; correct that line"),
        ("a,b,y\n1,2,3,4\n4,5,6\n", "line 2 has 4 fields, the header 3"),
        ("a,b,y\n1,2,3\n4,five,6\n", "line 3, column 'b': 'five' is not a number"),
        ("a,b,y\n1,2,3\n\n4,,6\n", "line 4, column 'b': the cell is empty"),
        (f"a,b,y\n1,2,3\n4,1{'0' * 400},6\n", "column 'b': 100000"),
        ("a,b,y\n1,2,3\n4,5,nan\n", "line 3, column 'y': nan is not a finite number"),
        ("a,b,y\n1,-inf,3\n4,5,6\n", "line 2, column 'b': -inf is not a finite number"),
        (b"a,b,y\n1,\xff,3\n", "is neither UTF-8 text nor Parquet"),
        (b"a,b,y\n1,2\x00,3\n", "line 2"),
        ("y\n1\n2\n", "no input columns are left"),
    ],
)
def test_bad_csv(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        read_table(write(tmp_path, text), target="y")
    assert "data.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folders_keys_are_columns(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    for key in (1, 2):
        part = tmp_path / "run=7" / f"load={key}" / f"kind=k{key}"
        part.mkdir(parents=True)
        parquet.write_table(pyarrow.table({"a": [1.0, 2.0], "y": [3.0, 4.0]}), part / "0.parquet")
    table = read_table(tmp_path / "run=7", target="y", drop=["kind"])
    assert table.inputs.labels == ("a", "load")
    np.testing.assert_array_equal(table.inputs.values[:, 1], [1, 1, 2, 2])
    with pytest.raises(InputError, match=r"column 'kind': row 0 is 'k1', not a number"):
        read_table(tmp_path / "run=7", target="y")
    assert read_table(part / "0.parquet", target="y").inputs.labels == ("a",)


def test_digits_that_are_lost_are_said_once(tmp_path: Path) -> None:
    path = write(
        tmp_path, f"a,b,y\n{2**60 + 1},{2**60},1e300\n{2**60 + 3},1,0.1234567890123456789\n"
    )
    with pytest.warns(UserWarning, match=r"column 'a': 1152921504606846977 and its like") as said:
        read_table(path, target="y")
    assert len(said) == 1


def test_numbers_whose_sum_overflows_are_fine(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,y\n1e308,1.5e308,1\n1,2,3\n")
    assert read_table(path, target="y").inputs.values[0, 1] == 1.5e308


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "Y"}, "target: no column 'Y' in"),
        ({"target": "fatig"}, "did you mean 'fatigue'"),
        ({"target": "y", "drop": ["fatige"]}, "drop: no column 'fatige' in"),
        ({"target": "y", "drop": ["y"]}, "drop: column 'y' is already used as target"),
        ({"target": "y", "weights": "q"}, "weights: no column 'q' in"),
        ({"target": "y", "weights": "a"}, "weights: column 'a': row 1 is -1; weights must not"),
    ],
)
def test_bad_names(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    path = write(tmp_path, "a,fatigue,y\n1,2,3\n-1,3,4\n")
    with pytest.raises(InputError, match=re.escape(message)):
        read_table(path, **arguments)


@pytest.mark.parametrize(
    ("make", "message"), [(False, "No such file"), (True, r"holds no \.parquet files")]
)
def test_unreadable_paths(tmp_path: Path, make: bool, message: str) -> None:
    path = tmp_path / "nothing.csv"
    if make:
        path.mkdir()
    with pytest.raises(InputError, match=f"{message}.*; check the path"):
        read_table(path, target="y")


def test_what_is_no_table_at_all_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "bom.csv").write_bytes(b"\xef\xbb\xbf")
    with pytest.raises(InputError, match=r"has no first line of column names"):
        read_table(tmp_path / "bom.csv", target="y")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=r"is a device or a pipe"):
        read_table(tmp_path / "pipe", target="y")


def test_many_columns_are_read_in_linear_time(tmp_path: Path) -> None:
    # Looking for each among all would take minutes.
    names = [f"c{j}" for j in range(200_000)]
    path = tmp_path / "wide.csv"
    path.write_text("\n".join([",".join(names), *[",".join("1" for _ in names)] * 2]))
    with pytest.raises(InputError, match=r"target: no column 'y'"):
        read_table(path, target="y")
    assert read_table(path, target=names[0]).inputs.values.shape == (2, 199_999)
