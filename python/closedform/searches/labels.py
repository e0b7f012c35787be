"""Search for labels: direct symbolic classification by the hinge loss."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression

from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.formula import Formula, scored
from closedform.formulas.front import Front, pareto
from closedform.searches.backends import dispatch
from closedform.searches.description_length import alphabet, structure_lengths
from closedform.searches.judged import MOST_ROWS
from closedform.searches.objectives import Labels
from closedform.searches.settings import Settings
from closedform.tables import devices
from closedform.tables.checks import Matrix
from closedform.tables.rows import sample_rows

FREE = 1e6  # scale of the odds' prior: hardly any, so that separable classes have a finite one


def signs_of(labels: object, rows: int) -> Floats:
    """Labels as 1 (the larger of the two values) and -1.

    Raises:
        InputError: not one label a row, or not two different ones.
    """
    values = np.asarray(devices.on_host(labels, "labels"))
    if values.shape != (rows,):
        raise InputError(f"labels: has shape {values.shape}; give one label for each row of X")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError("labels: holds values that are not finite; give two classes, such as 0, 1")
    try:
        classes = np.unique(values)
    except TypeError as error:
        raise InputError("labels: mixes kinds of values; give two classes, such as 0, 1") from error
    if len(classes) != 2:
        raise InputError(
            f"labels: has {len(classes)} different values; give two classes, such as 0 and 1"
        )
    return np.where(values == classes[1], 1.0, -1.0)


def search_labels(table: Matrix, objective: Labels, settings: Settings) -> Front:
    """`search` for labels on arguments that have been checked, by an engine that is ready."""
    engine = dispatch.search(table, objective, settings)
    texts = [text for text, _ in engine.entries]
    threads, device = settings.threads or 0, settings.device
    found = scored(texts, table.names, table.values, objective.goal, threads, device)
    members = pareto(found)
    symbols = alphabet(settings.every_operator, len(table.names))
    lengths = structure_lengths(members, symbols) + _unlikelihoods(members, table, objective)
    best = int(np.argmin(lengths))
    return Front(
        members,
        best=best,
        stopped=engine.reason,
        evaluations=engine.evaluations,
        seconds=engine.seconds,
    )


def _unlikelihoods(formulas: Sequence[Formula], table: Matrix, objective: Labels) -> Floats:
    """-log likelihood of the labels, the log odds linear in each formula, and what its constants
    cost, (formulas,).

    Slope and threshold of the odds are fitted (Platt 1999); a constant costs half the log of the
    number of rows (Schwarz 1978).
    """
    rows = sample_rows(len(objective.t), MOST_ROWS, np.random.default_rng(0))
    X = np.ascontiguousarray(table.values[rows], dtype=np.float64)
    t = objective.t[rows]
    weights = np.ones(len(t)) if objective.weights is None else objective.weights[rows]
    costs = np.full(len(formulas), np.inf)
    for i, formula in enumerate(formulas):
        T = formula._expression.evaluate(X, 1)
        if np.isfinite(T).all() and (weights[t > 0].any() and weights[t < 0].any()):
            T = T / max(float(np.max(np.abs(T))), np.finfo(np.float64).tiny)
            odds = LogisticRegression(C=FREE).fit(T[:, None], t, sample_weight=weights)
            margins = t * odds.decision_function(T[:, None])
            costs[i] = float(weights @ np.logaddexp(0.0, -margins))
            costs[i] += 0.5 * len(formula.constants) * math.log(weights.sum())
    finite: Floats = np.minimum(costs, np.finfo(np.float64).max)
    return finite
