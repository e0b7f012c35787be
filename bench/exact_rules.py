"""The seven rules of Wetzel from their own unit gradients, against PySR with the same loss.

A run counts only where the formula returned is the concept in minimal form
(`neurons.rules.same_concept`), a peer's is the best of its front. Julia starts, and compiles for
one short search, before the first clock does.
"""

from __future__ import annotations

import math
import statistics
import time as clock
from collections.abc import Sequence
from functools import cache

import numpy as np

import closedform as cf
from bench.neurons.rules import OPERATORS, RULES, Rule, same_concept
from bench.peers import missing
from bench.record import Record, Target

ROWS, SHARE, OUR_SECONDS = 1000, 0.9, 20.0
# With symmetries all seven, 20 times faster than PySR; without them all but 6, 10 times. Seconds
# hold where no peer can be run.
FASTER = {"on": Target("ratio", 20), "off": Target("ratio", 10)}
LONGEST = {"on": Target("ours", 0.4, most=True), "off": Target("ours", 0.9, most=True)}
UNMERGED = "123457"


def run(
    *, rule: str, symmetries: str, draws: int, time: float, threads: int, seed: int
) -> list[Record]:
    """Ours on several draws; PySR on the first of them, with `time` seconds."""
    chosen = next(r for r in RULES if r.name == rule)

    def ours(draw: int = 0) -> tuple[str, float, cf.Formula]:
        return search(chosen, symmetries == "on", threads, seed + draw)

    runs = [ours(draw) for draw in range(draws)]
    right = [taken for wrong, taken, _ in runs if not wrong]
    enough = len(right) >= SHARE * draws
    wrong = next((f"; {wrong}: {formula}" for wrong, _, formula in runs if wrong), "")
    reason = missing("PySR")
    theirs, found, form = (None, False, "") if reason else pysr(chosen, time, threads, seed)
    asked = symmetries == "on" or rule in UNMERGED
    return [
        Record(
            "rules.exact",
            {"rule": rule, "symmetries": symmetries, "draws": draws},
            f"{len(right)} of {draws} minimal{wrong}",
            statistics.median(right) if enough else math.inf,
            peer=reason or "PySR",
            theirs=theirs,
            beyond=not found,
            targets=(LONGEST[symmetries], *([] if reason else [FASTER[symmetries]]))
            if asked
            else (),
            note=form and f"PySR: {form}",
            again=ours,
        )
    ]


def search(rule: Rule, symmetries: bool, threads: int, seed: int) -> tuple[str, float, cf.Formula]:
    """What is wrong with the formula found, or "" if nothing; seconds; the formula."""
    X, _ = rule.draw(ROWS, seed)
    U = rule.unit_gradients(X)
    begun = clock.perf_counter()
    front = cf.search(
        X,
        gradients=U,
        symmetries=symmetries,
        operators=OPERATORS,
        time=OUR_SECONDS,
        threads=threads,
        seed=seed,
    )
    taken = clock.perf_counter() - begun
    return same_concept(front.best, rule), taken, front.best


@cache
def pysr(rule: Rule, time: float, threads: int, seed: int) -> tuple[float, bool, str]:
    """Seconds, whether any formula of the front is the concept, and that or the best of them.

    Symmetries are ours alone.
    """
    warm_up(threads)
    X, _ = rule.draw(ROWS, seed)
    begun = clock.perf_counter()
    front = cf.search(
        X,
        gradients=rule.unit_gradients(X),
        symmetries=False,
        operators=OPERATORS,
        backend="pysr",
        time=time,
        threads=threads,
        seed=seed,
    )
    taken = clock.perf_counter() - begun
    right = [formula for formula in front if not same_concept(formula, rule)]
    return taken, bool(right), str((right or [front.best])[0])


@cache
def warm_up(threads: int) -> None:
    X = np.random.default_rng(0).uniform(1, 2, (50, 2))
    U = np.full((50, 2), math.sqrt(0.5))
    cf.search(X, gradients=U, symmetries=False, backend="pysr", time=1.0, threads=threads)


def summarise(records: Sequence[Record]) -> list[Record]:
    """How many rules are found with symmetries and without."""
    summaries = []
    for setting in ("on", "off"):
        mine = [r for r in records if r.parameters["symmetries"] == setting]
        found = [record for record in mine if math.isfinite(record.ours)]
        if not mine:
            continue
        ran = [record for record in mine if record.theirs is not None]
        ratios = [r.ratio for r in found if r.ratio is not None]
        notes = [f"slowest {max((record.ours for record in found), default=math.inf):.2g} s"]
        if ratios:
            notes.append(f"least ratio {min(ratios):.3g}")
        summaries.append(
            Record(
                "rules.exact",
                {"symmetries": setting, "draws": mine[0].parameters["draws"]},
                "minimal form",
                len(found),
                unit=f"of {len(mine)} rules",
                peer=mine[0].peer,
                theirs=sum(not record.beyond for record in ran) if ran else None,
                note="; ".join(notes),
            )
        )
    return summaries
