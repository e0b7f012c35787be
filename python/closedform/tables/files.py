"""Tables of files: CSV or Parquet, whichever a file begins as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from closedform._choices import Missing
from closedform.errors import InputError
from closedform.tables import checks, chunks
from closedform.tables.chunks import Data
from closedform.tables.csv_files import texts_of
from closedform.tables.groups import Groups
from closedform.tables.roles import Roles


def read_table(
    path: str | Path,
    *,
    target: str | None,
    drop: Sequence[str] = (),
    weights: str | None = None,
    sigma: str | None = None,
    missing: Missing = "error",
) -> Data:
    """Reads a CSV file (comma, semicolon, tab or bar; decimal point or comma; a first line of
    column names), a Parquet file or a folder of Parquet files. The rows are in mapped temporary
    files (`chunks`), not in memory.

    Columns that are not used may hold anything; those that are must hold numbers in every row.

    Args:
        path: a file that begins as Parquet does is read as Parquet, any other as CSV in UTF-8.
        target: name of the column to explain; None where all columns are inputs.
        drop: names of columns to leave out.
        weights: name of a column of row weights.
        sigma: name of a column of the target's standard errors.
        missing: as in `chunks.gather`.

    Raises:
        InputError: the file cannot be read, is cut off or has no header; a name is not in it; a
            cell is not a finite number. The message is one line with the file's line number.
    """
    roles = Roles(target, weights, sigma, "target", drop)
    name = str(path)
    data = chunks.decoded(
        chunks.of_file(Path(path), roles, missing, name=name),
        name=name,
        y_name=f"{name}: column {target!r}",
        allow_nan=missing == "drop",
    )
    data = chunks.complete(data, missing, name=name)
    if data.sigma is not None:
        checks.positive(data.sigma, f"sigma: column {sigma!r}")
    if data.weights is None:
        return data
    own = checks.weights(data.weights, len(data.weights), name=f"weights: column {weights!r}")
    return replace(data, weights=own)


def _first(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(4)


def read_groups(path: str | Path, column: str) -> Groups:
    """The groups that a column of names tells apart, of a file as `read_table` takes it.

    Raises:
        InputError: there is no such column, or a row without a name.
    """
    file = Path(path)
    if file.is_dir() or _first(file) == b"PAR1":
        table = chunks.dataset(path, name=str(path))
        if column not in table.schema.names:
            raise InputError(f"groups: no column {column!r} in {path}")
        names = table.to_table(columns=[column]).column(column).to_pylist()
    else:
        names = texts_of(file, column, str(path))
    return replace(Groups.read(None, names)[1], name=column)
