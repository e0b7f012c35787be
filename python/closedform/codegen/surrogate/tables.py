"""What evaluating a surrogate reads, all inputs one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from closedform import _core
from closedform._typing import Floats


@dataclass(frozen=True)
class Tables:
    """An input with J elements has J + 2 cells: left of its grid, its elements, right of it.

    Attributes:
        nodes: per input, (J+1,).
        center, inverse_width: (cells,), of the local coordinate t = (x - center) * inverse_width.
        quartic: (cells, 5, modes), coefficients of t^0 to t^4.
        offset: added to the sum over the modes.
        bounded: whether a row outside the grid has no value.
    """

    nodes: tuple[Floats, ...]
    center: Floats
    inverse_width: Floats
    quartic: Floats
    offset: float
    bounded: bool

    @staticmethod
    def of(model: _core.TensorSurrogate) -> Tables:
        nodes, center, inverse_width, quartic = zip(
            *(model.table(d) for d in range(model.inputs)), strict=True
        )
        return Tables(
            nodes,
            np.concatenate(center),
            np.concatenate(inverse_width),
            np.concatenate(quartic),
            model.offset,
            model.outside == "error",
        )
