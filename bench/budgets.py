"""Whether more evaluations make the choice worse, on laws with noise.

A part of `python -m bench verdicts`. A law is searched with a twelfth of the evaluations, a third,
and all; each larger budget's formula must be as right as that of the smaller, by form and by
errors without noise.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import closedform as cf
from bench.kept import Kept
from bench.noise import noisy
from bench.problem import FRESH_SEED, right_form
from bench.record import Record, Target
from bench.verdicts import Asker

ROWS, LEVEL = 200, 0.05
SHARES = (12, 3, 1)  # parts of the evaluations
WORSE = 1.5  # times the error of the smaller budget


def run(*, law: str, evaluations: int, state: str, threads: int, seed: int) -> list[Record]:
    """How many steps to a larger budget made the choice worse."""
    problem = noisy(law, "absolute", LEVEL, ROWS)
    X, y = problem.training(seed)
    fresh = problem.uniform(ROWS, FRESH_SEED)
    truth = problem.truth(fresh)
    looked: list[dict[str, Any]] = []
    for share in SHARES:
        ask = Asker("budgets", Kept(state), evaluations // share, threads)
        found = ask.outcome(X, y, seed, law=law, level=LEVEL)
        formula = cf.Formula(found["formula"], problem.names)
        with np.errstate(all="ignore"):
            error = float(np.sqrt(np.mean((formula(fresh) - truth) ** 2)) / np.std(truth))
        right = right_form(problem, formula)
        looked.append({"right": right, "error": error if error >= 0 else math.inf, **found})
    worse = sum(_worse(*step) for step in itertools.pairwise(looked))
    told = (f"{'right' if one['right'] else 'wrong'} {one['error']:.2g}" for one in looked)
    return [
        Record(
            "verdicts.budgets",
            {"law": law, "evaluations": evaluations},
            f"{', '.join(told)}: {looked[-1]['formula'][:100]}",
            float(worse),
            unit="steps for the worse",
            targets=(Target("ours", 0, most=True),),
        )
    ]


def _worse(less: dict[str, Any], more: dict[str, Any]) -> bool:
    """Whether the choice of the larger budget is worse: not the form any more, or errors that are
    clearly larger, where neither is the form or both are."""
    if less["right"] != more["right"]:
        return bool(less["right"])
    return bool(more["error"] > WORSE * less["error"])


def summarise(records: Sequence[Record]) -> list[Record]:
    """All laws together."""
    worse = sum(record.ours for record in records)
    return [
        Record(
            "verdicts.budgets",
            {"evaluations": records[0].parameters["evaluations"]},
            f"{len(records)} laws",
            worse,
            unit=f"of {len(records) * (len(SHARES) - 1)} steps for the worse",
            targets=(Target("ours", 0, most=True),),
        )
    ]
