"""Laws found again from their values: ours against the peers, each with the same time.

Counted are exact recoveries (`problem.judge`), and compared are the times of those that both find.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from bench import engines, feynman, vladislavleva
from bench.engines import Budget, Outcome
from bench.peers import missing
from bench.problem import Problem
from bench.record import Record, Target

FASTER = Target("ratio", 10)  # V1 to V8: where a peer finds the law as well
VLADISLAVLEVA = {problem.name: problem for problem in vladislavleva.PROBLEMS}
FEYNMAN = {problem.name: problem for problem in feynman.PROBLEMS}
V_NEEDED, V_SECONDS = 6, 30.0  # the number holds for the whole set and so much time


def run_vladislavleva(*, problem: str, time: float, threads: int, seed: int) -> list[Record]:
    budget = Budget(time, threads, seed)
    peers = ("pyoperon", "PySR", "bingo", "gplearn")
    return _compare("regression.vladislavleva", VLADISLAVLEVA[problem], budget, peers, (FASTER,))


def run_feynman(*, problem: str, time: float, threads: int, seed: int) -> list[Record]:
    budget = Budget(time, threads, seed, (*engines.OPERATORS, "sqrt"))
    return _compare("regression.feynman", FEYNMAN[problem], budget, ("pyoperon", "PySR"))


def _compare(
    name: str,
    problem: Problem,
    budget: Budget,
    peers: Sequence[str],
    targets: tuple[Target, ...] = (),
) -> list[Record]:
    """One record a peer; never found counts as infinitely long."""
    assert np.all(np.isfinite(problem.truth(problem.uniform(10_000, budget.seed))))

    def ours() -> Outcome:
        return engines.discover(problem, budget)

    mine = ours()
    seconds = mine.seconds if mine.exact else math.inf
    records = []
    for peer in peers:
        reason = missing(peer)
        theirs = None if reason else engines.PEERS[peer](problem, budget)
        found = theirs is not None and theirs.exact
        records.append(
            Record(
                name,
                {"problem": problem.name, "time": budget.seconds},
                _answer(mine),
                seconds,
                peer=reason or peer,
                theirs=theirs.seconds if theirs else None,
                beyond=not found,
                targets=targets if found else (),
                note=f"{peer}: {_answer(theirs)}" if theirs else "",
                again=ours,
            )
        )
    return records


def _answer(outcome: Outcome) -> str:
    what = "exact" if outcome.exact else f"error {outcome.error:.1e}"
    text = str(outcome.formula)
    return f"{what}, {outcome.formula.complexity} nodes: {text[:80]}{'...' if text[80:] else ''}"


def summarise(records: Sequence[Record]) -> list[Record]:
    """For every peer: how many each found, and the ratios of the times where both did."""
    by_peer: dict[str, list[Record]] = {}
    for record in records:
        by_peer.setdefault(record.peer, []).append(record)
    return [_summary(peer, members) for peer, members in by_peer.items()]


def _summary(peer: str, records: Sequence[Record]) -> Record:
    time = records[0].parameters["time"]
    mine = [record for record in records if math.isfinite(record.ours)]
    ran = [record for record in records if record.theirs is not None]
    theirs = [record for record in ran if not record.beyond]
    both = [record.ratio for record in mine if record in theirs and record.ratio is not None]
    notes = []
    if missed := [str(record.parameters["problem"]) for record in records if record not in mine]:
        notes.append(f"not ours: {' '.join(missed)}")
    if only := [str(record.parameters["problem"]) for record in theirs if record not in mine]:
        notes.append(f"{peer} alone: {' '.join(only)}")
    if both:
        average = statistics.geometric_mean(both)
        notes.append(
            f"where both do ({len(both)}), the peer's time over ours: least {min(both):.2g}, "
            f"median {statistics.median(both):.3g}, geometric mean {average:.3g}"
        )
    elif mine:
        median = statistics.median(record.ours for record in mine)
        notes.append(f"median of ours {median:.2g} s")
    whole = {r.parameters["problem"] for r in records} == set(VLADISLAVLEVA) and time >= V_SECONDS
    return Record(
        records[0].name,
        _summary_parameters(records),
        "exact on fresh rows",
        len(mine),
        unit=f"of {len(records)} found",
        peer=peer,
        theirs=len(theirs) if ran else None,
        targets=(Target("ours", V_NEEDED),) if whole else (),
        note="; ".join(notes),
    )


def _summary_parameters(records: Sequence[Record]) -> Mapping[str, float | str]:
    problems = [str(record.parameters["problem"]) for record in records]
    named = problems[0] if len(problems) == 1 else f"{problems[0]} to {problems[-1]}"
    return {"problem": named, "time": records[0].parameters["time"]}
