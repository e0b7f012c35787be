"""Search for values: an engine, what sympy can still shorten, and the choice of the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from time import monotonic

import numpy as np

from closedform.formulas.formula import Formula, scored
from closedform.formulas.front import Front, pareto
from closedform.formulas.sympy_process import sympy_process
from closedform.searches import interruption
from closedform.searches.backends import dispatch
from closedform.searches.budget import Budget, last_stage
from closedform.searches.description_length import (
    Choice,
    alphabet,
    likeliest,
    shortest_description,
    structure_lengths,
)
from closedform.searches.judged import MOST_ROWS
from closedform.searches.logarithm import search_logarithm
from closedform.searches.objectives import Values
from closedform.searches.origins import folded, in_own_columns, written_size
from closedform.searches.settings import Settings
from closedform.tables.checks import Matrix
from closedform.tables.rows import sample_rows

# Share of a search's time and evaluations that goes to the target's logarithm, where errors are in
# proportion.
LOGARITHM = 0.4
SHORTENED = 12  # formulas that sympy looks at


def search_values(
    table: Matrix, objective: Values, settings: Settings, start: Sequence[str] = ()
) -> Front:
    """`search` for values on arguments that have been checked, by an engine that is ready.

    start: formulas to begin with, besides the user's.
    """
    time = settings.time
    budget = Budget(time, settings.evaluations, None, kept=last_stage(time), least=0.0)
    # It loads while the engine searches.
    sympy = sympy_process()
    sympy.start()
    by_logarithm = _through_logarithm(table, objective, settings, budget)
    start = [*start, *by_logarithm]
    left = replace(settings, time=budget.left(), evaluations=budget.quota(1.0))
    engine = dispatch.search(table, objective, left, start)
    reason = engine.reason
    budget.spend(engine.evaluations, reason)
    entries = [*engine.entries, *engine.rivals]
    texts = [repr(objective.constant), *by_logarithm, *(text for text, _ in entries)]
    texts = [folded(text, table.names, table.shifts) for text in texts]
    texts += in_own_columns(texts, table, settings.every_operator)
    found = _shown(_scored(texts, table, objective, settings), table, settings)
    ends = budget.ends()
    shortening = ends - 0.5 * budget.kept
    try:
        texts = []
        for formula in _by_worth(found, table, settings)[:SHORTENED]:
            left_over = shortening - monotonic()
            if left_over <= 0 or interruption.requested():
                break
            if (text := sympy.shorter(formula, settings.operators, left_over)) is not None:
                texts.append(text)
        found += _scored(texts, table, objective, settings)
    except KeyboardInterrupt:
        reason, ends = "interrupted", 0.0
    front, _ = chosen_front(found, table, objective, settings, ends)
    front.stopped, front.evaluations, front.seconds = reason, budget.spent, budget.elapsed()
    return front


def chosen_front(
    found: Sequence[Formula],
    table: Matrix,
    objective: Values,
    settings: Settings,
    ends: float = math.inf,
) -> tuple[Front, Choice]:
    """The front of formulas of these rows, and which of it to use and why.

    Constants are those that the noise model fits, with their standard errors. The constant is on
    the front where it is chosen.
    """
    found = _shown(found, table, settings)
    members = likeliest(found, table.values, objective, settings.seed)
    front = pareto(found, objective.exact, lambda formula: written_size(formula, table.own))
    shown = {id(formula) for formula in front}
    members = sorted(dict.fromkeys([*members, *front]), key=lambda f: (f.complexity, f.loss))
    if all(formula.inputs for formula in members):
        members = [*_scored([repr(objective.constant)], table, objective, settings), *members]
    choice = shortest_description(members, table.values, objective, settings, ends, table.shifts)
    told = {choice.best, *choice.rivals}
    kept = [i for i, f in enumerate(members) if i in told or id(f) in shown]
    # Simple constants may have made one smaller, or the same as another.
    own = {choice.judged[i].formula.text: i for i in kept}
    own[choice.chosen.formula.text] = choice.best
    choice = choice.of(sorted(own.values(), key=lambda i: choice.judged[i].formula.complexity))
    refitted = _scored([one.formula.text for one in choice.judged], table, objective, settings)
    for formula, one in zip(refitted, choice.judged, strict=True):
        formula.constants = one.constants()
    return Front(refitted, best=choice.best, rivals=choice.rivals), choice


def _shown(found: Sequence[Formula], table: Matrix, settings: Settings) -> list[Formula]:
    """Those that keep the rules and are not too large as they are written for the user: the
    logarithm is searched with more room than its exponential may take, fitted wholes begin larger
    than they end, and an origin takes nodes."""
    return [
        one
        for one in found
        if (not one.inputs and settings.rules is None)
        or (written_size(one, table.own) <= settings.max_size and settings.allows(one))
    ]


def _through_logarithm(
    table: Matrix, objective: Values, settings: Settings, budget: Budget
) -> list[str]:
    """Formulas to begin with, where the noise is in proportion to the values."""
    if objective.noises[0].kind not in ("relative", "log"):
        return []
    share = replace(
        settings, time=budget.seconds(LOGARITHM), evaluations=budget.quota(LOGARITHM, int)
    )
    texts, found = search_logarithm(table, objective, share)
    if found is not None:
        budget.spend(found.evaluations, found.reason)
    return _refitted(texts, table, objective, budget)


def _refitted(texts: Sequence[str], table: Matrix, objective: Values, budget: Budget) -> list[str]:
    """With the constants that the rows, as they are weighed, give: rounded exponents leave a factor
    far from its best."""
    rows = sample_rows(len(objective.y), MOST_ROWS, np.random.default_rng(0))
    X = np.ascontiguousarray(table.values[rows], dtype=np.float64)
    y = objective.y[rows]
    weights = None if objective.weights is None else objective.weights[rows]
    if weights is not None:
        weights = weights / weights.max()
    refitted = []
    for text in texts:
        formula = Formula(text, table.names)
        if budget.left() > 0 and np.isfinite(formula._expression.evaluate(X, 1)).all():
            expression, _ = formula._expression.refit(X, y, weights)
            refitted.append(expression.text(list(table.names)))
    return list(dict.fromkeys([*refitted, *texts]))


def _scored(
    texts: Sequence[str], table: Matrix, objective: Values, settings: Settings
) -> list[Formula]:
    threads, device = settings.threads or 0, settings.device
    return scored(texts, table.names, table.values, objective.goal, threads, device)


def _by_worth(formulas: Sequence[Formula], table: Matrix, settings: Settings) -> list[Formula]:
    """Those that describe the data shortest first: what time is left is theirs."""
    rows = min(len(table.values), MOST_ROWS)
    with np.errstate(divide="ignore"):
        data = 0.5 * rows * np.log(np.array([formula.loss for formula in formulas]))
    lengths = data + structure_lengths(
        formulas, alphabet(settings.every_operator, len(table.names))
    )
    return [formulas[i] for i in np.argsort(lengths, kind="stable")]
