"""Rows on the machines of a Dask cluster: they stay there, and what is asked of all of them is
answered partition by partition and folded in the partitions' order.

So a sum has the same bits for any number of workers, and one that dies changes nothing: the
scheduler computes again what was lost. Whoever asks keeps samples of the rows alone. Nothing of
Dask is imported where no data and no client of it are given.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from closedform import _core
from closedform._choices import Missing
from closedform.errors import InputError
from closedform.tables import checks, chunks
from closedform.tables.checks import Matrix
from closedform.tables.chunks import Data
from closedform.tables.rows import sample_rows
from closedform.tables.tasks import NoAnswer, answers, no_answer

AT_ONCE = 64  # answers of partitions that are kept while they wait for their turn
SAMPLE = 200_000  # rows that whoever asks keeps
_Answer = TypeVar("_Answer")
_Sum = TypeVar("_Sum")


@dataclass(frozen=True)
class Part:
    """The checked rows of a partition, where it lies.

    Attributes:
        data: as `chunks.gather` has them; None where the partition has no rows.
        held: (n,) bool, the rows set aside for the errors.
        given: how many rows the partition has.
    """

    data: Data | None
    held: npt.NDArray[np.bool_]
    given: int

    @property
    def counts(self) -> npt.NDArray[np.float64]:
        """(n,) how often each row counts: those set aside do not."""
        weights = None if self.data is None else self.data.weights
        return np.where(self.held, 0.0, 1.0 if weights is None else weights)


@dataclass(frozen=True)
class _Facts:
    """What is known of a partition without its rows."""

    rows: int
    held: int
    weight: float
    given: int
    names: tuple[str, ...]
    labels: tuple[str, ...] | None
    ranges: npt.NDArray[np.float64]


def is_distributed(X: object) -> bool:
    """Whether rows are a Dask DataFrame or Array."""
    return type(X).__module__.partition(".")[0] in ("dask", "dask_expr") and hasattr(X, "dask")


@dataclass(frozen=True)
class Cluster:
    """Workers that search.

    Attributes:
        client: what asks them.
        colonies: searches side by side, which exchange what they find; results depend on their
            number, not on that of the workers.
    """

    client: Any
    colonies: int


def client_of(client: object, X: object) -> Any:
    """The client to work through: that given or, for Dask's data, the current one; else None.

    Raises:
        InputError: no client of dask.distributed, or none for data that need one.
    """
    if client is None and not is_distributed(X):
        return None
    distributed = sys.modules.get("distributed")
    if client is not None:
        if distributed is None or not isinstance(client, distributed.Client):
            raise InputError(
                f"client: must be a dask.distributed.Client, not {type(client).__name__}"
            )
        if client.status != "running":
            raise InputError(f"client: is {client.status}; make one of a cluster that runs")
        return _checked_client(client)
    if distributed is not None:
        try:
            current = distributed.get_client()
        except ValueError:
            current = None
        if current is not None:
            return _checked_client(current)
    raise InputError(
        "X: lies in a Dask cluster, and there is no client; make one "
        "(dask.distributed.Client), or give X.compute()"
    )


def _checked_client(client: Any) -> Any:
    """The client, whose workers there are have our version: what is sent is read by them."""
    try:
        others = client.run(_versions, on_error="return")
    except Exception as error:  # whatever a cluster that has gone raises
        raise no_answer(error) from error
    own = _versions()
    for worker, theirs in others.items():
        if theirs != own and not isinstance(theirs, OSError):  # one that has just died
            raise InputError(
                f"client: worker {worker} has {theirs}, this process {own}; install the same"
            )
    return client


def _versions() -> str:
    python = ".".join(map(str, sys.version_info[:2]))
    return f"closedform {_core.build_info()['version']}, Python {python}"


@dataclass(frozen=True)
class Partitions:
    """The rows of a table on the workers.

    Attributes:
        client: what asks them.
        parts: futures of a `Part` each, in order.
        rows: how many each has, without those that were dropped.
        held_out: how many of all are set aside.
        weight: how often the others count, in all.
        dropped: rows left out for a missing value.
        names, labels: of the columns, as a `Matrix` has them.
        ranges: (d, 2), the least and the largest value of each column.
    """

    client: Any
    parts: tuple[Any, ...]
    rows: tuple[int, ...]
    held_out: int
    weight: float
    dropped: int
    names: tuple[str, ...]
    labels: tuple[str, ...] | None
    ranges: npt.NDArray[np.float64]

    @staticmethod
    def of(
        X: Any,
        y: object,
        weights: object,
        sigma: object,
        *,
        client: Any,
        y_name: str = "y",
        missing: Missing = "error",
        held_out: float = 0.0,
        seed: int = 0,
    ) -> Partitions:
        """Checks every partition where it lies.

        Args:
            X: Dask DataFrame or (n, d) Array.
            y, weights, sigma: Dask Series or Arrays in the same partitions, labels of columns, or
                None.
            y_name: what messages call y.
            missing: as in `chunks.gather`, for each partition.
            held_out: share of the rows of each that is set aside.
            seed: of the rows set aside.

        Raises:
            InputError: what is wrong with a partition, and with which; partitions that do not go
                together.
        """
        from dask.delayed import delayed

        columns = {y_name: y, "weights": weights, "sigma": sigma}
        blocks = _blocks(X, "X")
        others = {
            name: [column] * len(blocks)
            if column is None or isinstance(column, str)
            else _blocks(column, name)
            for name, column in columns.items()
        }
        for name, own in others.items():
            if len(own) != len(blocks):
                raise InputError(
                    f"{name}: has {len(own)} partitions, X has {len(blocks)}; give a column's name"
                )
        checked = delayed(_checked, pure=False)
        tasks = [
            checked(block, number, *own, y_name, missing, held_out, seed)
            for number, (block, *own) in enumerate(zip(blocks, *others.values(), strict=True))
        ]
        parts = tuple(client.compute(tasks))
        facts = list(_in_order(client, parts, _facts))
        known = [fact for fact in facts if fact.rows > 0]
        if not known:
            raise InputError("X: no partition has rows")
        first = known[0]
        for number, fact in enumerate(facts):
            if fact.rows > 0 and (fact.names, fact.labels) != (first.names, first.labels):
                raise InputError(
                    f"X: partition {number} has the columns {', '.join(fact.names)}, others "
                    f"{', '.join(first.names)}; give all the same"
                )
        return Partitions(
            client,
            parts,
            tuple(fact.rows for fact in facts),
            sum(fact.held for fact in facts),
            sum(fact.weight for fact in facts),
            sum(fact.given - fact.rows for fact in facts),
            first.names,
            first.labels,
            np.column_stack(
                [
                    np.min([fact.ranges[:, 0] for fact in known], axis=0),
                    np.max([fact.ranges[:, 1] for fact in known], axis=0),
                ]
            ),
        )

    def total(
        self,
        question: Callable[..., Sequence[_Sum]],
        *what: object,
        ends: float = math.inf,
    ) -> list[_Sum]:
        """question(part, *what) of every partition, asked where each lies, and added up in their
        order: one task a partition, so that there are few round trips.

        Args:
            question: sums over a partition's rows; none where it has nothing to say.
            ends: by time.monotonic, when an answer is no longer waited for.

        Raises:
            NoAnswer: as `answer`.
        """
        total: list[_Sum] = []
        for found in _in_order(self.client, self.parts, question, *what, ends=ends):
            if not total:
                total = list(found)
            elif found:
                total = list(map(operator.iadd, total, found))
        return total

    def sample(self, most: int, seed: int) -> tuple[Data, npt.NDArray[np.bool_]]:
        """At most so many rows, drawn from all; and which of them are set aside."""
        starts = np.concatenate([[0], np.cumsum(self.rows)])
        drawn = np.sort(sample_rows(int(starts[-1]), most, np.random.default_rng(seed)))
        of_parts = np.split(drawn, np.searchsorted(drawn, starts[1:-1]))
        wanted = [
            (part, own - start)
            for part, own, start in zip(self.parts, of_parts, starts[:-1], strict=True)
            if len(own) > 0
        ]
        asked = self.client.map(_taken, *zip(*wanted, strict=True), pure=False)
        taken = answers(self.client, asked)

        def joined(column: str) -> npt.NDArray[np.float64] | None:
            values = [getattr(data, column) for data, _ in taken]
            return None if values[0] is None else np.concatenate(values)

        values = np.concatenate([data.inputs.values for data, _ in taken])
        table = Matrix(values, self.names, self.labels)
        data = Data(table, joined("y"), joined("weights"), joined("sigma"), None, self.dropped)
        return data, np.concatenate([held for _, held in taken])


def _in_order(
    client: Any,
    parts: Sequence[Any],
    question: Callable[..., _Answer],
    *what: object,
    ends: float = math.inf,
) -> Iterator[_Answer]:
    """A number of answers at a time: what waits does not grow with the partitions."""
    for first in range(0, len(parts), AT_ONCE):
        some = parts[first : first + AT_ONCE]
        asked = client.map(_answered, some, question=question, what=what, pure=False)
        try:
            yield from answers(client, asked, ends)
        except NoAnswer:
            client.cancel(asked)
            raise


def _answered(part: Part, question: Callable[..., _Answer], what: Sequence[object]) -> _Answer:
    """On a worker."""
    return question(part, *what)


def _blocks(rows: Any, name: str) -> list[Any]:
    """The partitions, as Dask's delayed objects."""
    if not is_distributed(rows):
        raise InputError(
            f"{name}: must be of Dask, in the partitions of X, or a column's name, not "
            f"{type(rows).__name__}"
        )
    if getattr(rows, "ndim", 1) == 2 and hasattr(rows, "rechunk"):
        rows = rows.rechunk({1: -1})
    return list(np.ravel(np.asarray(rows.to_delayed(), dtype=object)))


def _checked(
    block: Any,
    number: int,
    y: object,
    weights: object,
    sigma: object,
    y_name: str,
    missing: Missing,
    held_out: float,
    seed: int,
) -> Part:
    """On a worker: a partition's rows."""
    given = len(block)
    if given == 0:
        return Part(None, np.zeros(0, dtype=bool), 0)
    try:
        data = chunks.gather(block, y, weights, sigma, y_name=y_name, min_rows=0, missing=missing)
    except InputError as error:
        raise InputError(f"partition {number}: {error}") from None
    rows = len(data.inputs.values)
    held = np.zeros(rows, dtype=bool)
    rng = np.random.default_rng([seed, number])
    held[sample_rows(rows, round(held_out * rows), rng)] = True
    return Part(replace(data, kept=None), held, given)


def _facts(part: Part) -> _Facts:
    data = part.data
    if data is None or len(data.inputs.values) == 0:
        return _Facts(0, 0, 0.0, part.given, (), None, np.zeros((0, 2)))
    X = data.inputs.values
    ranges = np.column_stack([X.min(axis=0), X.max(axis=0)]).astype(np.float64)
    held = int(part.held.sum())
    weight = float(part.counts.sum())
    return _Facts(len(X), held, weight, part.given, data.inputs.names, data.inputs.labels, ranges)


def _taken(part: Part, rows: npt.NDArray[np.int64]) -> tuple[Data, npt.NDArray[np.bool_]]:
    data = part.data
    assert data is not None  # it has rows
    columns = [
        None if column is None else column[rows] for column in (data.y, data.weights, data.sigma)
    ]
    inputs = replace(data.inputs, values=data.inputs.values[rows])
    return Data(inputs, columns[0], columns[1], columns[2]), part.held[rows]


def gathered(
    X: object,
    y: object = None,
    weights: object = None,
    sigma: object = None,
    *,
    client: object = None,
    y_name: str = "y",
    missing: Missing = "error",
) -> tuple[Data, Partitions | None]:
    """`chunks.gather`; of rows on a cluster at most 200,000, drawn from all partitions, and these.

    Raises:
        InputError: as those.
    """
    roles: dict[str, Any] = {"y_name": y_name, "missing": missing}
    if not is_distributed(X):
        return chunks.gather(X, y, weights, sigma, **roles), None
    found = Partitions.of(X, y, weights, sigma, client=client_of(client, X), **roles)
    checks.check_rows(sum(found.rows), 2, "X")
    return found.sample(SAMPLE, 0)[0], found
