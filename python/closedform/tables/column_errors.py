"""Standard errors of the inputs, in any of the forms in which they are given."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real

import numpy as np
import numpy.typing as npt

from closedform._typing import Floats
from closedform.errors import InputError
from closedform.tables import checks, devices
from closedform.tables.checks import Matrix

NAME = "sigma_X"


def column_errors(
    sigma_X: object, table: Matrix, kept: npt.NDArray[np.intp] | None = None
) -> Floats | None:
    """Standard errors of a table's columns, (d,), or (n, d) where they differ from row to row.

    Args:
        sigma_X: one number for all columns; (d,) one for each; by label or name a number or (n,)
            numbers, 0 for columns that are not named; or (n, d). None for none.
        kept: (n,) row numbers in what was given, where rows were dropped.

    Raises:
        InputError: other shapes, names that no column has, numbers that are negative, not finite or
            all zero.
    """
    if sigma_X is None:
        return None
    if isinstance(sigma_X, Mapping):
        errors = _by_name(sigma_X, table, kept)
    elif isinstance(sigma_X, Real):
        errors = np.full(table.own, float(sigma_X))
    else:
        errors = _array(sigma_X, table, kept)
    if not np.isfinite(errors).all() or errors.min() < 0:
        bad = errors[~(np.isfinite(errors) & (errors >= 0))][0]
        raise InputError(f"{NAME}: holds {bad:g}; give standard errors, finite and none negative")
    if not errors.any():
        raise InputError(f"{NAME}: all are zero; leave it out where inputs have no errors")
    return errors


def _by_name(
    given: Mapping[object, object], table: Matrix, kept: npt.NDArray[np.intp] | None
) -> Floats:
    labels = table.names if table.labels is None else table.labels
    columns: list[Floats | float] = [0.0] * table.own
    for name, value in given.items():
        known = [j for j in range(table.own) if name in (labels[j], table.names[j])]
        if not known:
            raise InputError(
                f"{NAME}: no column {name!r}; there are {', '.join(map(repr, labels[:8]))}"
            )
        if isinstance(value, Real):
            columns[known[0]] = float(value)
        else:
            value = devices.on_host(value, f"{NAME}: {name!r}")
            rows = len(table.values) if kept is None else _rows(value)
            column = checks.vector(value, rows, name=f"{NAME}: {name!r}")
            columns[known[0]] = column if kept is None else _kept(column, kept)
    if all(isinstance(column, float) for column in columns):
        return np.array(columns)
    rows = len(table.values)
    return np.column_stack([np.broadcast_to(column, rows) for column in columns])


def _array(given: object, table: Matrix, kept: npt.NDArray[np.intp] | None) -> Floats:
    wanted = f"give one number, {table.own}, one for each column, or a row of them for each row"
    try:
        errors = np.asarray(devices.on_host(given, NAME), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{NAME}: cannot be read as numbers ({error}); {wanted}") from error
    if errors.ndim == 2 and kept is not None:
        errors = _kept(errors, kept)
    if errors.shape not in ((table.own,), (len(table.values), table.own)):
        raise InputError(f"{NAME}: has shape {errors.shape}; {wanted}")
    return np.ascontiguousarray(errors)


def _rows(value: object) -> int:
    return int(np.shape(np.asarray(value))[0]) if np.ndim(np.asarray(value)) else 0


def _kept(errors: Floats, kept: npt.NDArray[np.intp]) -> Floats:
    if len(errors) <= int(kept[-1]):
        raise InputError(f"{NAME}: has {len(errors)} rows, X has more; give one for each")
    return errors[kept]
