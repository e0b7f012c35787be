"""Ranges of the data that a formula was found in, and what is to be said of rows outside them."""

from __future__ import annotations

import numpy as np

from closedform import _core
from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError

Ranges = tuple[tuple[float, float], ...]

# Rows, evenly spaced, that are looked at for whether a formula may be used there.
MOST_LOOKED_AT = 100_000


def check_ranges(ranges: object, inputs: int) -> None:
    """Raises:
    InputError: not one (low, high) for each input.
    """
    try:
        shape = np.asarray(ranges, dtype=np.float64).shape
    except (TypeError, ValueError, OverflowError):
        shape = ()
    if shape != (inputs, 2):
        raise InputError(f"ranges: must be one (low, high) for each of {inputs} inputs")


def outside_told(
    expression: _core.Expression, rows: FloatMatrix, values: Floats, ranges: Ranges
) -> str | None:
    """How many rows (n, d) have no value, or lie outside of the ranges; None where none does.

    values: (n,) of the expression.
    """
    step = -(-len(values) // MOST_LOOKED_AT)
    rows, values = rows[::step], values[::step]
    told = []
    undefined = len(values) - int(np.count_nonzero(np.isfinite(values)))
    if undefined:
        told.append(f"{undefined} of {len(values)} rows have no value (see formula.domain)")
    read = sorted({column for name, column, _ in expression.nodes if name == "variable"})
    low, high = np.array(ranges, dtype=np.float64)[read].reshape(-1, 2).T
    inputs = rows[:, read]
    outside = int(np.count_nonzero(((inputs < low) | (inputs > high)).any(axis=1)))
    if outside:
        told.append(
            f"{outside} of {len(values)} rows lie outside the ranges of the data that the "
            "formula was found in"
        )
    return "; ".join(told) or None
