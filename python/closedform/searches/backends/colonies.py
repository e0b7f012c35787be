"""Colonies of islands on the workers of a Dask cluster.

Every colony is a native search of its own in the same rows, with its own seed. A few times they
exchange what they have found, through whoever asked: each goes on from the front of all. What a
colony does depends on its number and the round alone, so a worker that dies is made good for by
another, and the number of workers changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import monotonic

import numpy as np

from closedform.errors import InputError
from closedform.formulas.formula import Formula
from closedform.formulas.front import pareto
from closedform.searches.backends import native
from closedform.searches.backends.found import Found
from closedform.searches.objectives import Objective
from closedform.searches.settings import Settings
from closedform.tables.checks import Matrix
from closedform.tables.tasks import Shared

ROUNDS = 4
WORTH = 2000  # evaluations for which it is worth asking a worker
LATE = 0.5  # seconds beyond its time that a colony is waited for
REASONS = ("exact", "good enough", "interrupted")  # that end all colonies


def search(
    table: Matrix, objective: Objective, settings: Settings, start: Sequence[str] = ()
) -> Found:
    """As `native.search`, by the colonies of `settings.cluster`.

    Raises:
        InputError: the cluster gives no answer, and nothing has been found yet.
    """
    cluster = settings.cluster
    assert cluster is not None  # `dispatch` asked
    began = monotonic()
    # A copy: what is kept with an objective in use is no use elsewhere, and cannot be sent.
    rows = Shared(cluster.client, (table, replace(objective)))
    entries: list[tuple[str, float]] = []
    rivals: dict[str, float] = {}
    evaluations, reason = 0, ""
    colonies, rounds = _divided(settings.evaluations, cluster.colonies)
    if settings.evaluations is not None:
        settings = replace(
            settings, evaluations=max(1, settings.evaluations // (colonies * rounds))
        )
    for turn in range(rounds):
        told = replace(settings, time=(settings.time - (monotonic() - began)) / (rounds - turn))
        if not told.time > 0 or reason:
            break
        begin = [*(text for text, _ in entries), *(start if turn == 0 else ())]
        tasks = [
            (_of_colony(told, colony, turn), begin, colony + turn == 0)
            for colony in range(colonies)
        ]
        try:
            answers = rows.ask(_colony, tasks, told.time + LATE)
        except (KeyboardInterrupt, InputError) as end:
            if not entries and isinstance(end, InputError):
                raise
            reason = "interrupted"
            break
        found = [one for one in answers if one is not None]  # not those that are late
        evaluations += sum(one.evaluations for one in found)
        entries = _merged([entries, *(one.entries for one in found)], table)
        rivals |= {text: loss for one in found for text, loss in one.rivals}
        reason = next((one.reason for one in found if one.reason in REASONS), "")
        if native.told(settings, table, entries, evaluations, monotonic() - began):
            reason = "interrupted"
    spent = "time" if settings.evaluations is None else "evaluations"
    seconds = monotonic() - began
    return Found(entries, reason or spent, evaluations, seconds, tuple(rivals.items()))


def _divided(evaluations: int | None, colonies: int) -> tuple[int, int]:
    """How many colonies, and how many rounds, so that each has something to do."""
    if evaluations is None:
        return colonies, ROUNDS
    shares = max(1, evaluations // WORTH)
    rounds = min(ROUNDS, shares)
    return min(colonies, max(1, shares // rounds)), rounds


def _of_colony(settings: Settings, colony: int, turn: int) -> Settings:
    """What one colony is told for one round: a seed of its own."""
    seed = np.random.SeedSequence([settings.seed, turn, colony]).generate_state(1)[0]
    return replace(
        settings,
        seed=int(seed),
        threads=1,
        callback=None,
        checkpoint=None,
        cluster=None,
    )


def _colony(
    rows: tuple[Matrix, Objective], settings: Settings, start: Sequence[str], first: bool
) -> Found:
    """On a worker. The first of all also looks for what needs no evolution."""
    table, objective = rows
    search = native.search if first else native.evolved
    return search(table, replace(objective), settings, start)  # a copy: it may be sent on


def _merged(
    fronts: Sequence[Sequence[tuple[str, float]]], table: Matrix
) -> list[tuple[str, float]]:
    """One front of several, whoever found what first."""
    formulas = [Formula(text, table.names, loss) for front in fronts for text, loss in front]
    return [(formula.text, formula.loss) for formula in pareto(formulas)]
