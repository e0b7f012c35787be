"""Reading tables from files: CSV with the standard library, Parquet through pyarrow."""

from __future__ import annotations

import csv
import difflib
import itertools
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from closedform.errors import InputError
from closedform.tables import checks
from closedform.tables.checks import Matrix
from closedform.tables.chunks import BATCH_ROWS, Chunk, Data, dataset, decoded, of_dataset
from closedform.tables.names import variable_names

COMPARED = 1000  # names, with one that is not there: it takes long


@dataclass(frozen=True)
class _Choice:
    """Positions of the columns to read."""

    inputs: list[int]
    target: int | None
    weights: int | None
    sigma: int | None


@dataclass(frozen=True)
class _Named:
    """The columns that have a role, by name."""

    target: str | None
    drop: Sequence[str]
    weights: str | None
    sigma: str | None


def read_table(
    path: str | Path,
    *,
    target: str | None,
    drop: Sequence[str] = (),
    weights: str | None = None,
    sigma: str | None = None,
) -> Data:
    """Reads a CSV file (comma, semicolon or tab; a first line of column names), a Parquet file or a
    folder of Parquet files. The rows are in mapped temporary files (`chunks`), not in memory.

    Columns that are not used may hold anything; those that are must hold numbers in every row.

    Args:
        path: a file that begins as Parquet does is read as Parquet, any other as CSV in UTF-8.
        target: name of the column to explain; None where all columns are inputs.
        drop: names of columns to leave out.
        weights: name of a column of row weights.
        sigma: name of a column of the target's standard errors.

    Raises:
        InputError: the file cannot be read, is cut off or has no header; a name is not in it; a
            cell is not a finite number. The message is one line with the file's line number.
    """
    file = Path(path)
    named = _Named(target, drop, weights, sigma)
    try:
        if file.is_dir() and any(file.rglob("*.parquet")):
            return _read_parquet(file, named)
        if file.exists() and not (file.is_file() or file.is_dir()):
            raise InputError(f"{file}: is a device or a pipe; save what it says to a file first")
        with file.open("rb") as stream:
            magic = stream.read(4)
        if not magic:
            raise InputError(f"{file}: is empty; give a file with a header and rows")
        if magic == b"PAR1":
            return _read_parquet(file, named)
        return _read_csv(file, named)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}; check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: is neither UTF-8 text nor Parquet; convert it first") from error


def _choose(file: Path, labels: list[str], named: _Named) -> _Choice:
    known: set[str] = set()
    for label in labels:
        if label in known:
            raise InputError(f"{file}: two columns are called {label!r}; rename one")
        known.add(label)
    ours = (("target", named.target), ("weights", named.weights), ("sigma", named.sigma))
    wanted = [(role, label) for role, label in ours if label is not None]
    wanted[1:1] = [("drop", label) for label in named.drop]
    roles: dict[str, str] = {}
    for role, label in wanted:
        if label not in known:
            near = difflib.get_close_matches(label, labels[:COMPARED], n=3, cutoff=0.5)
            hint = "did you mean" if near else "it has" if len(labels) < 9 else "its first are"
            shown = ", ".join(map(repr, near or labels[:8]))
            raise InputError(f"{role}: no column {label!r} in {file}; {hint} {shown}")
        if roles.setdefault(label, role) != role:
            raise InputError(
                f"{role}: column {label!r} is already used as {roles[label]}; choose one"
            )
    inputs = [j for j, label in enumerate(labels) if label not in roles]
    if not inputs:
        raise InputError(f"{file}: no input columns are left; it needs at least one")
    at = [None if label is None else labels.index(label) for _, label in ours]
    return _Choice(inputs, *at)


def _read_csv(file: Path, named: _Named) -> Data:
    with file.open(newline="", encoding="utf-8-sig") as stream:
        header = stream.readline()
        stream.seek(0)
        reader = csv.reader(stream, delimiter=max(",;\t", key=header.count), strict=True)
        try:
            labels = [label.strip() for label in next(reader, [])]
            if not labels:
                raise InputError(f"{file}: has no first line of column names; add a header")
            _check_header(file, labels)
            choice = _choose(file, labels, named)
            parts = _csv_chunks(file, reader, labels, choice)
            data = decoded(parts, name=str(file), y_name=f"{file}: column {named.target!r}")
        except csv.Error as error:
            raise InputError(
                f"{file}: line {reader.line_num}: {error}; the file is cut off or badly quoted"
            ) from error
    own = tuple(labels[j] for j in choice.inputs)
    table = Matrix(data.inputs.values, variable_names(own), own)
    return _checked(replace(data, inputs=table), named)


def _csv_chunks(
    file: Path, reader: Iterator[list[str]], labels: list[str], choice: _Choice
) -> Iterator[Chunk]:
    apart = [choice.target, choice.weights, choice.sigma]
    used = [*choice.inputs, *(j for j in apart if j is not None)]
    names = [labels[j] for j in used]
    d = len(choice.inputs)
    rows = _full_rows(file, reader, len(labels))
    rounded: set[str] = set()
    while True:
        numbers = array("d")  # no list of Python objects in between
        for row in itertools.islice(rows, BATCH_ROWS):
            cells = [row[j] for j in used]
            line = reader.line_num  # type: ignore[attr-defined]
            numbers.extend(_numbers(file, line, cells, names, rounded))
        if not numbers:
            return
        values = np.frombuffer(numbers, dtype=np.float64).reshape(-1, len(used))
        others = iter(range(d, len(used)))
        yield Chunk(values[:, :d], *(None if j is None else values[:, next(others)] for j in apart))


def _check_header(file: Path, labels: list[str]) -> None:
    for j, label in enumerate(labels):
        if not label:
            raise InputError(f"{file}: column {j + 1} has no name in the first line; name it")
        if _is_number(label):
            raise InputError(
                f"{file}: the first line holds {label!r} instead of a column name; add a header"
            )


def _full_rows(file: Path, reader: Iterator[list[str]], width: int) -> Iterator[list[str]]:
    """The rows that are not blank, each checked to have as many fields as the header."""
    for row in reader:
        if len(row) == width:
            yield row
        elif row:
            line = reader.line_num  # type: ignore[attr-defined]
            counts = f"line {line} has {len(row)} fields, the header {width}"
            if len(row) < width and next(reader, None) is None:
                raise InputError(
                    f"{file}: is cut off: its last {counts}; complete or delete that line"
                )
            raise InputError(f"{file}: {counts}; correct that line")


def _numbers(
    file: Path, line: int, cells: list[str], labels: list[str], rounded: set[str]
) -> list[float]:
    """A row's numbers; adds to `rounded` the columns whose whole numbers lose digits."""
    try:
        values = list(map(float, cells))
        if (size := math.hypot(*values)) <= checks.EXACT_WHOLE:
            return values
        _check_digits(file, cells, values, labels, rounded)
        if math.isfinite(size):
            return values
    except ValueError:
        pass
    for cell, label in zip(cells, labels, strict=True):
        if not _is_number(cell):
            what = f"{checks.short(cell)} is not a number" if cell.strip() else "the cell is empty"
        elif not math.isfinite(float(cell)):
            what = f"{cell.strip()[:30]} is not a finite number"
        else:
            continue
        raise InputError(f"{file}: line {line}, column {label!r}: {what}; correct or drop it")
    return values  # finite each, only their size together overflows


def _check_digits(
    file: Path, cells: list[str], values: list[float], labels: list[str], rounded: set[str]
) -> None:
    for cell, value, label in zip(cells, values, labels, strict=True):
        if abs(value) <= checks.EXACT_WHOLE or label in rounded:
            continue
        text = cell.strip()
        # No more digits than float64 could ever need: `int` of them takes long.
        if len(text) < 20 and text.lstrip("+-").isdecimal() and int(text) != value:
            rounded.add(label)
            checks.warn_rounded(f"{file}: column {label!r}", int(text))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_parquet(file: Path, named: _Named) -> Data:
    source = dataset(file, name=str(file))
    labels = source.schema.names
    inputs = [labels[j] for j in _choose(file, labels, named).inputs]
    parts = of_dataset(
        source, named.target, named.weights, named.sigma, inputs=inputs, name=str(file)
    )
    data = decoded(parts, name=str(file), y_name=f"{file}: column {named.target!r}")
    return _checked(data, named)


def _checked(data: Data, named: _Named) -> Data:
    """The same, its weights and standard errors checked."""
    if data.sigma is not None:
        checks.positive(data.sigma, f"sigma: column {named.sigma!r}")
    if data.weights is None:
        return data
    name = f"weights: column {named.weights!r}"
    return replace(data, weights=checks.weights(data.weights, len(data.weights), name=name))
