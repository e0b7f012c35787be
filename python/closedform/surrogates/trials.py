"""The fits by which a surrogate's sizes are chosen, as tasks on the workers of a cluster.

What is fitted next is decided where the surrogate is (fit_surrogate.cpp); a task fits some of what
is to be compared, each a size and a fold of the rows, to the bits that it would have there.
"""

from __future__ import annotations

import copyreg
import logging
from collections.abc import Sequence
from typing import Any

from closedform import _core
from closedform.tables import cluster
from closedform.tables.tasks import NoAnswer, Shared

ROWS_A_TASK = 2000  # at least: fits of few rows are done before others have been asked
LATE = 0.5  # seconds beyond the time that answers are waited for
_log = logging.getLogger("closedform")


def _parts(model: _core.TensorSurrogate) -> tuple[Any, ...]:
    inputs = range(model.inputs)
    nodes, patches, factors = (
        [of(d) for d in inputs] for of in (model.nodes, model.patch, model.factor)
    )
    return _core.TensorSurrogate, (nodes, patches, factors, model.offset, model.outside)


copyreg.pickle(_core.TensorSurrogate, _parts)  # files are `Surrogate.save`'s


class Rows:
    """Rows and what fits to them are told, which a worker makes ready once."""

    def __init__(self, *rows: Any, **told: Any) -> None:
        """As `_core.TrialRows`."""
        self.rows, self.told = rows, told
        self._ready: _core.TrialRows | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_ready": None}

    @property
    def ready(self) -> _core.TrialRows:
        if self._ready is None:
            self._ready = _core.TrialRows(*self.rows, **self.told)
        return self._ready


class Trials:
    """What `fit_surrogate` asks for its trials."""

    def __init__(self, client: Any, rows: Rows) -> None:
        self._shared = Shared(client, rows)
        self._each = max(1, ROWS_A_TASK // len(rows.rows[0]))

    @staticmethod
    def of(client: Any, rows: Rows) -> Trials | None:
        """None without a client, and for rows that are too many to be sent around."""
        if client is None or len(rows.rows[0]) > cluster.SAMPLE:
            return None
        return Trials(client, rows)

    def __call__(
        self, trials: Sequence[_core.SurrogateTrial], seconds: float
    ) -> list[_core.FittedTrial | None]:
        """The fits in order, None for what is late; none where the cluster gives no answer, and
        where there is work for one task only."""
        firsts = range(0, len(trials), self._each)
        some = [list(trials[first : first + self._each]) for first in firsts]
        if len(some) == 1:
            return []
        try:
            found = self._shared.ask(fitted, [(batch, seconds) for batch in some], seconds + LATE)
        except NoAnswer as end:
            _log.warning("the surrogate is fitted without the workers: %s", end)
            return []
        return [
            one
            for batch, answer in zip(some, found, strict=True)
            for one in (answer or [None] * len(batch))
        ]


def fitted(
    rows: Rows, trials: Sequence[_core.SurrogateTrial], seconds: float
) -> list[_core.FittedTrial]:
    """On a worker."""
    return [rows.ready.fit(trial, seconds) for trial in trials]
