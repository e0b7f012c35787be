"""Pareto fronts of formulas: what every search hands back, and how it is saved."""

from __future__ import annotations

import copy
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from closedform._typing import FloatMatrix
from closedform.errors import InputError
from closedform.figures.canvas import axes_of
from closedform.figures.front import draw_front
from closedform.formulas import html
from closedform.formulas.formula import Formula, shortened
from closedform.formulas.grouped import GroupedFormula
from closedform.formulas.merging import Merging
from closedform.formulas.ranges import Ranges
from closedform.formulas.rows import Rows
from closedform.tables import scalars
from closedform.tables.output import write_output
from closedform.tables.words import Names, Words

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

FORMAT = "closedform front"
VERSION = 1
LONGEST_LABEL = 60  # of a formula in a picture


class _Newer(InputError):
    """A file that a later closedform wrote."""


def _ranges(saved: list[list[float]] | None) -> Ranges | None:
    """What a file says of the ranges; files of formulas made by hand say nothing."""
    if saved is None:
        return None
    return tuple((float(low), float(high)) for low, high in saved)


def _loaded(
    saved: Mapping[str, Any],
    names: Sequence[str],
    ranges: Ranges | None,
    labels: Sequence[str] | None,
) -> Formula:
    """One formula of a file."""
    loss = math.nan if saved["loss"] is None else saved["loss"]
    if "groups" in saved:
        return GroupedFormula.read(saved, names, loss, ranges, labels)
    own = isinstance(names, Names) and "own" in saved
    formula = Formula(str(saved["own" if own else "text"]), names, loss, ranges, labels)
    formula.parts = {
        str(name): Formula(str(text), [str(one) for one in own])
        for name, (text, own) in saved.get("parts", {}).items()
    }
    return formula


def pareto(
    formulas: Iterable[Formula],
    exact: float = 0.0,
    size: Callable[[Formula], int] = lambda formula: formula.complexity,
) -> list[Formula]:
    """Those no smaller formula is as good as, by size. Losses up to `exact` count as equal."""
    kept: list[Formula] = []
    for formula in sorted(formulas, key=lambda f: (size(f), f.loss)):
        if math.isfinite(formula.loss) and (
            not kept or max(formula.loss, exact) < max(kept[-1].loss, exact)
        ):
            kept.append(formula)
    return kept


class Front(Sequence[Formula]):
    """Formulas no smaller one is as good as, by complexity; a sequence.

    Attributes:
        best: the formula to use if only one is wanted; how it was chosen is said by whoever made
            the front.
        stopped: why the search ended: "exact", "good enough", "time", "evaluations",
            "interrupted" or "".
        evaluations: passes of a candidate expression over the search's sample of rows.
        seconds: how long the search took.
        symmetries: of a search for gradients, the inputs merged before it; not saved.

    Example:
        >>> import closedform as cf
        >>> formulas = [cf.Formula(text, ["x1"]) for text in ("1", "x1 + 1")]
        >>> front = cf.Front(formulas)
        >>> front.best, len(front)
        (Formula('x1 + 1', complexity=3, loss=nan), 2)
    """

    def __init__(
        self,
        formulas: Sequence[Formula],
        *,
        best: int = -1,
        stopped: str = "",
        evaluations: int = 0,
        seconds: float = 0.0,
        symmetries: Merging | None = None,
        rivals: Sequence[int] = (),
    ) -> None:
        """Takes formulas by complexity.

        Args:
            best, rivals: positions among them.

        Raises:
            InputError: no formulas, something else among them, a position that is none.
        """
        is_many = isinstance(formulas, Sequence) and not isinstance(formulas, (str, bytes))
        if not is_many or not all(isinstance(formula, Formula) for formula in formulas):
            raise InputError("formulas: must be a sequence of Formula")
        if not formulas:
            raise InputError("formulas: is empty; a front has at least one")
        self._formulas = list(formulas)
        self._best = self._position(best, "best")
        self.stopped = scalars.text(stopped, "stopped")
        self.evaluations = scalars.whole(evaluations, "evaluations", 0, 2**63)
        self.seconds = scalars.real(seconds, "seconds")
        self.symmetries = symmetries
        if not isinstance(rivals, Sequence):
            raise InputError("rivals: must be a sequence of positions")
        self._rivals = [self._position(rival, "rivals") for rival in rivals]

    def _position(self, index: int, name: str) -> int:
        """From 0; negative ones count from the end."""
        count = len(self._formulas)
        return scalars.whole(index, name, -count, count - 1) % count

    @property
    def best(self) -> Formula:
        return self._formulas[self._best]

    @property
    def rivals(self) -> list[Formula]:
        """Formulas that the data cannot tell from the best one: those that describe them less than
        3 nats longer; of a search for values."""
        return [self._formulas[i] for i in self._rivals]

    def with_best(self, index: int) -> Front:
        """The same front with another formula as its best.

        Raises:
            InputError: no position among its formulas.
        """
        front = copy.copy(self)
        front._best = self._position(index, "index")
        return front

    def with_chosen(self, formula: Formula) -> Front:
        """The same front with a formula as its best, which is put among the others if it is not one
        of them."""
        front = copy.copy(self)
        if formula not in self._formulas:
            front._formulas = sorted([*self, formula], key=lambda one: one.complexity)
            front._rivals = [front._formulas.index(rival) for rival in self.rivals]
        front._best = front._formulas.index(formula)
        return front

    def written(self, formulas: Iterable[Formula]) -> Front:
        """The same front, its formulas written otherwise: one for each, in order."""
        front = copy.copy(self)
        front._formulas = list(formulas)
        return front

    def add(
        self,
        formula: Formula,
        X: object,
        y: object,
        weights: object = None,
        *,
        sigma: object = None,
    ) -> Front:
        """The same front with a formula of one's own among the others.

        Args:
            formula: its constants known (`Formula.fit`); kept whether or not another is better.
            X, y, weights, sigma: rows, as of a search.

        Returns:
            A front with the same best one, all losses computed anew at these rows: a search may
            have weighed its own by their noise. Formulas are left out that another is better than
            at no larger size, but not the one added, the best, and its rivals.

        Raises:
            InputError: another's inputs, a formula without a value at some of the rows, or rows
                that cannot be used.

        Example:
            >>> import closedform as cf
            >>> X, y = [[1.0], [2.0], [3.0]], [2.0, 4.0, 6.5]
            >>> front = cf.Front([cf.Formula("4", ["x1"], 3.5)])
            >>> front.add(cf.Formula("2*x1", ["x1"]), X, y)[-1].loss
            0.08333333333333333
        """
        if not isinstance(formula, Formula):
            raise InputError(f"formula: must be a Formula, not {type(formula).__name__}")
        if formula.names != self.best.names:
            raise InputError(
                f"formula: is of {', '.join(formula.names)}; the front of "
                f"{', '.join(self.best.names)}"
            )
        rows = Rows.checked(formula._columns(X), y, weights, "absolute", sigma)
        told = [copy.copy(one) for one in [*self, formula]]
        for one in told:
            one.loss = rows.loss(one._known().evaluate(rows.X))
        added = told[-1]
        added.ranges, added.labels = self.best.ranges, self.best.labels
        if not math.isfinite(added.loss):
            raise InputError("formula: has no value at some of the rows; see formula.domain")
        asked = {self._best, *self._rivals, len(self)}
        shown = {id(one) for one in pareto(told)}
        places = [i for i, one in enumerate(told) if i in asked or id(one) in shown]
        places.sort(key=lambda i: (told[i].complexity, told[i].loss))
        front = copy.copy(self)
        front._formulas = [told[i] for i in places]
        front._best = places.index(self._best)
        front._rivals = [places.index(i) for i in self._rivals]
        return front

    def of_data(self, labels: Sequence[str] | None, *parts: FloatMatrix) -> Front:
        """The same front, its formulas told the user's labels of the columns and the ranges of the
        rows (n, d) they were found in."""
        low = np.min([part.min(axis=0) for part in parts], axis=0)
        high = np.max([part.max(axis=0) for part in parts], axis=0)
        ranges = tuple(zip(low.tolist(), high.tolist(), strict=True))
        for formula in self:
            formula._tell_data(ranges, labels)
        return self

    def __len__(self) -> int:
        return len(self._formulas)

    @overload
    def __getitem__(self, index: int) -> Formula: ...
    @overload
    def __getitem__(self, index: slice) -> list[Formula]: ...
    def __getitem__(self, index: int | slice) -> Formula | list[Formula]:
        return self._formulas[index]

    def __iter__(self) -> Iterator[Formula]:
        return iter(self._formulas)

    def plot(self, axes: Axes | None = None, *, loss: str = "loss") -> Axes:
        """Draws loss over complexity, the best formula marked.

        Args:
            axes: of matplotlib, to draw on; None for a new figure.
            loss: what the losses are, on the axis.

        Returns:
            The axes.

        Raises:
            InputError: matplotlib is not installed (`pip install 'closedform[plots]'`), or other
                axes.
        """
        best, text = self.best, self.best.readable
        return draw_front(
            axes_of(axes),
            [formula.complexity for formula in self],
            [formula.loss for formula in self],
            chosen=(best.complexity, best.loss),
            label=text if len(text) <= LONGEST_LABEL else "best",
            loss_label=loss,
        )

    def frame(self) -> pandas.DataFrame:
        """The front as a table: complexity, loss, formula, best."""
        import pandas

        return pandas.DataFrame(
            {
                "complexity": [formula.complexity for formula in self],
                "loss": [formula.loss for formula in self],
                "formula": [formula.text for formula in self],
                "best": [index == self._best for index in range(len(self))],
            }
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the front as JSON: names, and text and loss of every formula.

        Also `ranges`, [lowest, highest] of the data per input, and `labels`, the columns' own,
        where they are known; operators of the user's own, by name, with formulas as they are
        written in them beside the text without. A crash or a full disk leaves the old file or
        the new one.

        Raises:
            InputError: the path is no file's, or cannot be written to.
            OSError: it could not be written.
        """
        document: dict[str, object] = {
            "format": FORMAT,
            "version": VERSION,
            "names": list(self.best.own_names),
            "best": self._best,
            "stopped": self.stopped,
            "evaluations": self.evaluations,
            "seconds": self.seconds,
            "formulas": [f._saved() for f in self],
        }
        count = len(self.best.own_names)
        if self.best.ranges is not None:
            document["ranges"] = self.best.ranges[:count]
        if self.best.labels is not None:
            document["labels"] = self.best.labels[:count]
        names = self.best.names
        if isinstance(names, Names) and names.words.own:
            document["operators"] = {name: text for name, (text, _) in names.words.own.items()}
        text = json.dumps(document, indent=1, allow_nan=False)
        write_output(path, text + "\n")

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Front:
        """Reads what `save` wrote. No code in the file is run.

        Raises:
            OSError: the file cannot be read.
            InputError: no path, not such a file, cut short, or of a later version.
        """
        file = scalars.path(path, "path")
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
            if document["format"] != FORMAT:
                raise KeyError(FORMAT)
            if (version := int(document["version"])) > VERSION:
                raise _Newer(
                    f"{path}: is of version {version}; this closedform reads up to {VERSION}: "
                    "install a newer one"
                )
            names: Sequence[str] = [str(name) for name in document["names"]]
            if (words := Words.read(document.get("operators", {}), None)) is not None:
                names = words.of(names)
            ranges = _ranges(document.get("ranges"))
            labels = document.get("labels")
            labels = None if labels is None else [str(label) for label in labels]
            formulas = [_loaded(f, names, ranges, labels) for f in document["formulas"]]
            return Front(
                formulas,
                best=document["best"],
                stopped=str(document["stopped"]),
                evaluations=int(document["evaluations"]),
                seconds=float(document["seconds"]),
            )
        except _Newer:
            raise
        except (LookupError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise InputError(f"{path}: not a saved front, or cut short ({error!r})") from error

    def __repr__(self) -> str:
        ended = f", stopped={self.stopped!r}" if self.stopped else ""
        return f"Front({len(self)} formulas, best={shortened(self.best.text)!r}{ended})"

    def _repr_html_(self) -> str:
        """The table that notebooks show."""
        rows = [[str(f.complexity), f"{f.loss:.3g}", f.readable] for f in self]
        return html.table([["complexity", "loss", "formula"], *rows], marked=[self._best])

    def __str__(self) -> str:
        lines = [f"{'complexity':>10}  {'loss':>9}  formula"]
        for index, f in enumerate(self):
            mark = "  <- best" if index == self._best else ""
            lines.append(f"{f.complexity:>10}  {f.loss:>9.3g}  {f.text}{mark}")
        return "\n".join(lines)
