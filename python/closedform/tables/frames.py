"""Tables of any library (pandas, polars, Arrow, ...): their labels and the values of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from closedform.errors import InputError

if TYPE_CHECKING:
    import narwhals as nw

    Frame: TypeAlias = nw.DataFrame[Any]


def frame_of(X: object, *, name: str = "X") -> Frame | None:
    """X as a table; None for what is none.

    Raises:
        InputError: a table that is not read yet, or one with two columns of one name.
    """
    if isinstance(X, (np.ndarray, list, tuple)):
        return None
    import narwhals as nw

    if isinstance(X, nw.DataFrame):  # by way of Arrow its index would become a column
        return X
    try:
        found = nw.from_native(X, pass_through=True)
        known = isinstance(found, (nw.DataFrame, nw.LazyFrame))
        if not known and hasattr(X, "__arrow_c_stream__") and hasattr(X, "schema"):
            found = nw.DataFrame.from_arrow(X, backend="pyarrow")  # a RecordBatch
    except nw.exceptions.DuplicateError as error:
        raise InputError(f"{name}: two columns have the same name; rename one") from error
    if isinstance(found, nw.LazyFrame):
        raise InputError(f"{name}: is a {type(X).__name__}, not read yet; call .collect() first")
    return found if isinstance(found, nw.DataFrame) else None


def column_labels(X: object, *, name: str = "X") -> tuple[object, ...] | None:
    """The columns' own labels of a table; None for anything else. Raises as `frame_of`."""
    frame = frame_of(X, name=name)
    return None if frame is None else tuple(frame.columns)


def column_name(column: object, other: str) -> str:
    """What a column is called: by itself (a series, a table of one column), or by the text that
    names it; `other` where it has no name."""
    if isinstance(column, str):
        return column
    labels = column_labels(column)
    label = getattr(column, "name", None) if labels is None else labels[0]
    return label if isinstance(label, str) and label else other


def table_columns(X: object, name: str) -> list[tuple[object, npt.NDArray[Any]]] | None:
    """Label and values of each column of a table, or None for what is not a table.

    A categorical column becomes one of 0 and 1 for each of its categories, labelled
    "column=category": a number for each would rank them.
    """
    frame = frame_of(X, name=name)
    if frame is None:
        return None
    found: list[tuple[object, npt.NDArray[Any]]] = []
    for label, column in zip(frame.columns, frame.iter_columns(), strict=True):
        if _is_categorical(column):
            found += _indicators(label, column)
        else:
            found.append((label, _values(column, f"{name}: column {label!r}")))
    return found


def _is_categorical(column: nw.Series[Any]) -> bool:
    import narwhals as nw

    return column.dtype in (nw.Categorical, nw.Enum)


def _indicators(label: str, column: nw.Series[Any]) -> list[tuple[object, npt.NDArray[Any]]]:
    """NaN where the category is missing."""
    missing = column.is_null().to_numpy()
    texts = np.array(["" if value is None else str(value) for value in column.to_list()])
    return [
        (f"{label}={category}", np.where(missing, np.nan, texts == category))
        for category in np.unique(texts[~missing]).tolist()
    ]


def series_values(column: object, name: str) -> Any:
    """The numpy values of a table's column, missing ones as NaN where the column holds numbers;
    anything else is handed back untouched.

    Raises:
        InputError: a column of lists or of records.
    """
    if isinstance(column, (np.ndarray, list, tuple)):
        return column
    import narwhals as nw

    series = nw.from_native(column, pass_through=True, series_only=True)
    return _values(series, name) if isinstance(series, nw.Series) else column


def _values(series: nw.Series[Any], name: str) -> npt.NDArray[Any]:
    import narwhals as nw

    kind = series.dtype
    if kind.is_nested():
        raise InputError(
            f"{name}: holds {kind}, not one number a row; make its elements columns of their own, "
            "or drop it"
        )
    if kind.is_integer():  # as they are: whoever makes floats of them looks for digits lost
        missing = series.is_null().to_numpy()
        whole = series.fill_null(0).to_numpy()
        return np.where(missing, np.nan, whole) if missing.any() else whole
    if kind == nw.Boolean or (kind.is_numeric() and kind not in (nw.Float32, nw.Float64)):
        series = series.cast(nw.Float64)
    return series.to_numpy()
