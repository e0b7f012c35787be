"""Several targets of the same inputs: a system of equations, each with its own front."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas import html
from closedform.formulas.formula import Formula, shortened
from closedform.pipelines.at_once import discover_at_once, named
from closedform.pipelines.discovery import discover
from closedform.pipelines.results import Discovery
from closedform.searches.progress import Callback
from closedform.searches.settings import given_formulas
from closedform.searches.turns import Turns
from closedform.tables import checks, cluster, scalars
from closedform.tables.frames import frame_of


class System(Mapping[str, Discovery]):
    """What `discover_system` found: a discovery for each target, by its name.

    Attributes:
        formulas: the formula of each target, by its name.

    Example:
        >>> import numpy as np
        >>> import closedform as cf
        >>> X = np.random.default_rng(0).uniform(1, 2, (50, 2))
        >>> Y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] + X[:, 1]])
        >>> print(cf.discover_system(X, Y, operators="+ *", evaluations=2000))
        y1 = x1*x2
        y2 = x1 + x2
    """

    def __init__(self, found: Mapping[str, Discovery]) -> None:
        self._found = dict(found)

    @property
    def formulas(self) -> dict[str, Formula]:
        return {name: found.formula for name, found in self.items()}

    def __getitem__(self, name: str) -> Discovery:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __call__(self, X: object) -> Floats:
        """Values of all targets, (n, targets) float64, as `Formula` gives those of one.

        Raises:
            InputError: rows that cannot be used.
        """
        return np.column_stack([formula(X) for formula in self.formulas.values()])

    def __str__(self) -> str:
        return "\n".join(f"{name} = {one.readable}" for name, one in self.formulas.items())

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={shortened(one.text)!r}" for name, one in self.formulas.items())
        return f"System({told})"

    def _repr_html_(self) -> str:
        """The table that notebooks show."""
        rows = [[name, found.formula.readable, found.verdict.kind] for name, found in self.items()]
        return html.table([["target", "formula", "verdict"], *rows])


def discover_system(
    X: object,
    Y: object,
    *,
    time: float = 60.0,
    evaluations: int | None = None,
    callback: Callback | None = None,
    client: object = None,
    **told: Any,
) -> System:
    """Finds a formula for each of several targets of the same inputs.

    The targets take their turns, with equal shares of the budget, what one leaves going to the
    others. The formulas of those before are among those that a search begins with: equations of one
    system have terms in common. With a client they are searched at once, in two rounds, of which
    the second begins with the formulas of all.

    Args:
        X: (n, d) array or table, as of `discover`.
        Y: (n, targets) array or table, whose labels name the targets (those of an array are y1, y2
            and so on), or labels of columns of X, which are then no inputs. Of Dask where X is.
        time, evaluations: of all targets together.
        callback: as of `discover`; returning True ends the whole.
        client: as of `discover`; its workers search for several targets at a time.
        told: what else `discover` takes, for each target; a mapping of `units` may have those of
            all targets by their names.

    Raises:
        InputError: arguments that cannot be used; targets without names, or of one name.
    """
    workers: Any = cluster.client_of(client, X)
    inputs, names, targets = _targets(X, Y)
    start = given_formulas(told.pop("start", None))
    if len(names) > 1 and "checkpoint" in (told.get("options") or {}):
        raise InputError(f"options: one checkpoint cannot hold {len(names)} targets' fronts")
    units = told.pop("units", None)
    budget: dict[str, Any] = {"time": time, "evaluations": evaluations, "callback": callback}
    if workers is not None:
        if cluster.is_distributed(inputs):  # read once, for all targets and both rounds
            inputs, *targets = workers.persist([inputs, *targets])
        same = {**told, "X": inputs, "client": workers}
        of_each = {
            name: {**same, "y": target, "units": _units(units, name, names)}
            for name, target in zip(names, targets, strict=True)
        }
        return System(discover_at_once(of_each, start, **budget))
    turns = Turns(budget, len(names))
    found: dict[str, Discovery] = {}
    for name, target in zip(names, targets, strict=True):
        own = [*start, *(one for before in found.values() for one in before.front)]
        given = {**told, **turns.next(), "start": own, "units": _units(units, name, names)}
        try:
            found[name] = discover(inputs, target, **given)
        except InputError as error:
            raise named(name, error) from error
        turns.ended(found[name].stopped)
    return System(found)


def _targets(X: object, Y: object) -> tuple[object, tuple[str, ...], list[Any]]:
    """The inputs, and the targets by name."""
    if isinstance(Y, (list, tuple)) and Y and all(isinstance(one, str) for one in Y):
        X, Y = _split(X, scalars.texts(Y, "Y"))
    if cluster.is_distributed(X):
        labels, columns = _columns_there(Y)
    else:
        table = checks.matrix(Y, name="Y")
        labels = table.labels
        columns = list(np.ascontiguousarray(table.values.T, dtype=np.float64))
    if labels is None:
        count = len(columns)
        labels = tuple(f"y{k + 1}" for k in range(count)) if count > 1 else ("y",)
    if len(set(labels)) < len(labels):
        raise InputError("Y: two targets have one name; rename one")
    return X, labels, columns


def _split(X: Any, labels: Sequence[str]) -> tuple[object, object]:
    """The other columns of a table, and those with the labels."""
    there = cluster.is_distributed(X)
    frame = None if there else frame_of(X)
    columns = list(getattr(X, "columns", ())) if frame is None else frame.columns
    if not columns:
        raise InputError("Y: labels of columns are those of a table; give one as X")
    for label in labels:
        if label not in columns:
            raise InputError(f"Y: no column {label!r} in X; it has {', '.join(map(str, columns))}")
    kept = [label for label in columns if label not in labels]
    if not kept:
        raise InputError("X: no input columns are left; it needs at least one")
    if frame is None:
        return X[kept], X[list(labels)]
    return frame.select(kept).to_native(), frame.select(list(labels)).to_native()


def _columns_there(Y: Any) -> tuple[tuple[str, ...] | None, list[Any]]:
    """Labels and columns of targets on a cluster, which stay there."""
    if not cluster.is_distributed(Y) or Y.ndim != 2:
        raise InputError(
            "Y: must be a Dask table with a column for each target, or labels of columns of X, "
            f"not {type(Y).__name__}"
        )
    if hasattr(Y, "columns"):
        return tuple(map(str, Y.columns)), [Y[label] for label in Y.columns]
    return None, [Y[:, k] for k in range(Y.shape[1])]


def _units(units: object, name: str, names: tuple[str, ...]) -> object:
    """Those of the inputs and of one target, which is y to `discover`."""
    if not isinstance(units, Mapping):
        return units
    own = {label: unit for label, unit in units.items() if label not in names}
    return own | ({"y": units[name]} if name in units else {})
