"""Rows that need not fit into memory: mapped arrays, Arrow data sets, iterators of chunks.

A mapped array that C++ can read where it lies stays where it is. Everything else is decoded once,
chunk by chunk, into a temporary file without a name, which is mapped and which the system removes
with its last user: below this module there are only arrays.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from closedform._choices import Missing
from closedform._typing import Floats
from closedform.errors import InputError
from closedform.tables import checks, scalars
from closedform.tables.checks import Matrix
from closedform.tables.csv_files import csv_chunks
from closedform.tables.frames import frame_of
from closedform.tables.roles import BATCH_ROWS, Chunk, Roles
from closedform.tables.rows import row_blocks
from closedform.tables.spool import Spool, map_of, only

_log = logging.getLogger("closedform")


@dataclass(frozen=True)
class Data:
    """Checked rows to work on.

    Attributes:
        inputs: (n, d).
        y: (n,) float64, or None where there is no target.
        weights: (n,) float64, or None.
        sigma: (n,) float64, or None.
        kept: (n,) row numbers in what was given; None for all of them.
        dropped: how many rows were left out.
    """

    inputs: Matrix
    y: Floats | None
    weights: Floats | None
    sigma: Floats | None = None
    kept: npt.NDArray[np.intp] | None = None
    dropped: int = 0

    @property
    def target(self) -> Floats:
        """y, where there has to be one.

        Raises:
            InputError: there is none.
        """
        if self.y is None:
            raise InputError("y: not given; give one number per row, or a data set's column")
        return self.y


def gather(
    X: object,
    y: object = None,
    weights: object = None,
    sigma: object = None,
    *,
    y_name: str = "y",
    min_rows: int = 2,
    missing: Missing = "error",
) -> Data:
    """Checks inputs, target, weights and standard errors of any kind.

    Args:
        X: (n, d) array (in memory or mapped), sequence or table; or, decoded once into a temporary
            file, the path of a CSV or Parquet file or of a folder of Parquet files, a pyarrow
            Dataset, or an iterator of chunks, each a table, an array, (array, y) or
            (array, y, weights).
        y, weights, sigma: (n,) each; the name of a column where X has named columns, which is then
            no input; None for none, or for those that come with the chunks.
        y_name: what messages call y.
        min_rows: the fewest rows accepted.
        missing: "error" refuses rows with a missing value (NaN, null, an empty cell); "drop" leaves
            them out, and the logger "closedform" says how many.

    Raises:
        InputError: as `checks.matrix`, `vector` and `weights`; chunks that do not go together, a
            file that cannot be read, no room for the temporary file.
    """
    scalars.choice(missing, "missing", get_args(Missing))
    lenient = missing == "drop"
    roles = Roles.named(y, weights, sigma, y_name)
    chunks = _chunks(X, roles, missing)
    if chunks is None and roles.labels():
        whole = _split(X, roles)
        found = Data(checks.matrix(whole.X, min_rows=min_rows, allow_nan=lenient), None, None)
        y, weights, sigma = (
            own if isinstance(given, str) else given
            for given, own in ((y, whole.y), (weights, whole.weights), (sigma, whole.sigma))
        )
    elif chunks is None:
        found = Data(checks.matrix(X, min_rows=min_rows, allow_nan=lenient), None, None)
    else:
        found = decoded(chunks, y_name=y_name, min_rows=min_rows, allow_nan=lenient)
    n = len(found.inputs.values)
    columns = []
    for name, value, with_chunks in (
        (y_name, y, found.y),
        ("weights", weights, found.weights),
        ("sigma", sigma, found.sigma),
    ):
        if value is None or isinstance(value, str):
            columns.append(with_chunks)
        elif with_chunks is None:
            columns.append(_vector(value, n, name, lenient))
        else:
            raise InputError(f"{name}: comes with the chunks of X, too; give it once")
    target, row_weights, errors = columns
    given = Data(found.inputs, target, row_weights, errors)
    found = complete(given, missing, min_rows=min_rows)
    target, row_weights, errors = found.y, found.weights, found.sigma
    if row_weights is not None:
        row_weights = checks.weights(row_weights, len(row_weights))
    if errors is not None:
        checks.positive(errors, "sigma")
    checks.sizes(found.inputs.values, "X", found.inputs.names)
    checks.missing_marks(found.inputs.values, "X", found.inputs.names)
    for name, column in ((y_name, target), ("weights", row_weights), ("sigma", errors)):
        if column is not None:
            checks.sizes(column, name)
    return replace(found, weights=row_weights)


def complete(data: Data, missing: Missing, *, name: str = "X", min_rows: int = 2) -> Data:
    """The rows without a missing value, where they are to be dropped.

    Raises:
        InputError: too few are left.
    """
    if missing == "error":
        return data
    X = data.inputs.values
    columns = [column for column in (data.y, data.weights, data.sigma) if column is not None]
    whole = np.ones(len(X), dtype=bool)
    for first, block in row_blocks(X):
        part = slice(first, first + len(block))
        whole[part] = ~np.isnan(block).any(axis=1)
        for column in columns:
            whole[part] &= ~np.isnan(column[part])
    lost = len(X) - int(whole.sum())
    if lost == 0:
        return data
    _log.warning("%s: %s of %s rows dropped: they have missing values", name, lost, len(X))
    checks.check_rows(len(X) - lost, min_rows, name)
    y, weights, sigma = (
        None if column is None else only(column, whole)
        for column in (data.y, data.weights, data.sigma)
    )
    inputs = replace(data.inputs, values=only(X, whole))
    return Data(inputs, y, weights, sigma, np.flatnonzero(whole), lost)


def decoded(
    chunks: Iterable[Chunk],
    *,
    name: str = "X",
    y_name: str = "y",
    min_rows: int = 2,
    allow_nan: bool = False,
) -> Data:
    """Chunks one after another, mapped from temporary files.

    float32 where all of them are, else float64. allow_nan lets missing values through.

    Raises:
        InputError: as `gather`.
    """
    names: tuple[str, ...] = ()
    own: tuple[str, ...] | None = None
    spools: dict[str, Spool] = {}
    n = 0
    for number, chunk in enumerate(chunks, 1):
        if hasattr(chunk.X, "__len__") and len(chunk.X) == 0:
            continue
        part = checks.matrix(chunk.X, name=name, min_rows=1, first=n, allow_nan=allow_nan)
        arrays: dict[str, npt.NDArray[Any]] = {name: part.values}
        roles = ((y_name, chunk.y), ("weights", chunk.weights), ("sigma", chunk.sigma))
        for label, value in roles:
            if value is not None:
                rows = len(part.values)
                arrays[label] = checks.vector(value, rows, name=label, first=n, allow_nan=allow_nan)
        if not spools:
            names, own = part.names, part.labels
            spools = {label: Spool(array) for label, array in arrays.items()}
        if (part.names, part.labels) != (names, own) or arrays.keys() != spools.keys():
            raise InputError(
                f"{name}: chunk {number} has other columns ({_listed(part.names, arrays)}) than "
                f"those before it ({_listed(names, spools)}); give all the same"
            )
        for label, array in arrays.items():
            spools[label].add(array, label)
        n += len(part.values)
    checks.check_rows(n, min_rows, name)
    mapped: dict[str, Any] = {label: spool.mapped() for label, spool in spools.items()}
    target, weights, sigma = (mapped.get(role) for role in (y_name, "weights", "sigma"))
    return Data(Matrix(mapped[name], names, own), target, weights, sigma)


def dataset(path: str | os.PathLike[str], *, name: str = "X") -> Any:
    """The pyarrow Dataset of a Parquet file or of a folder of them, its `key=value` parts columns.

    Raises:
        InputError: pyarrow is not installed, or there is nothing that can be read.
    """
    try:
        import pyarrow
        import pyarrow.dataset
    except ImportError as error:
        raise InputError(
            f"{name}: {path}: Parquet needs pyarrow; pip install 'closedform[tables]'"
        ) from error
    file = Path(path)
    if file.is_dir() and not any(file.rglob("*.parquet")):
        raise InputError(f"{name}: {path}: holds no .parquet files; check the path")
    try:
        # A folder's `key=value` parts are columns; what leads to it, or to one file, is not.
        parts = "hive" if file.is_dir() else None
        return pyarrow.dataset.dataset(path, format="parquet", partitioning=parts)
    except FileNotFoundError as error:
        raise InputError(f"{name}: {path}: No such file or directory; check the path") from error
    except (pyarrow.ArrowException, OSError) as error:
        raise _unreadable(str(path), error) from error


def of_dataset(
    source: Any,
    roles: Roles,
    *,
    name: str = "X",
    source_name: str = "X",
) -> Iterator[Chunk]:
    """The rows of a pyarrow Dataset.

    Args:
        source_name: what messages about its columns call it.

    Raises:
        InputError: a name it does not have, a file that cannot be read, no room for all rows.
    """
    import pyarrow
    import pyarrow.dataset

    labels = source.schema.names
    inputs = [labels[j] for j in roles.choose(labels, source_name).inputs]
    y, weights, sigma = roles.y, roles.weights, roles.sigma
    apart = [label for label in (y, weights, sigma) if label is not None]
    options: dict[str, Any] = {}
    if getattr(source, "format", None) == pyarrow.dataset.ParquetFileFormat():
        # Else whole row groups are read ahead.
        scan = pyarrow.dataset.ParquetFragmentScanOptions(pre_buffer=False)
        options = {"fragment_scan_options": scan}
    columns = [*inputs, *apart]
    try:
        _check_room(source.count_rows() * len(columns) * 8, name)
        for batch in source.to_batches(
            columns=columns,
            batch_size=BATCH_ROWS,
            batch_readahead=1,
            fragment_readahead=1,
            use_threads=False,  # else row groups pile up while we write; the disk is slower anyway
            **options,
        ):
            yield Chunk(
                batch.select(inputs),
                None if y is None else batch.column(y),
                None if weights is None else batch.column(weights),
                None if sigma is None else batch.column(sigma),
            )
    except (pyarrow.ArrowException, OSError) as error:
        raise _unreadable(name, error) from error
    finally:
        pyarrow.default_memory_pool().release_unused()


def of_file(file: Path, roles: Roles, missing: Missing, *, name: str = "X") -> Iterator[Chunk]:
    """The rows of a CSV or Parquet file, or of a folder of Parquet files.

    Raises:
        InputError: there is no such file, or it cannot be used.
    """
    where = name if name == str(file) else f"{name}: {file}"
    try:
        if file.is_dir():
            if not any(file.rglob("*.parquet")):
                raise InputError(f"{where}: holds no .parquet files; check the path")
            kind = b"PAR1"
        elif file.exists() and not file.is_file():
            raise InputError(f"{where}: is a device or a pipe; save what it says to a file first")
        else:
            with file.open("rb") as stream:
                kind = stream.read(4)
        if not kind:
            raise InputError(f"{where}: is empty; give a file with a header and rows")
        if kind != b"PAR1":
            yield from csv_chunks(file, roles, where, allow_missing=missing == "drop")
            return
    except OSError as error:
        raise InputError(f"{where}: {error.strerror or error}; check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: is neither UTF-8 text nor Parquet; convert it first") from error
    yield from of_dataset(dataset(file, name=name), roles, name=name, source_name=name)


def is_chunked(X: object) -> bool:
    """Whether X is no array or table yet: a data set, the path of one, or an iterator of chunks."""
    return isinstance(X, Iterator) or _is_dataset(X) or _is_path(X)


def _chunks(X: object, roles: Roles, missing: Missing) -> Iterator[Chunk] | None:
    """The chunks of what has to be decoded; None for arrays and tables as they are."""
    if _is_path(X):
        return of_file(scalars.path(X, "X"), roles, missing)
    if _is_dataset(X):
        return of_dataset(X, roles)
    if isinstance(X, Iterator):
        return (_split(chunk, roles) for chunk in X)
    if _has_to_be_converted(X, 2):
        whole: npt.NDArray[Any] = np.asarray(X)
        return (Chunk(whole[i : i + BATCH_ROWS]) for i in range(0, len(whole), BATCH_ROWS))
    return None


def _split(table: Any, roles: Roles) -> Chunk:
    """A table or a chunk of an iterator, its target, weights and standard errors apart."""
    frame = frame_of(table)
    labels = roles.labels()
    if frame is not None:
        inputs = [frame.columns[j] for j in roles.choose(frame.columns, "X").inputs]
        apart = (
            None if label is None else frame.get_column(label)
            for label in (roles.y, roles.weights, roles.sigma)
        )
        return Chunk(frame.select(inputs), *apart)
    for role, label in labels.items():
        raise InputError(
            f"{role}: {label!r} is a column's name, but X has none; give a table, or one number "
            "per row"
        )
    if not isinstance(table, tuple):
        return Chunk(table)
    if len(table) not in (2, 3):
        raise InputError(
            f"X: a chunk is a tuple of {len(table)}; give (X, y) or (X, y, weights), or tables"
        )
    return Chunk(*table)


def _vector(value: object, rows: int, name: str, allow_nan: bool) -> Floats:
    """`checks.vector`, by way of a temporary file for a mapped array that has to be converted."""
    if not _has_to_be_converted(value, 1):
        return checks.vector(value, rows, name=name, allow_nan=allow_nan)
    given: npt.NDArray[Any] = np.asarray(value)
    if given.shape != (rows,):
        raise InputError(f"{name}: has shape {given.shape} for {rows} rows; give one number a row")
    spool = None
    for first in range(0, rows, BATCH_ROWS):
        part = given[first : first + BATCH_ROWS]
        block = checks.vector(part, len(part), name=name, first=first, allow_nan=allow_nan)
        spool = spool or Spool(block)
        spool.add(block, name)
    assert spool is not None
    mapped: Floats = spool.mapped()
    return mapped


def _has_to_be_converted(value: object, dimensions: int) -> bool:
    """Whether it is a mapped array that cannot be read where it lies."""
    if map_of(value) is None:
        return False
    array = np.asarray(value)
    kinds: tuple[type, ...] = (np.float64, np.float32) if dimensions == 2 else (np.float64,)
    flags = array.flags
    plain = array.dtype in [np.dtype(kind) for kind in kinds] and flags.c_contiguous
    return array.ndim == dimensions and not (plain and flags.aligned)


def _is_path(X: object) -> bool:
    return isinstance(X, (str, os.PathLike))


def _is_dataset(X: object) -> bool:
    return hasattr(X, "to_batches") and hasattr(X, "count_rows")  # pyarrow.dataset.Dataset


def _check_room(size: int, name: str) -> None:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if size > free:
        raise InputError(
            f"{name}: its decoded rows need {size / 1e9:.1f} GB in {folder}, which has "
            f"{free / 1e9:.1f} GB; set TMPDIR to a folder on a larger disk"
        )


def _unreadable(name: str, error: Exception) -> InputError:
    reason = str(error).splitlines()[0]
    return InputError(f"{name}: cannot be read as Parquet ({reason}); write it again")


def _listed(names: tuple[str, ...], parts: Iterable[str]) -> str:
    more = ["..."] if len(names) > 8 else []
    return ", ".join([*names[:8], *more, *list(parts)[1:]])
