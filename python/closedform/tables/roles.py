"""Which columns of a table are the target, the weights and so on, and which are inputs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from closedform.errors import InputError

COMPARED = 1000  # names, with one that is not there: it takes long
BATCH_ROWS = 1 << 16  # that are read at a time


@dataclass(frozen=True)
class Chunk:
    """Some rows as they were given: a table or array, and one value a row or nothing."""

    X: object
    y: object = None
    weights: object = None
    sigma: object = None


@dataclass(frozen=True)
class Choice:
    """Positions of the columns to read."""

    inputs: list[int]
    y: int | None
    weights: int | None
    sigma: int | None


@dataclass(frozen=True)
class Roles:
    """Labels of the columns that are no inputs; None for those that are none of the table's.

    Attributes:
        y, weights, sigma: one each.
        y_name: what messages call y.
        drop: columns to leave out.
    """

    y: str | None
    weights: str | None
    sigma: str | None
    y_name: str = "y"
    drop: Sequence[str] = ()

    @staticmethod
    def named(y: object, weights: object, sigma: object, y_name: str) -> Roles:
        """Those among the arguments that are labels."""
        own = [value if isinstance(value, str) else None for value in (y, weights, sigma)]
        return Roles(own[0], own[1], own[2], y_name)

    def labels(self) -> dict[str, str]:
        """By what messages call them."""
        every = {self.y_name: self.y, "weights": self.weights, "sigma": self.sigma}
        return {role: label for role, label in every.items() if label is not None}

    def choose(self, labels: Iterable[object], source: str) -> Choice:
        """The columns that have a role, and the inputs: all others.

        Args:
            labels: of all columns.
            source: whose they are, in messages.

        Raises:
            InputError: two columns of one label, a label that no column has or that is given twice,
                no inputs.
        """
        known: dict[object, int] = {}
        for j, label in enumerate(labels):
            if label in known:
                raise InputError(f"{source}: two columns are called {label!r}; rename one")
            known[label] = j
        wanted = list(self.labels().items())
        at = len(wanted) > 0 and wanted[0][0] == self.y_name
        wanted[int(at) : int(at)] = [("drop", label) for label in self.drop]
        roles: dict[str, str] = {}
        for role, label in wanted:
            if label not in known:
                raise _no_column(role, label, list(known), source)
            if roles.setdefault(label, role) != role:
                raise InputError(
                    f"{role}: column {label!r} is already used as {roles[label]}; choose one"
                )
        inputs = [j for label, j in known.items() if label not in roles]
        if not inputs:
            raise InputError(f"{source}: no input columns are left; it needs at least one")
        y, weights, sigma = (
            None if label is None else known[label] for label in (self.y, self.weights, self.sigma)
        )
        return Choice(inputs, y, weights, sigma)


def _no_column(role: str, label: str, labels: list[object], source: str) -> InputError:
    texts = [known for known in labels[:COMPARED] if isinstance(known, str)]
    near = difflib.get_close_matches(label, texts, n=3, cutoff=0.5)
    hint = "did you mean" if near else "it has" if len(labels) < 9 else "its first are"
    shown = ", ".join(map(repr, near or labels[:8]))
    return InputError(f"{role}: no column {label!r} in {source}; {hint} {shown}")
