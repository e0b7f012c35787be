"""Rows of a surrogate on a cluster: what its fit and its scores ask of all of them.

Sizes are chosen, and most of the fit is done, with a sample of the rows, as where they lie in
memory. Then all have their say in a step of Gauss and Newton (fit_surrogate.hpp): of a model a
partition tells how the squared error changes with every node value of every mode at once, so that a
fit takes a few passes, of one task a partition each.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from closedform import _core
from closedform._typing import FloatMatrix, Floats
from closedform.tables.cluster import Part, Partitions
from closedform.tables.columns import inputs_of
from closedform.tables.tasks import NoAnswer

SCORED = 1_000_000  # rows, in all: means over more are no better
_log = logging.getLogger("closedform")


@dataclass(frozen=True)
class Everywhere:
    """All rows that a surrogate is for, where whoever fits it has a sample.

    Attributes:
        partitions: where they lie.
        ends: by time.monotonic, when an answer is no longer waited for.
        logarithmic: it is a surrogate of the target's logarithm.
    """

    partitions: Partitions
    ends: float = math.inf
    logarithmic: bool = False

    @property
    def beyond(self) -> _core.Beyond:
        """What a fit asks."""
        return _core.Beyond(self._slopes, self.partitions.weight, *self.ends_of_columns)

    @property
    def ends_of_columns(self) -> tuple[list[float], list[float]]:
        """The least and the largest values, which grids reach to."""
        low, high = self.partitions.ranges.T.tolist()
        return low, high

    def _slopes(self, model: _core.TensorSurrogate) -> tuple[Sequence[Floats], float] | None:
        try:
            total = self.partitions.total(slopes_of, model, self.logarithmic, ends=self.ends)
        except NoAnswer as end:
            _log.warning("the surrogate is that of a sample of the rows: %s", end)
            return None
        *by_node, squares = total
        return by_node, float(squares[0])

    def pairs(
        self, rows: FloatMatrix, names: Sequence[str], labels: Sequence[str] | None
    ) -> Callable[[_core.TensorSurrogate, float], _core.PairTotals]:
        """What scores ask, for an offset of the products: of the rows given where the others give
        no answer.

        names, labels: of the surrogate's inputs, as `inputs_of` takes them.
        """
        most = math.ceil(SCORED / len(self.partitions.parts))

        def asked(model: _core.TensorSurrogate, offset: float) -> _core.PairTotals:
            what = model, offset, most, names, labels
            try:
                return self.partitions.total(pairs_of, *what, ends=self.ends)[0]
            except NoAnswer as end:
                _log.warning("scores of pairs are those of a sample of the rows: %s", end)
                return _core.pair_totals(model, rows, offset=offset, most_rows=SCORED, threads=1)

        return asked


def slopes_of(part: Part, model: _core.TensorSurrogate, logarithmic: bool) -> list[Floats]:
    """On a worker: of a partition's rows that may be searched, how the squared error changes with
    the node values of every input, and that error."""
    if part.data is None:
        return []
    with np.errstate(all="ignore"):  # then there is no step
        target = np.log(part.data.target) if logarithmic else part.data.target
    X = part.data.inputs.values
    by_node, squares = _core.error_slopes(model, X, target, part.counts, threads=1)
    return [*by_node, np.array([squares])]


def pairs_of(
    part: Part,
    model: _core.TensorSurrogate,
    offset: float,
    most: int,
    names: Sequence[str],
    labels: Sequence[str] | None,
) -> list[_core.PairTotals]:
    """On a worker: what a partition's rows add to the scores of pairs."""
    if part.data is None:
        return []
    X = inputs_of(part.data.inputs, names, labels, "the surrogate")
    return [_core.pair_totals(model, X, offset=offset, most_rows=most, threads=1)]
