"""Groups of rows: a column of names, or one name a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from closedform.errors import InputError
from closedform.tables import devices
from closedform.tables.frames import frame_of, series_values


@dataclass(frozen=True)
class Groups:
    """Which group each row is of.

    Attributes:
        name: of what tells them apart: the column's.
        labels: of the groups, in order.
        index: (n,) int64, positions among them.
    """

    name: str
    labels: tuple[str, ...]
    index: npt.NDArray[np.int64]

    @staticmethod
    def read(X: object, groups: object) -> tuple[object, Groups]:
        """The table without their column, and the groups.

        groups: the name of a column of the table X, or (n,) names or whole numbers, or groups
            that have been read.

        Raises:
            InputError: a name that no column has, a table that is not in memory, names that are
                missing.
        """
        if isinstance(groups, Groups):
            return X, groups
        if isinstance(groups, str):
            X, texts = taken(X, groups)
            name = groups
        else:
            texts = _texts(groups)
            name = getattr(groups, "name", None) or "group"
        labels, index = np.unique(texts, return_inverse=True)
        return X, Groups(str(name), tuple(labels.tolist()), index.astype(np.int64))

    def at(self, rows: npt.NDArray[np.intp] | None) -> Groups:
        """The same at some of the rows; None for all."""
        return self if rows is None else Groups(self.name, self.labels, self.index[rows])

    def check(self, rows: int) -> Groups:
        """Raises:
        InputError: not one for every row.
        """
        if len(self.index) != rows:
            raise InputError(f"groups: has {len(self.index)} names for {rows} rows; give one a row")
        return self


def taken(X: object, name: str) -> tuple[object, npt.NDArray[Any]]:
    """A table without a column of names, and these, (n,) texts.

    Raises:
        InputError: no such column, or no table in memory.
    """
    frame = frame_of(X)
    if frame is None:
        raise InputError(
            f"groups: {name!r} is a column's name, but X is no table in memory; give a table, or "
            "one name a row"
        )
    if name not in frame.columns:
        raise InputError(f"groups: no column {name!r} in X; it has {', '.join(frame.columns)}")
    texts = _texts(frame.get_column(name).to_list())
    return frame.drop(name).to_native(), texts


def _texts(names: object) -> npt.NDArray[Any]:
    """One text a row: whole numbers without a point."""
    values = series_values(devices.on_host(names, "groups"), "groups")
    try:
        given = np.asarray(values, dtype=object)
    except (TypeError, ValueError) as error:
        raise InputError(f"groups: cannot be read ({error}); give one name a row") from error
    if given.ndim != 1 or len(given) == 0:
        raise InputError(f"groups: has shape {given.shape}; give one name a row")
    for row, value in enumerate(given):
        if value is None or value != value:
            raise InputError(f"groups: row {row} has no name; drop it, or give it one")
    return np.array([_text(value) for value in given])


def _text(value: object) -> str:
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)
