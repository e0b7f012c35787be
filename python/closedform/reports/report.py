"""What a report is made of: a front, its formula, and sections of lines, pictures and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from closedform.formulas.formula import Formula
from closedform.formulas.front import Front

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Picture: TypeAlias = "Callable[[Axes], Axes]"


@dataclass(frozen=True)
class Section:
    """One part of a report: its pictures, its lines, a table.

    Attributes:
        title: of the section.
        lines: of text.
        pictures: what draws each of them on axes; pages alone have them.
        table: rows of cells, the head first; none where it is empty.
        marked: which of its other rows are the chosen ones, from 0.
    """

    title: str
    lines: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
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
        key: the figures to see first: what each is, and its value.
        sections: whatever else there is to say; the first is what the page begins with.
    """

    title: str
    name: str
    formula: Formula
    front: Front
    loss: str
    key: Sequence[tuple[str, str]]
    sections: Sequence[Section]

    @property
    def front_section(self) -> Section:
        """The front, the formula to use marked."""
        rows = [
            ["complexity", "loss", "formula"],
            *([str(f.complexity), f"{f.loss:.4g}", f.readable] for f in self.front),
        ]
        chosen = [index for index, formula in enumerate(self.front) if formula is self.formula]
        picture = partial(self.front.plot, loss=self.loss)
        return Section("Front", pictures=[picture], table=rows, marked=chosen)
