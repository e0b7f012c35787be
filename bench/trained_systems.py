"""Invariants read from the latents of siamese networks trained here (arXiv 2409.05305).

A system counts where the formula is its concept, up to a function, with constants within 3 %
(`systems.System.wrong_form`), and the verdict says so; or where it is not, and the verdict says
that. Networks take seconds and are not kept.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Sequence

import closedform as cf
from bench.neurons.systems import OPERATORS, SYSTEMS
from bench.peers import missing
from bench.record import Record, Target

NAMES = tuple(system.name for system in SYSTEMS)
LARGEST = 20  # nodes of a formula
SHARE = 11 / 12  # of the systems, whose form is right


def run(*, system: str, draw: int, evaluations: int, threads: int, seed: int) -> list[Record]:
    """Seconds of `interpret`; infinite where the form is wrong."""
    parameters = {"system": system, "draw": draw, "evaluations": evaluations}
    if reason := missing("torch"):
        return [Record("systems.trained", parameters, "not run", math.nan, peer=reason)]
    from bench.neurons.siamese import trained

    truth = next(one for one in SYSTEMS if one.name == system)
    encoder, X = trained(truth, draw)
    begun = clock.perf_counter()
    found = cf.interpret(
        encoder,
        X,
        operators=OPERATORS,
        max_size=LARGEST,
        time=math.inf,
        evaluations=evaluations,
        threads=threads,
        seed=seed,
        progress=False,
    )
    seconds = clock.perf_counter() - begun
    wrong = truth.wrong_form(found.formula)
    honest = (found.verdict.kind == "concept found") == (not wrong)
    return [
        Record(
            "systems.trained",
            parameters,
            f"form {wrong or 'right'}; {found.verdict.kind}, {'rightly' if honest else 'WRONGLY'}",
            math.inf if wrong else seconds,
            note=f"{found.formula}; {found.fidelity}",
        )
    ]


def summarise(records: Sequence[Record]) -> list[Record]:
    """How many are right in form, of those run, and how many verdicts are wrong."""
    ran = [record for record in records if not math.isnan(record.ours)]
    if not ran:
        return [records[0]]
    found = [record for record in ran if math.isfinite(record.ours)]
    missed = [
        f"{record.parameters['system']} ({record.parameters['draw']})"
        for record in ran
        if record not in found
    ]
    wrong = sum("WRONGLY" in record.answer for record in ran)
    return [
        Record(
            "systems.trained",
            {key: value for key, value in ran[0].parameters.items() if key == "evaluations"},
            f"forms; {wrong} verdicts are wrong",
            len(found),
            unit=f"of {len(ran)} systems",
            targets=(Target("ours", math.floor(SHARE * len(ran))),),
            note=f"missed: {', '.join(missed)}" if missed else "",
        )
    ]
