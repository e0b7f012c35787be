"""Search for values: an engine, what sympy can still shorten, and the choice of the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import monotonic

import numpy as np

from closedform._typing import FloatMatrix
from closedform.formulas.formula import Formula, scored
from closedform.formulas.front import Front, pareto
from closedform.formulas.sympy_process import sympy_process
from closedform.searches import interruption
from closedform.searches.backends import dispatch
from closedform.searches.budget import Budget, last_stage
from closedform.searches.description_length import description_lengths, shortest_description
from closedform.searches.objectives import Values
from closedform.searches.settings import Settings
from closedform.tables.checks import Matrix


def search_values(
    table: Matrix, objective: Values, settings: Settings, start: Sequence[str] = ()
) -> Front:
    """`search` for values on arguments that have been checked, by an engine that is ready.

    start: formulas to begin with, besides the user's.
    """
    time = settings.time
    budget = Budget(time, None, None, kept=last_stage(time), least=0.0)
    # It loads while the engine searches.
    sympy = sympy_process()
    sympy.start()
    entries, reason, passes, seconds = dispatch.search(
        table, objective, replace(settings, time=budget.left()), start
    )
    texts = [text for text, _ in entries]
    threads, on_device = settings.threads or 0, settings.on_device
    found = scored(texts, table.names, table.values, objective.goal, threads, on_device)
    budget.spend(passes, reason)
    ends = budget.ends()
    try:
        texts = []
        for formula in _by_worth(found, table.values):
            if monotonic() > ends or interruption.requested():
                break
            if (text := sympy.shorter(formula, settings.operators, ends - monotonic())) is not None:
                texts.append(text)
        found += scored(texts, table.names, table.values, objective.goal, threads, on_device)
        members = pareto(found, objective.exact)
        best = shortest_description(members, table.values, objective, settings.seed, ends)
    except KeyboardInterrupt:
        reason = "interrupted"
        members = pareto(found, objective.exact)
        best = shortest_description(members, table.values, objective, settings.seed, ends=0.0)
    return Front(members, best=best, stopped=reason, evaluations=passes, seconds=seconds)


def _by_worth(formulas: Sequence[Formula], X: FloatMatrix) -> list[Formula]:
    """Those that describe the data shortest first: what time is left is theirs."""
    losses = np.array([formula.loss for formula in formulas])
    order = np.argsort(description_lengths(formulas, losses, X), kind="stable")
    return [formulas[i] for i in order]
