"""Whether a formula changes from row to row as its target does.

Walks that have nothing to do with one another go together for a while, and a formula of some says
much of another (spurious regressions: Granger and Newbold, Journal of Econometrics 2, 1974). Their
steps do not go together; those of a law and its target do, whatever the order of the rows.
"""

from __future__ import annotations

import numpy as np

from closedform._typing import Floats

FEWEST = 8  # rows
# Of the slope of the target's changes over the formula's, which is 1 for a law and 0 by chance:
# at most, and standard errors below 1 at least, where they are not the same.
SLOPE, APART = 0.5, 5.0


def goes_along(y: Floats, f: Floats) -> bool:
    """False where the changes of y clearly are not those of f.

    y, f: (n,) target and formula, in the rows' order.
    """
    with np.errstate(all="ignore"):
        steps, told = np.diff(y), np.diff(f)
        size = float(told @ told)
        if len(y) < FEWEST or not size > 0:
            return True
        slope = float(told @ steps) / size
        left = steps - slope * told
        error = np.sqrt(float(left @ left) / (len(steps) - 1) / size)
    along = slope >= SLOPE or 1.0 - slope <= APART * error
    return bool(along) or not np.isfinite(slope + error)
