"""The end of `discover` where the rows lie on a cluster: what a sample gave, on all of them."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from closedform.errors import InputError
from closedform.formulas.formula import Formula
from closedform.formulas.noise import Noise, Parameters
from closedform.pipelines.held_out import Errors, ErrorSums, HeldOut, Rows
from closedform.pipelines.results import Discovery
from closedform.searches.everywhere import on_all_rows
from closedform.searches.settings import Settings
from closedform.tables.cluster import Part, Partitions

_log = logging.getLogger("closedform")


def concluded(
    found: Discovery, partitions: Partitions, settings: Settings, ends: float
) -> Discovery:
    """Constants and losses of all rows searched, where their errors are of one size, and the errors
    of the formula chosen at all rows set aside. As it is where the cluster gives no answer.

    ends: by time.monotonic, when no other pass over the rows is to begin.
    """
    front, noise = found.front, found.noise
    errors = dict(found.errors)
    try:
        if noise.main.kind == "absolute":
            front = on_all_rows(front, partitions, ends)
            if settings.rules is not None:
                front = settings.rules.told(front)
        front = front.of_data(partitions.labels, partitions.ranges.T)
        if partitions.held_out > 0:
            asked = partitions.ask(errors_of, front.best, noise.main, noise.fitted)
            errors[found.chosen] = _added([sums for sums in asked if sums is not None])
    except (InputError, KeyboardInterrupt) as end:
        _log.warning("constants and losses are those of a sample of the rows: %s", end)
        front, errors = found.front, dict(found.errors)
    rows = sum(partitions.rows) - partitions.held_out
    told = replace(
        found.provenance, rows=rows, held_out=partitions.held_out, dropped=partitions.dropped
    )
    return replace(found, formula=front.best, front=front, errors=errors, provenance=told)


def errors_of(
    part: Part, formula: Formula, noise: Noise, parameters: Parameters
) -> ErrorSums | None:
    """On a worker: of the rows of a partition that are set aside; None where there are none."""
    data, rows = part.data, np.flatnonzero(part.held)
    if data is None or len(rows) == 0:
        return None
    counts, sigma = (None if c is None else c[rows] for c in (data.weights, data.sigma))
    if counts is not None and not counts.any():
        return None
    held = Rows(data.inputs.values[rows], data.target[rows], counts, sigma)
    return HeldOut(noise, parameters, held, leave_out=False).sums(formula)


def _added(parts: list[ErrorSums]) -> Errors:
    total, *others = parts
    for other in others:
        total += other
    return total.errors()
