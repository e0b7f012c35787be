"""What a callback is told while a search, a fit or a whole pipeline runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from closedform.formulas.formula import Formula


@dataclass(frozen=True)
class Progress:
    """One report of a running computation.

    Attributes:
        phase: what is going on now, in a few words ("surrogate", "search x1").
        elapsed: seconds since the call began.
        remaining: seconds left of the call's budget, or None when it has none in time.
        evaluations: expressions evaluated so far.
        best: the best formula so far, or None before there is one.
        loss: that formula's loss on the rows searched, or None.
        message: a line for a person to read; empty when there is nothing to add.
    """

    phase: str
    elapsed: float
    remaining: float | None = None
    evaluations: int = 0
    best: Formula | None = None
    loss: float | None = None
    message: str = ""


# Returning True stops the run; what was found so far is kept and returned.
Callback: TypeAlias = Callable[[Progress], bool | None]
