"""What a report is made of: a front, its formula, and sections of lines, pictures and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from closedform.formulas.formula import Formula
from closedform.formulas.front import Front

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Section:
    """One part of a report: its lines, a picture, a table, in this order.

    Attributes:
        title: of the section.
        lines: of text.
        draw: draws the picture, which pages alone have; None for none.
        table: rows of cells, the head first; none where it is empty.
        marked: which of its other rows are the chosen ones, from 0.
    """

    title: str
    lines: Sequence[str] = ()
    draw: Callable[[Axes], Axes] | None = None
    table: Sequence[Sequence[str]] = ()
    marked: Sequence[int] = ()


@dataclass(frozen=True)
class Report:
    """A result for people.

    Attributes:
        title: of the page.
        name: what the formula is the value of.
        formula: the one to use.
        front: it is one of.
        loss: what the front's losses are, in words.
        sections: whatever else there is to say.
    """

    title: str
    name: str
    formula: Formula
    front: Front
    loss: str
    sections: Sequence[Section]


def front_rows(front: Front) -> list[list[str]]:
    """The front as the rows of a table."""
    return [
        ["complexity", "loss", "formula"],
        *([str(f.complexity), f"{f.loss:.4g}", str(f)] for f in front),
    ]
