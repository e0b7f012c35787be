"""Neurons of models drawn at random (`neurons.drawn`), by what `cf.interpret` says of them.

A class is right where its formula is a function of the concept: their gradients are parallel on
fresh rows within the band, constants within a few per cent. A hidden neuron, of which no formula is
known, where its own gradients are the formula's there and the formula orders fresh rows as it does.
A verdict is honest that says "concept found" only of what is right, and "no closed form found" of
no class that is.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Sequence

import numpy as np

import closedform as cf
from bench.neurons.rules import Floats, unit
from bench.neurons.systems import OPERATORS
from bench.peers import missing
from bench.record import Record
from closedform.neurons.unit_gradients import unit_gradients
from closedform.pipelines.monotone_link import rank_correlation

PARALLEL = 0.998  # mean |cosine| with a known concept
LIKE = 0.98  # mean |cosine| with a hidden neuron, and rank correlation


def run(*, draw: int, evaluations: int, threads: int, seed: int) -> list[Record]:
    """Seconds of `interpret`; infinite where the verdict is not honest."""
    parameters = {"draw": draw, "evaluations": evaluations}
    if reason := missing("torch"):
        return [Record("models.trained", parameters, "not run", math.nan, peer=reason)]
    from bench.neurons.drawn import draw as drawn

    model = drawn(draw)
    begun = clock.perf_counter()
    found = cf.interpret(
        model.network,
        model.X,
        operators=OPERATORS,
        time=math.inf,
        evaluations=evaluations,
        threads=threads,
        seed=seed,
        progress=False,
    )
    seconds = clock.perf_counter() - begun
    wrong = _wrong(found, model.network, model.concept, model.fresh)
    kind = found.verdict.kind
    if wrong:
        honest = kind != "concept found"
    else:
        honest = model.concept is None or kind != "no closed form found"
    told = wrong or "right"
    return [
        Record(
            "models.trained",
            parameters,
            f"{model.kind} {told}; {kind}, {'rightly' if honest else 'WRONGLY'}",
            seconds if honest else math.inf,
            note=f"{found.formula} for {model.concept or 'a hidden neuron'}",
        )
    ]


def _wrong(
    found: cf.Interpretation, network: cf.Network, concept: cf.Formula | None, fresh: Floats
) -> str:
    """Why a formula does not stand for a neuron; "" if it does."""
    inside = unit_gradients(network, fresh)
    U = inside.U if concept is None else unit(concept.gradient(inside.X) * inside.scales)
    V = unit(found.formula.gradient(inside.X) * inside.scales)
    cosines = np.sum(U * V, axis=1)
    cosine = float(np.mean(np.abs(cosines)))
    least = LIKE if concept is None else PARALLEL
    if not cosine >= least:
        return f"mean cosine {cosine:.4f}"
    if concept is None:
        ranks = abs(rank_correlation(found.link(found.formula(inside.X)), inside.f))
        if not ranks >= LIKE:
            return f"rank correlation {ranks:.3f}"
    return ""


def summarise(records: Sequence[Record]) -> list[Record]:
    """How many verdicts are honest, of those run, and how many formulas right."""
    ran = [record for record in records if not math.isnan(record.ours)]
    if not ran:
        return [records[0]]
    right = sum(" right; " in record.answer for record in ran)
    wrong = [str(record.parameters["draw"]) for record in ran if not math.isfinite(record.ours)]
    return [
        Record(
            "models.trained",
            {key: value for key, value in ran[0].parameters.items() if key == "evaluations"},
            f"{right} are right; verdicts honest",
            len(ran) - len(wrong),
            unit=f"of {len(ran)} models",
            note=f"not: {' '.join(wrong)}" if wrong else "",
        )
    ]
