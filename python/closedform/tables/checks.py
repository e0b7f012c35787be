"""Checks of what users pass in: every public function takes its arrays and tables through here.

Anything wrong raises `InputError`, whose one-line message names the argument, the first offending
row and column (rows count from 0, as they do in numpy) and the way out.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError
from closedform.tables import devices
from closedform.tables.frames import series_values, table_columns
from closedform.tables.names import variable_names
from closedform.tables.rows import row_blocks

# Beyond these, sums of squares of residuals lose their digits or overflow.
SMALLEST, LARGEST = 1e-100, 1e100
MISSING = (-99.0, -999.0, -9999.0, -99999.0, -999999.0, -32768.0)
LOOKED_AT = 100_000
EXACT_WHOLE = 2**53  # beyond it float64 leaves out whole numbers


@dataclass(frozen=True)
class Shift:
    """A column counted from an origin other than zero.

    Attributes:
        column: which one of the user's it is.
        origin: in its units.
    """

    column: int
    origin: float


@dataclass(frozen=True)
class Matrix:
    """A checked table of numbers.

    Attributes:
        values: (n, d) C-contiguous float64 or float32.
        names: d distinct names, each usable as a variable in a formula.
        labels: what the user called the columns; None for those of an array, and where labels are
            no texts.
        shifts: what the last columns are, where they are not the user's but some of these counted
            from an origin.
    """

    values: FloatMatrix
    names: tuple[str, ...]
    labels: tuple[str, ...] | None = None
    shifts: tuple[Shift, ...] = ()

    @property
    def own(self) -> int:
        """How many columns, the first ones, are the user's."""
        return len(self.names) - len(self.shifts)


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
        names, labels = tuple(f"x{j + 1}" for j in range(values.shape[1])), None
    else:
        own = [label for label, _ in columns]
        names, labels = variable_names(own), _texts(own)
        values = _stacked(columns, name, first)
    if values.shape[1] == 0:
        raise InputError(
            f"{name}: no columns: 0 feature(s) (shape={values.shape}) while a minimum of 1 is "
            "required; give at least one"
        )
    check_rows(len(values), min_rows, name)
    _check_finite(values, name, names, allow_nan, first)
    return Matrix(values, names, labels)


def _texts(labels: Sequence[object]) -> tuple[str, ...] | None:
    texts = tuple(label for label in labels if isinstance(label, str))
    return texts if len(texts) == len(labels) else None


def vector(
    y: object, rows: int, *, name: str = "y", first: int = 0, allow_nan: bool = False
) -> Floats:
    """Checks one number per row and gives it as (rows,) float64.

    Args:
        y: (rows,) or (rows, 1) array, sequence, series or one-column table of real numbers.
        rows: how many rows the table it belongs to has.
        name: what messages call the argument.
        first: number of the first row, in messages about a part of a table.
        allow_nan: lets NaN (missing values) through.

    Raises:
        InputError: wrong length, shape or kind of data, NaN or infinite values.
    """
    columns = table_columns(y, name)
    if columns is not None and len(columns) == 1:
        values = _floats(columns[0][1], name, first)
    elif columns is not None:
        raise InputError(f"{name}: has {len(columns)} columns; give one column")
    else:
        values = _floats(_as_array(series_values(y, name), name), name, first)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise InputError(f"{name}: must be 1-D, one number per row, has shape {values.shape}")
    if len(values) != rows:
        raise InputError(f"{name}: has {len(values)} values for {rows} rows; give one per row")
    checked = np.ascontiguousarray(values, dtype=np.float64)
    _check_finite(checked[:, None], name, None, allow_nan, first)
    return checked


def weights(w: object, rows: int, *, name: str = "weights") -> Floats:
    """Checks row weights: finite, none negative, not all zero; (rows,) float64.

    Raises:
        InputError: as `vector`, and for negative weights or nothing but zeros.
    """
    values = vector(w, rows, name=name)
    if values.min() < 0:
        row = next(
            i + int(np.argmax(block < 0)) for i, block in row_blocks(values) if block.min() < 0
        )
        raise InputError(f"{name}: row {row} is {values[row]:g}; weights must not be negative")
    if not values.max() > 0:
        raise InputError(f"{name}: all are zero; give at least one row a positive weight")
    return values


def positive(values: Floats, name: str) -> None:
    """Refuses numbers that are not above zero.

    Raises:
        InputError: names the first row.
    """
    if values.min() <= 0:
        row = int(np.argmax(values <= 0))
        raise InputError(f"{name}: row {row} is {values[row]:g}; give numbers above zero")


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


def sizes(values: FloatMatrix | Floats, name: str, names: tuple[str, ...] = ()) -> None:
    """Refuses numbers whose squares, and products with their like, float64 cannot tell from zero
    or infinity.

    Args:
        values: (n, d) or (n,), finite.
        names: of the columns; none for one without a name.

    Raises:
        InputError: names the first column.
    """
    small = np.ones(values.shape[1:], dtype=bool)  # so far
    for start, block in row_blocks(values):
        if float(block.max()) > LARGEST or float(block.min()) < -LARGEST:
            at = np.unravel_index(int(np.argmax(np.abs(block))), block.shape)
            where = f", column {names[int(at[1])]!r}" if names else ""
            raise InputError(
                f"{name}: row {start + int(at[0])}{where} is {block[at]:.3g}; numbers beyond "
                f"{LARGEST:g} have no squares: give other units, or drop what marks missing values"
            )
        if small.any():
            most = np.abs(block).max(axis=0).astype(np.float64)
            small &= (most < SMALLEST) & (most > 0)
    if small.any():
        column = f"column {names[int(np.argmax(small))]!r} has" if names else "there is"
        raise InputError(
            f"{name}: {column} nothing but numbers below {SMALLEST:g}; give it in other units"
        )


def missing_marks(values: FloatMatrix, name: str, names: tuple[str, ...]) -> None:
    """Warns of a number that stands for a missing value in many files: in a column that has no
    other negative one. Looks at the first rows alone."""
    first = values[:LOOKED_AT]
    lowest = first.min(axis=0)
    for j in np.flatnonzero(np.isin(lowest, MISSING)):
        column = first[:, j]
        marked = column == lowest[j]
        if not marked.all() and column[~marked].min() >= 0:
            warnings.warn(
                f"{name}: column {names[j]!r} is {lowest[j]:g} at {int(marked.sum())} rows and "
                "nowhere else negative; if that stands for a missing value, drop those rows",
                stacklevel=3,
            )


def varying_columns(table: Matrix, *, name: str = "X") -> None:
    """Refuses a table with a constant column: no formula can say anything about such an input.

    Raises:
        InputError: names the first constant column.
    """
    varies = np.zeros(table.values.shape[1], dtype=bool)
    for _, block in row_blocks(table.values):
        varies |= (block != table.values[0]).any(axis=0)
        if varies.all():  # mostly in the first block: a file is not read through for this
            return
    constant = np.flatnonzero(~varies)
    if len(constant):
        j = constant[0]
        raise InputError(
            f"{name}: column {table.names[j]!r} is {table.values[0, j]:g} in every row; drop it"
        )


def varying_target(y: Floats, weights: Floats | None = None, *, name: str = "y") -> None:
    """Refuses a constant target.

    Raises:
        InputError: every value of a row that weighs anything is the same.
    """
    own = y if weights is None else y[weights > 0]
    if own.min() == own.max():
        rows = "row" if len(own) == len(y) else "row that weighs anything"
        raise InputError(
            f"{name}: is {own[0]:g} in every {rows}; give a target that varies "
            f"(its formula is {own[0]:g})"
        )


def nearly_constant(y: Floats, weights: Floats | None) -> bool:
    """Whether a target deviates from its mean by no more than rounding; rows count as they weigh,
    those that a noise model lets go next to nothing."""
    if weights is not None and not weights.any():
        return True
    with np.errstate(over="ignore"):
        mean = np.average(y, weights=weights)
        deviation = np.sqrt(np.average((y - mean) ** 2, weights=weights))
    return not deviation > 1e-14 * abs(mean)


def _stacked(columns: list[tuple[object, npt.NDArray[Any]]], name: str, first: int) -> FloatMatrix:
    """Columns side by side, float32 where all of them are."""
    parts = [_floats(column, f"{name}: column {label!r}", first) for label, column in columns]
    single = bool(parts) and all(part.dtype == np.float32 for part in parts)
    shape = (len(parts[0]) if parts else 0, len(parts))
    values: FloatMatrix = np.empty(shape, np.float32) if single else np.empty(shape, np.float64)
    for j, part in enumerate(parts):
        values[:, j] = part
    return values


def _as_array(value: Any, name: str) -> npt.NDArray[Any]:
    value = devices.on_host(value, name)
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
        array = _of_objects(array, name, first)
    elif kind in "US":
        text = short(array.flat[0].item()) if array.size else "nothing"
        raise InputError(f"{name}: holds text ({text} first), not numbers; {_NUMBERS}")
    elif kind not in "fiub":
        raise InputError(f"{name}: holds {array.dtype}, not numbers; {_NUMBERS}")
    keep = array.dtype in (np.dtype(np.float64), np.dtype(np.float32))
    try:
        with np.errstate(over="ignore"):  # of wider floats; what is infinite then is refused
            floats = np.require(array, array.dtype if keep else np.float64, ["C", "A"])
    except MemoryError as error:
        raise InputError(
            f"{name}: does not fit into memory ({error}); give float64 that lies in C order, or "
            "rows in chunks"
        ) from error
    if kind in "iu" and array.itemsize == 8 and array.size:
        _check_digits(array, floats, name)
    return floats


def _of_objects(array: npt.NDArray[Any], name: str, first: int) -> Floats:
    """Numbers of any Python type as float64."""
    values: Floats = np.empty(array.shape)
    rounded: dict[str, int] = {}
    for index, value in np.ndenumerate(array):
        place = f"{name}: {_place(index, first)}"
        if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
            raise InputError(f"{place} is {short(value)}, not a number; {_NUMBERS}")
        try:
            values[index] = float(value)
        except (TypeError, ValueError) as error:
            raise InputError(f"{place} is not a number ({error}); {_NUMBERS}") from error
        except OverflowError as error:
            raise InputError(
                f"{place} is beyond the range of float64 (1.8e308); give other units, or drop it"
            ) from error
        if isinstance(value, int) and int(values[index]) != value:
            rounded.setdefault(f"{name}: column {index[1]}" if len(index) > 1 else name, value)
    for column, value in rounded.items():
        warn_rounded(column, value)
    return values


def _check_digits(whole: npt.NDArray[Any], floats: npt.NDArray[Any], name: str) -> None:
    """Warns of whole numbers that float64 cannot tell from their neighbours, by column."""
    for start, block in row_blocks(whole):
        with np.errstate(invalid="ignore"):  # the largest float64 has one more than the type
            lost = floats[start : start + len(block)].astype(whole.dtype) != block
        if lost.any():
            index = tuple(int(k) for k in np.argwhere(lost)[0])
            column = f"{name}: column {index[1]}" if len(index) > 1 else name
            warn_rounded(column, int(block[index]))
            return


def warn_rounded(name: str, value: int) -> None:
    """Says that a column's whole numbers lose digits."""
    warnings.warn(
        f"{name}: {value} and its like have more digits than float64; if the last ones matter, "
        "subtract an offset first; if they are labels, drop the column",
        stacklevel=3,
    )


_NUMBERS = "give numbers only (encode categories as numbers, or drop them)"


def _place(index: tuple[int, ...], first: int) -> str:
    return f"row {first + index[0]}" + (f", column {index[1]}" if len(index) > 1 else "")


def short(value: object) -> str:
    text = repr(value).splitlines()[0]
    return text if len(text) <= 30 else f"{text[:27]}..."


def _check_finite(
    values: FloatMatrix, name: str, labels: tuple[str, ...] | None, allow_nan: bool, first: int
) -> None:
    for start, block in row_blocks(values):
        bad = np.isinf(block) if allow_nan else ~np.isfinite(block)
        if not bad.any():
            continue
        i, j = (int(k) for k in np.argwhere(bad)[0])
        where = f"row {first + start + i}" + (f", column {labels[j]!r}" if labels else "")
        if np.isnan(block[i, j]):
            raise InputError(f"{name}: {where} is NaN; drop or fill rows with missing values first")
        raise InputError(f"{name}: {where} is infinite (inf); drop or correct such rows first")
