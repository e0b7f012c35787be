"""Rows handed to a framework a block at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError

BLOCK_ROWS = 1000  # handed to a framework at once: memory stays a constant above the output


def by_blocks(
    rows: FloatMatrix, columns: int | None, work: Callable[[FloatMatrix], npt.ArrayLike]
) -> Floats:
    """`work` of every block of rows, (n,) or (n, columns), one below the other.

    Raises:
        InputError: `work` gives another shape.
    """
    shape = (len(rows),) if columns is None else (len(rows), columns)
    out = np.empty(shape)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        part = np.asarray(work(block))
        expected = (len(block), *shape[1:])
        if part.shape != expected:
            raise InputError(f"model: gave shape {part.shape} where {expected} was expected")
        out[start : start + BLOCK_ROWS] = part
    return out
