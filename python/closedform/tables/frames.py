"""pandas, polars and Arrow tables: their labels and the values of their columns."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from closedform.errors import InputError


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
    return [(label, series_values(column)) for label, column in zip(labels, columns, strict=True)]


def series_values(column: object) -> Any:
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
