"""Checks of what users pass in: every public function takes its arrays and tables through here.

Anything wrong raises `InputError`, whose one-line message names the argument, the first offending
row and column (rows count from 0, as they do in numpy) and the way out.
"""

from __future__ import annotations

import keyword
import math
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
FloatMatrix: TypeAlias = npt.NDArray[np.float64] | npt.NDArray[np.float32]

# What a formula's text already means something else by: operators, constants, Python's keywords.
RESERVED_NAMES = frozenset(
    "sin cos tan asin acos atan sinh cosh tanh exp log ln sqrt square cube abs pow inv min max "
    "pi inf nan".split()
) | frozenset(keyword.kwlist)

_BLOCK_BYTES = 1 << 20  # finiteness is checked block by block: no temporary of the data's size


class InputError(ValueError):
    """An argument that cannot be used. The message is one line."""


@dataclass(frozen=True)
class Matrix:
    """A checked table of numbers.

    Attributes:
        values: (n, d) C-contiguous float64 or float32.
        names: d distinct names, each usable as a variable in a formula.
    """

    values: FloatMatrix
    names: tuple[str, ...]


def matrix(
    X: object, *, name: str = "X", min_rows: int = 2, allow_nan: bool = False, first: int = 0
) -> Matrix:
    """Checks a table of inputs and gives its values and variable names.

    A C-contiguous float64 or float32 array is used as it is, without a copy. Other floats,
    integers and booleans become float64. The columns of pandas, polars and Arrow tables give the
    names (see `variable_names`); those of an array are called x1, x2, and so on.

    Args:
        X: (n, d) array, nested sequence of numbers, or pandas, polars or Arrow table; a `Matrix`
            is taken as checked.
        name: what messages call the argument.
        min_rows: the fewest rows accepted.
        allow_nan: lets NaN (missing values) through; infinities never pass.
        first: number of the first row, in messages about a part of a table.

    Raises:
        InputError: wrong shape or kind of data, too few rows, NaN or infinite values.
    """
    if isinstance(X, Matrix):
        check_rows(len(X.values), min_rows, name)
        return X
    columns = table_columns(X, name)
    if columns is None:
        values = _floats(_as_array(X, name), name, first)
        if values.ndim != 2:
            hint = "; Reshape your data: X.reshape(-1, 1) is one input" if values.ndim == 1 else ""
            raise InputError(f"{name}: must be 2-D (rows, columns), has shape {values.shape}{hint}")
        labels = tuple(f"x{j + 1}" for j in range(values.shape[1]))
    else:
        labels = variable_names(label for label, _ in columns)
        values = _stacked(columns, name, first)
    if values.shape[1] == 0:
        raise InputError(
            f"{name}: no columns: 0 feature(s) (shape={values.shape}) while a minimum of 1 is "
            "required; give at least one"
        )
    check_rows(len(values), min_rows, name)
    _check_finite(values, name, labels, allow_nan, first)
    return Matrix(values, labels)


def vector(y: object, rows: int, *, name: str = "y", first: int = 0) -> Floats:
    """Checks one number per row and gives it as (rows,) float64.

    Args:
        y: (rows,) or (rows, 1) array, sequence, series or one-column table of real numbers.
        rows: how many rows the table it belongs to has.
        name: what messages call the argument.
        first: number of the first row, in messages about a part of a table.

    Raises:
        InputError: wrong length, shape or kind of data, NaN or infinite values.
    """
    columns = table_columns(y, name)
    if columns is not None and len(columns) == 1:
        values = _floats(columns[0][1], name, first)
    elif columns is not None:
        raise InputError(f"{name}: has {len(columns)} columns; give one column")
    else:
        values = _floats(_as_array(_series_values(y), name), name, first)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise InputError(f"{name}: must be 1-D, one number per row, has shape {values.shape}")
    if len(values) != rows:
        raise InputError(f"{name}: has {len(values)} values for {rows} rows; give one per row")
    checked = np.ascontiguousarray(values, dtype=np.float64)
    _check_finite(checked[:, None], name, None, False, first)
    return checked


def weights(w: object, rows: int, *, name: str = "weights") -> Floats:
    """Checks row weights: finite, none negative, not all zero; (rows,) float64.

    Raises:
        InputError: as `vector`, and for negative weights or nothing but zeros.
    """
    values = vector(w, rows, name=name)
    if values.min() < 0:
        row = next(i + int(np.argmax(block < 0)) for i, block in blocks(values) if block.min() < 0)
        raise InputError(f"{name}: row {row} is {values[row]:g}; weights must not be negative")
    if not values.max() > 0:
        raise InputError(f"{name}: all are zero; give at least one row a positive weight")
    return values


def check_rows(rows: int, min_rows: int, name: str) -> None:
    """Refuses too few rows.

    Raises:
        InputError: says how many there are and have to be.
    """
    if rows == 0:
        raise InputError(f"{name}: has no rows; at least {min_rows} are needed")
    if rows < min_rows:
        raise InputError(
            f"{name}: has too few rows (n_samples = {rows}); at least {min_rows} are needed"
        )


def varying_columns(table: Matrix, *, name: str = "X") -> None:
    """Refuses a table with a constant column: no formula can say anything about such an input.

    Raises:
        InputError: names the first constant column.
    """
    varies = np.zeros(table.values.shape[1], dtype=bool)
    for _, block in blocks(table.values):
        varies |= (block != table.values[0]).any(axis=0)
        if varies.all():  # mostly in the first block: a file is not read through for this
            return
    constant = np.flatnonzero(~varies)
    if len(constant):
        j = constant[0]
        raise InputError(
            f"{name}: column {table.names[j]!r} is {table.values[0, j]:g} in every row; drop it"
        )


def varying_target(y: Floats, *, name: str = "y") -> None:
    """Refuses a constant target.

    Raises:
        InputError: every value is the same.
    """
    if y.min() == y.max():
        raise InputError(
            f"{name}: is {y[0]:g} in every row; give a target that varies (its formula is {y[0]:g})"
        )


def blocks(values: npt.NDArray[Any]) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Rows a block at a time, with the number of the first: what is computed of them is no larger.

    Args:
        values: (n,) or (n, d).
    """
    step = max(1, _BLOCK_BYTES // (values.itemsize * math.prod(values.shape[1:])))
    for start in range(0, len(values), step):
        yield start, values[start : start + step]


def drawn(rows: int, most: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """At most so many different row numbers in random order: memory for those, not for all."""
    return rng.permutation(rows) if rows <= most else rng.choice(rows, most, replace=False)


def variance(y: Floats) -> float:
    """np.var without a temporary array of y's size."""
    mean = y.mean()
    return sum(float(np.sum((block - mean) ** 2)) for _, block in blocks(y)) / len(y)


def column_labels(X: object, *, name: str = "X") -> tuple[object, ...] | None:
    """The columns' own labels of a pandas, polars or Arrow table; None for anything else.

    A library that has not been imported cannot have made the object, so none is imported here.

    Raises:
        InputError: a polars LazyFrame.
    """
    pandas, polars, pyarrow = (sys.modules.get(lib) for lib in ("pandas", "polars", "pyarrow"))
    if pandas is not None and isinstance(X, pandas.DataFrame):
        return tuple(X.columns)
    if polars is not None and isinstance(X, polars.LazyFrame):
        raise InputError(f"{name}: is a polars LazyFrame; call .collect() first")
    if polars is not None and isinstance(X, polars.DataFrame):
        return tuple(X.columns)
    if pyarrow is not None and isinstance(X, (pyarrow.Table, pyarrow.RecordBatch)):
        return tuple(X.column_names)
    return None


def variable_names(labels: Iterable[object]) -> tuple[str, ...]:
    """Makes column labels usable as variables in formulas.

    A label that is an ASCII identifier and means nothing else in a formula stays as it is. In the
    others accents are dropped, Greek letters spelled out, every run of other characters becomes
    one underscore (none is left at the ends), and `x_` is put before a leading digit or in place
    of nothing. A name that is an operator, a function or a Python keyword gets an underscore at
    its end, and a name already taken gets _2, _3 and so on.
    """
    texts = [str(label) for label in labels]
    taken = {text for text in texts if _identifier(text) == text}
    unused = set(taken)  # a label that may stay as it is has the first right to its name
    names: list[str] = []
    for text in texts:
        base = _identifier(text)
        name, count = base, 1
        while name in taken and not (name == text and name in unused):
            count += 1
            name = f"{base}_{count}"
        unused.discard(name)
        taken.add(name)
        names.append(name)
    return tuple(names)


def _identifier(label: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", label):
        label = re.sub(r"[^A-Za-z0-9]+", "_", _ascii(label)).strip("_")
        if not label or label[0].isdigit():
            label = f"x_{label}"
    return f"{label}_" if label in RESERVED_NAMES else label


def _ascii(label: str) -> str:
    letters = []
    for character in unicodedata.normalize("NFKD", label):
        greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(character, ""))
        if greek:
            letters.append(greek[2].lower() if greek[1] == "SMALL" else greek[2].capitalize())
        elif not unicodedata.combining(character):
            letters.append(character)
    return "".join(letters)


def table_columns(X: object, name: str) -> list[tuple[object, npt.NDArray[Any]]] | None:
    """Label and values of each column of a table, or None for what is not a table."""
    labels = column_labels(X, name=name)
    if labels is None:
        return None
    table: Any = X
    if hasattr(table, "iloc"):
        columns = [table.iloc[:, j] for j in range(len(labels))]
    else:
        columns = [
            table[:, j] if hasattr(table, "lazy") else table.column(j) for j in range(len(labels))
        ]
    return [(label, _series_values(column)) for label, column in zip(labels, columns, strict=True)]


def _stacked(columns: list[tuple[object, npt.NDArray[Any]]], name: str, first: int) -> FloatMatrix:
    """Columns side by side, float32 where all of them are."""
    parts = [_floats(column, f"{name}: column {label!r}", first) for label, column in columns]
    single = bool(parts) and all(part.dtype == np.float32 for part in parts)
    shape = (len(parts[0]) if parts else 0, len(parts))
    values: FloatMatrix = np.empty(shape, np.float32) if single else np.empty(shape, np.float64)
    for j, part in enumerate(parts):
        values[:, j] = part
    return values


def _series_values(column: object) -> Any:
    """The numpy values of a pandas, polars or Arrow column, missing ones as NaN where the column
    holds numbers; anything else is handed back untouched."""
    series: Any = column
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(series, pandas.Series):
        if pandas.api.types.is_numeric_dtype(series.dtype) and not isinstance(
            series.dtype, np.dtype
        ):
            return series.to_numpy(dtype=np.float64, na_value=np.nan)
        return series.to_numpy()
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(series, polars.Series):
        if series.dtype.is_numeric() or series.dtype == polars.Boolean:
            keep = series.dtype in (polars.Float32, polars.Float64)
            return (series if keep else series.cast(polars.Float64)).to_numpy()
        return np.asarray(series.to_list(), dtype=object)
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None and isinstance(series, (pyarrow.ChunkedArray, pyarrow.Array)):
        kind = pyarrow.types
        if (
            kind.is_boolean(series.type)
            or kind.is_integer(series.type)
            or kind.is_decimal(series.type)
        ):
            series = series.cast(pyarrow.float64())
        elif not kind.is_floating(series.type):
            return np.asarray(series.to_pylist(), dtype=object)
        chunked = isinstance(series, pyarrow.ChunkedArray)
        return series.to_numpy() if chunked else series.to_numpy(zero_copy_only=False)
    return column


def _as_array(value: object, name: str) -> npt.NDArray[Any]:
    if hasattr(value, "toarray"):
        raise InputError(f"{name}: is a sparse matrix; give it as X.toarray()")
    if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
        try:
            value = np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            raise InputError(
                f"{name}: cannot be read as an array ({error}); copy it to the host's memory"
            ) from error
    if isinstance(value, np.ma.MaskedArray):
        return np.ma.filled(value.astype(np.float64), np.nan)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{name}: cannot be read as an array ({reason}); give a 2-D array of numbers"
        ) from error
    if array.ndim == 0:
        raise InputError(
            f"{name}: is a {type(value).__name__}; give an array or a table of numbers"
        )
    return array


def _floats(array: npt.NDArray[Any], name: str, first: int = 0) -> npt.NDArray[Any]:
    """The array as aligned, C-contiguous float64 (or float32 where it is that already)."""
    kind = array.dtype.kind
    if kind == "c":
        raise InputError(f"{name}: Complex data not supported; give real and imaginary parts apart")
    if kind == "O":
        for index, value in np.ndenumerate(array):
            if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
                raise InputError(
                    f"{name}: {_place(index, first)} is {_short(value)}, not a number; {_NUMBERS}"
                )
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{name}: holds something that is not a number ({error}); {_NUMBERS}"
            ) from error
    elif kind in "US":
        text = _short(array.flat[0].item()) if array.size else "nothing"
        raise InputError(f"{name}: holds text ({text} first), not numbers; {_NUMBERS}")
    elif kind not in "fiub":
        raise InputError(f"{name}: holds {array.dtype}, not numbers; {_NUMBERS}")
    keep = array.dtype in (np.dtype(np.float64), np.dtype(np.float32))
    return np.require(array, array.dtype if keep else np.float64, ["C", "A"])


_NUMBERS = "give numbers only (encode categories as numbers, or drop them)"


def _place(index: tuple[int, ...], first: int) -> str:
    return f"row {first + index[0]}" + (f", column {index[1]}" if len(index) > 1 else "")


def _short(value: object) -> str:
    text = repr(value).splitlines()[0]
    return text if len(text) <= 30 else f"{text[:27]}..."


def _check_finite(
    values: FloatMatrix, name: str, labels: tuple[str, ...] | None, allow_nan: bool, first: int
) -> None:
    for start, block in blocks(values):
        bad = np.isinf(block) if allow_nan else ~np.isfinite(block)
        if not bad.any():
            continue
        i, j = (int(k) for k in np.argwhere(bad)[0])
        where = f"row {first + start + i}" + (f", column {labels[j]!r}" if labels else "")
        if np.isnan(block[i, j]):
            raise InputError(f"{name}: {where} is NaN; drop or fill rows with missing values first")
        raise InputError(f"{name}: {where} is infinite (inf); drop or correct such rows first")
