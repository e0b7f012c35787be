"""CSV files, a chunk of rows at a time: by the standard library, so that messages know the line."""

from __future__ import annotations

import csv
import itertools
import logging
import math
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from closedform.errors import InputError
from closedform.tables import checks
from closedform.tables.checks import Matrix
from closedform.tables.names import variable_names
from closedform.tables.roles import BATCH_ROWS, Choice, Chunk, Roles

DELIMITERS = ",;\t|"
LOOKED_AT = 100  # lines
MISSING = frozenset(("", "na", "n/a", "nan", "null", "none"))  # texts, in any case
_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")

_log = logging.getLogger("closedform")


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    Attributes:
        delimiter: between cells.
        decimal: in numbers, "." or ",".
    """

    delimiter: str
    decimal: str


def dialect_of(stream: IO[str]) -> Dialect:
    """How a CSV file is written, by its first lines; the stream is at its beginning again.

    The delimiter is the one that the header has most of. The decimal mark is a comma where cells
    are numbers with one and none has a point; with commas between cells it is a point.
    """
    first = list(itertools.islice(stream, LOOKED_AT))
    stream.seek(0)
    header = first[0] if first else ""
    delimiter = max(DELIMITERS, key=header.count)
    if delimiter == ",":
        return Dialect(delimiter, ".")
    cells = [cell.strip().strip('"') for line in first[1:] for cell in line.split(delimiter)]
    commas = any(map(_COMMA.fullmatch, cells)) and not any(map(_POINT.fullmatch, cells))
    return Dialect(delimiter, "," if commas else ".")


def csv_chunks(
    file: Path, roles: Roles, where: str, *, allow_missing: bool = False
) -> Iterator[Chunk]:
    """The rows of a CSV file in UTF-8 with a first line of column names.

    Columns that have no role and are dropped may hold anything; the others must hold numbers.

    Args:
        where: what messages call the file.
        allow_missing: empty cells, and NA, NaN, null and the like, are NaN.

    Raises:
        InputError: the file is cut off or has no header; a name is not in it; a cell is not a
            finite number. The message is one line with the file's line number.
        OSError, UnicodeDecodeError: it cannot be read, or is no text.
    """
    with file.open(newline="", encoding="utf-8-sig") as stream:
        dialect = dialect_of(stream)
        reader = csv.reader(stream, delimiter=dialect.delimiter, strict=True)
        try:
            labels = [label.strip() for label in next(reader, [])]
            if not labels:
                raise InputError(f"{where}: has no first line of column names; add a header")
            _check_header(where, labels)
            choice = roles.choose(labels, where)
            # What changes numbers is said to everybody.
            level = logging.WARNING if dialect.decimal == "," else logging.INFO
            _log.log(level, "%s: delimiter %r, decimal %r", where, *vars(dialect).values())
            yield from _chunks(where, reader, labels, choice, dialect, allow_missing)
        except csv.Error as error:
            raise InputError(
                f"{where}: line {reader.line_num}: {error}; the file is cut off or badly quoted"
            ) from error


def texts_of(file: Path, column: str, where: str) -> list[str]:
    """A column as it is written, of a file that `csv_chunks` has read.

    Raises:
        InputError: there is no such column, or an empty cell; the line is named.
    """
    with file.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.reader(stream, delimiter=dialect_of(stream).delimiter, strict=True)
        labels = [label.strip() for label in next(reader, [])]
        if column not in labels:
            raise InputError(f"groups: no column {column!r} in {where}; it has {', '.join(labels)}")
        at = labels.index(column)
        texts = []
        for row in _full_rows(where, reader, len(labels)):
            texts.append(row[at].strip())
            if not texts[-1]:
                raise InputError(
                    f"{where}: line {reader.line_num}, column {column!r}: the cell is empty; name "
                    "the group or drop the line"
                )
    return texts


def _chunks(
    where: str,
    reader: Iterator[list[str]],
    labels: list[str],
    choice: Choice,
    dialect: Dialect,
    allow_missing: bool,
) -> Iterator[Chunk]:
    apart = [choice.y, choice.weights, choice.sigma]
    used = [*choice.inputs, *(j for j in apart if j is not None)]
    names = [labels[j] for j in used]
    own = tuple(names[: len(choice.inputs)])
    inputs = variable_names(own)
    d = len(own)
    rows = _full_rows(where, reader, len(labels))
    rounded: set[str] = set()
    while True:
        numbers = array("d")  # no list of Python objects in between
        for row in itertools.islice(rows, BATCH_ROWS):
            cells = [row[j] for j in used]
            if dialect.decimal == ",":
                cells = [cell.replace(",", ".") for cell in cells]
            if allow_missing:
                cells = ["nan" if c.strip().lower() in MISSING else c for c in cells]
            line = reader.line_num  # type: ignore[attr-defined]
            numbers.extend(_numbers(where, line, cells, names, rounded, allow_missing))
        if not numbers:
            return
        values = np.frombuffer(numbers, dtype=np.float64).reshape(-1, len(used))
        others = iter(range(d, len(used)))
        table = Matrix(np.ascontiguousarray(values[:, :d]), inputs, own)
        yield Chunk(table, *(None if j is None else values[:, next(others)] for j in apart))


def _check_header(where: str, labels: list[str]) -> None:
    for j, label in enumerate(labels):
        if not label:
            raise InputError(f"{where}: column {j + 1} has no name in the first line; name it")
        if _is_number(label):
            raise InputError(
                f"{where}: the first line holds {label!r} instead of a column name; add a header"
            )


def _full_rows(where: str, reader: Iterator[list[str]], width: int) -> Iterator[list[str]]:
    """The rows that are not blank, each checked to have as many fields as the header."""
    for row in reader:
        if len(row) == width:
            yield row
        elif row:
            line = reader.line_num  # type: ignore[attr-defined]
            counts = f"line {line} has {len(row)} fields, the header {width}"
            if len(row) < width and next(reader, None) is None:
                raise InputError(
                    f"{where}: is cut off: its last {counts}; complete or delete that line"
                )
            raise InputError(f"{where}: {counts}; correct that line")


def _numbers(
    where: str,
    line: int,
    cells: list[str],
    labels: list[str],
    rounded: set[str],
    allow_missing: bool,
) -> list[float]:
    """A row's numbers, NaN for missing ones; adds to `rounded` the columns whose whole numbers lose
    digits."""
    try:
        values = list(map(float, cells))
        if (size := math.hypot(*values)) <= checks.EXACT_WHOLE:
            return values
        _check_digits(where, cells, values, labels, rounded)
        if math.isfinite(size) or (allow_missing and not any(map(math.isinf, values))):
            return values
    except ValueError:
        pass
    for cell, label in zip(cells, labels, strict=True):
        if not _is_number(cell):
            what = f"{checks.short(cell)} is not a number" if cell.strip() else "the cell is empty"
        elif not math.isfinite(float(cell)) and not (allow_missing and math.isnan(float(cell))):
            what = f"{cell.strip()[:30]} is not a finite number"
        else:
            continue
        raise InputError(f"{where}: line {line}, column {label!r}: {what}; correct or drop it")
    return values  # finite each, only their size together overflows


def _check_digits(
    where: str, cells: list[str], values: list[float], labels: list[str], rounded: set[str]
) -> None:
    for cell, value, label in zip(cells, values, labels, strict=True):
        if abs(value) <= checks.EXACT_WHOLE or label in rounded:
            continue
        text = cell.strip()
        # No more digits than float64 could ever need: `int` of them takes long.
        if len(text) < 20 and text.lstrip("+-").isdecimal() and int(text) != value:
            rounded.add(label)
            checks.warn_rounded(f"{where}: column {label!r}", int(text))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
