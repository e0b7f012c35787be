"""Where a result is from: its rows, and what it takes to find it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from closedform import _core
from closedform._typing import Floats
from closedform.pipelines.held_out import Rows
from closedform.searches.budget import Budget
from closedform.searches.settings import Settings
from closedform.tables.chunks import Data
from closedform.tables.rows import sample_rows

MOST_ROWS, MOST_NUMBERS = 2000, 400_000  # of a sample


@dataclass(frozen=True)
class Provenance:
    """What a result was found in, and how.

    Attributes:
        target: its name.
        inputs: what the user calls the columns.
        rows, held_out, dropped: how many rows were searched, set aside, and left out for a missing
            value.
        settings: what was asked for, by the names of the arguments.
        version, instruction_set: of closedform, and which of the processor's it used.
        begun: when, with the time zone.
        seconds, evaluations: what it took.
    """

    target: str
    inputs: tuple[str, ...]
    rows: int
    held_out: int
    dropped: int
    settings: Mapping[str, object]
    version: str
    instruction_set: str
    begun: datetime
    seconds: float = 0.0
    evaluations: int = 0

    def ended(self, budget: Budget) -> Provenance:
        """The same of a run that ends now."""
        return replace(self, seconds=budget.elapsed(), evaluations=budget.spent)


def provenance(
    target: str,
    data: Data,
    rows: tuple[int, int],
    settings: Settings,
    asked: Mapping[str, object],
) -> Provenance:
    """That of a run that begins now.

    Args:
        target: its name.
        data: what is given.
        rows: how many of it are searched, and set aside.
        asked: arguments that are not among the settings.
    """
    info, table = _core.build_info(), data.inputs
    common = ("max_size", "time", "evaluations", "backend", "threads", "seed")
    words: dict[str, object] = {"operators": settings.every_operator}
    if settings.words is not None:
        own = {name: f"{name}: {text}" for name, (text, _) in settings.words.own.items()}
        words["operators"] = tuple(own.get(name, name) for name in settings.every_operator)
        words |= {"complexities": settings.words.counts} if settings.words.counts else {}
    return Provenance(
        target=target,
        inputs=table.names if table.labels is None else table.labels,
        rows=rows[0],
        held_out=rows[1],
        dropped=data.dropped,
        settings={**asked, **words, **{name: getattr(settings, name) for name in common}},
        version=info["version"],
        instruction_set=info["instruction_set"],
        begun=datetime.now().astimezone(),
    )


@dataclass(frozen=True)
class Sample:
    """Some rows of a table, to look at.

    Attributes:
        X: (n, d) float64, y: (n,) float64.
        held_out: (n,) bool, those that nothing was fitted to.
    """

    X: Floats
    y: Floats
    held_out: npt.NDArray[np.bool_]


def sample_of(searched: Rows, tested: Rows, seed: int) -> Sample:
    """At most 2000 rows, as many of those held out as there are in all."""
    total = len(searched.y) + len(tested.y)
    most = min(MOST_ROWS, max(100, MOST_NUMBERS // searched.X.shape[1]))
    rng = np.random.default_rng(seed)
    parts = []
    for rows in (searched, tested):
        share = -(-most * len(rows.y) // total)
        chosen = np.sort(sample_rows(len(rows.y), min(share, len(rows.y)), rng))
        parts.append((np.asarray(rows.X[chosen], dtype=np.float64), rows.y[chosen]))
    (X, y), (test_X, test_y) = parts
    return Sample(
        np.concatenate([X, test_X]),
        np.concatenate([y, test_y]),
        np.arange(len(y) + len(test_y)) >= len(y),
    )
