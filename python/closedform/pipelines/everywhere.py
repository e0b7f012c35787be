"""The end of `discover` where the rows lie on a cluster: what a sample gave, on all of them."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from closedform.formulas.formula import Formula
from closedform.formulas.noise import Noise, Parameters
from closedform.pipelines.held_out import ErrorSums, HeldOut, Rows
from closedform.pipelines.results import Discovery
from closedform.searches.everywhere import LATE, densities_of, on_all_rows, sent
from closedform.searches.settings import Settings
from closedform.tables.checks import Matrix
from closedform.tables.chunks import Data
from closedform.tables.cluster import Part, Partitions
from closedform.tables.tasks import NoAnswer

_log = logging.getLogger("closedform")


def concluded(
    found: Discovery, partitions: Partitions, searched: Rows, settings: Settings, ends: float
) -> Discovery:
    """Constants of all rows that may be searched, losses, too, where errors are of one size, and
    the errors of the formula chosen at all rows set aside. As far as the cluster answers in time.

    searched: a sample of the rows.
    ends: by time.monotonic, when no other pass over the rows is to begin.
    """
    front, noise, fitted = found.front, found.noise.main, found.noise.fitted
    errors = dict(found.errors)
    sample = Data(Matrix(searched.X, partitions.names), searched.y, searched.counts)
    front = on_all_rows(front, partitions, ends, densities_of(front, noise, sample))
    if settings.rules is not None:
        front = settings.rules.told(front)
    front = front.of_data(partitions.labels, partitions.ranges.T)
    try:
        for sums in partitions.total(errors_of, front.best, sent(noise), fitted, ends=ends + LATE):
            errors[found.chosen] = sums.errors()
    except (NoAnswer, KeyboardInterrupt) as end:
        _log.warning("errors are those at a sample of the rows set aside: %s", end)
    rows = sum(partitions.rows) - partitions.held_out
    told = replace(
        found.provenance, rows=rows, held_out=partitions.held_out, dropped=partitions.dropped
    )
    return replace(found, formula=front.best, front=front, errors=errors, provenance=told)


def errors_of(
    part: Part, formula: Formula, noise: Noise, parameters: Parameters
) -> list[ErrorSums]:
    """On a worker: of the rows of a partition that are set aside; none where there are none."""
    data, rows = part.data, np.flatnonzero(part.held)
    if data is None or len(rows) == 0:
        return []
    counts, sigma = (None if c is None else c[rows] for c in (data.weights, data.sigma))
    if counts is not None and not counts.any():
        return []
    held = Rows(data.inputs.values[rows], data.target[rows], counts, sigma)
    return [HeldOut(noise, parameters, held, leave_out=False).sums(formula)]
