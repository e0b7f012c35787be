"""Rows that need not fit into memory: mapped arrays, Arrow data sets, iterators of chunks.

A mapped array that C++ can read where it lies stays where it is. Everything else is decoded once,
chunk by chunk, into a temporary file without a name, which is mapped and which the system removes
with its last user: below this module there are only arrays.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from closedform._typing import Floats
from closedform.errors import InputError
from closedform.tables import checks
from closedform.tables.checks import Matrix
from closedform.tables.frames import frame_of
from closedform.tables.spool import Spool, map_of

BATCH_ROWS = 1 << 16  # of a data set, and of a mapped array that has to be converted


@dataclass(frozen=True)
class Data:
    """Checked rows to work on.

    Attributes:
        inputs: (n, d).
        y: (n,) float64, or None where there is no target.
        weights: (n,) float64, or None.
        sigma: (n,) float64, or None.
    """

    inputs: Matrix
    y: Floats | None
    weights: Floats | None
    sigma: Floats | None = None

    @property
    def target(self) -> Floats:
        """y, where there has to be one.

        Raises:
            InputError: there is none.
        """
        if self.y is None:
            raise InputError("y: not given; give one number per row, or a data set's column")
        return self.y


@dataclass(frozen=True)
class Chunk:
    """Some rows as they were given: a table or array, and one value a row or nothing."""

    X: object
    y: object = None
    weights: object = None
    sigma: object = None


@dataclass(frozen=True)
class _Roles:
    """Labels of the columns that are no inputs; None for those that are none of the table's."""

    y: str | None
    weights: str | None
    sigma: str | None
    y_name: str

    @staticmethod
    def named(y: object, weights: object, sigma: object, y_name: str) -> _Roles:
        own = [value if isinstance(value, str) else None for value in (y, weights, sigma)]
        return _Roles(own[0], own[1], own[2], y_name)

    def labels(self) -> dict[str, str]:
        """By what messages call them."""
        every = {self.y_name: self.y, "weights": self.weights, "sigma": self.sigma}
        return {role: label for role, label in every.items() if label is not None}

    def check(self, known: Iterable[object]) -> None:
        """Refuses labels that a table does not have."""
        known = list(known)
        for role, label in self.labels().items():
            if label not in known:
                raise _no_column(role, label, known)


def gather(
    X: object,
    y: object = None,
    weights: object = None,
    sigma: object = None,
    *,
    y_name: str = "y",
    min_rows: int = 2,
) -> Data:
    """Checks inputs, target, weights and standard errors of any kind.

    Args:
        X: (n, d) array (in memory or mapped), sequence or table; or, decoded once into a temporary
            file, the path of a .parquet file or of a folder of them, a pyarrow Dataset, or an
            iterator of chunks, each a table, an array, (array, y) or (array, y, weights).
        y, weights, sigma: (n,) each; the name of a column where X has named columns, which is then
            no input; None for none, or for those that come with the chunks.
        y_name: what messages call y.
        min_rows: the fewest rows accepted.

    Raises:
        InputError: as `checks.matrix`, `vector` and `weights`; chunks that do not go together, a
            file that cannot be read, no room for the temporary file.
    """
    roles = _Roles.named(y, weights, sigma, y_name)
    chunks = _chunks(X, roles)
    if chunks is None and roles.labels():
        whole = _split(X, roles)
        found = Data(checks.matrix(whole.X, min_rows=min_rows), None, None)
        y, weights, sigma = (
            own if isinstance(given, str) else given
            for given, own in ((y, whole.y), (weights, whole.weights), (sigma, whole.sigma))
        )
    elif chunks is None:
        found = Data(checks.matrix(X, min_rows=min_rows), None, None)
    else:
        found = decoded(chunks, y_name=y_name, min_rows=min_rows)
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
            columns.append(_vector(value, n, name))
        else:
            raise InputError(f"{name}: comes with the chunks of X, too; give it once")
    target, row_weights, errors = columns
    if row_weights is not None:
        row_weights = checks.weights(row_weights, n)
    if errors is not None:
        checks.positive(errors, "sigma")
    checks.sizes(found.inputs.values, "X", found.inputs.names)
    checks.missing_marks(found.inputs.values, "X", found.inputs.names)
    for name, column in ((y_name, target), ("weights", row_weights), ("sigma", errors)):
        if column is not None:
            checks.sizes(column, name)
    return Data(found.inputs, target, row_weights, errors)


def decoded(
    chunks: Iterable[Chunk], *, name: str = "X", y_name: str = "y", min_rows: int = 2
) -> Data:
    """Chunks one after another, mapped from temporary files.

    float32 where all of them are, else float64.

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
        part = checks.matrix(chunk.X, name=name, min_rows=1, first=n)
        arrays: dict[str, npt.NDArray[Any]] = {name: part.values}
        roles = ((y_name, chunk.y), ("weights", chunk.weights), ("sigma", chunk.sigma))
        for label, value in roles:
            if value is not None:
                arrays[label] = checks.vector(value, len(part.values), name=label, first=n)
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
    y: str | None = None,
    weights: str | None = None,
    sigma: str | None = None,
    *,
    inputs: list[str] | None = None,
    name: str = "X",
) -> Iterator[Chunk]:
    """The rows of a pyarrow Dataset.

    Args:
        y, weights, sigma: names of columns.
        inputs: the other columns to read; None for all of them.

    Raises:
        InputError: a name it does not have, a file that cannot be read, no room for all rows.
    """
    import pyarrow
    import pyarrow.dataset

    roles = [label for label in (y, weights, sigma) if label is not None]
    if inputs is None:
        inputs = [label for label in source.schema.names if label not in roles]
    options: dict[str, Any] = {}
    if getattr(source, "format", None) == pyarrow.dataset.ParquetFileFormat():
        # Else whole row groups are read ahead.
        scan = pyarrow.dataset.ParquetFragmentScanOptions(pre_buffer=False)
        options = {"fragment_scan_options": scan}
    columns = [*inputs, *roles]
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


def is_chunked(X: object) -> bool:
    """Whether X is no array or table yet: a data set, the path of one, or an iterator of chunks."""
    return isinstance(X, Iterator) or _is_dataset(X) or _is_path(X)


def _chunks(X: object, roles: _Roles) -> Iterator[Chunk] | None:
    """The chunks of what has to be decoded; None for arrays and tables as they are."""
    if _is_path(X) or _is_dataset(X):
        source: Any = dataset(X) if isinstance(X, (str, os.PathLike)) else X
        roles.check(source.schema.names)
        return of_dataset(source, roles.y, roles.weights, roles.sigma)
    if isinstance(X, Iterator):
        return (_split(chunk, roles) for chunk in X)
    if _has_to_be_converted(X, 2):
        whole: npt.NDArray[Any] = np.asarray(X)
        return (Chunk(whole[i : i + BATCH_ROWS]) for i in range(0, len(whole), BATCH_ROWS))
    return None


def _split(table: Any, roles: _Roles) -> Chunk:
    """A table or a chunk of an iterator, its target, weights and standard errors apart."""
    frame = frame_of(table)
    labels = roles.labels()
    if frame is not None:
        roles.check(frame.columns)
        inputs = [label for label in frame.columns if label not in labels.values()]
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


def _vector(value: object, rows: int, name: str) -> Floats:
    """`checks.vector`, by way of a temporary file for a mapped array that has to be converted."""
    if not _has_to_be_converted(value, 1):
        return checks.vector(value, rows, name=name)
    given: npt.NDArray[Any] = np.asarray(value)
    if given.shape != (rows,):
        raise InputError(f"{name}: has shape {given.shape} for {rows} rows; give one number a row")
    spool = None
    for first in range(0, rows, BATCH_ROWS):
        part = given[first : first + BATCH_ROWS]
        block = checks.vector(part, len(part), name=name, first=first)
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
    if not isinstance(X, (str, os.PathLike)):
        return False
    return Path(X).suffix == ".parquet" or Path(X).is_dir()


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


def _no_column(role: str, label: str, labels: Iterable[object]) -> InputError:
    shown = ", ".join(map(repr, list(labels)[:8]))
    return InputError(f"{role}: no column {label!r} in X; its first are {shown}")


def _unreadable(name: str, error: Exception) -> InputError:
    reason = str(error).splitlines()[0]
    return InputError(f"{name}: cannot be read as Parquet ({reason}); write it again")


def _listed(names: tuple[str, ...], parts: Iterable[str]) -> str:
    more = ["..."] if len(names) > 8 else []
    return ", ".join([*names[:8], *more, *list(parts)[1:]])
