"""Search for labels: direct symbolic classification by the hinge loss."""

from __future__ import annotations

import numpy as np

from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.formula import scored
from closedform.formulas.front import Front, pareto
from closedform.searches.backends import dispatch
from closedform.searches.description_length import alphabet, structure_lengths
from closedform.searches.objectives import Labels
from closedform.searches.settings import Settings
from closedform.tables.checks import Matrix


def signs_of(labels: object, rows: int) -> Floats:
    """Labels as 1 (the larger of the two values) and -1.

    Raises:
        InputError: not one label a row, or not two different ones.
    """
    values = np.asarray(labels)
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
    entries, reason, passes, seconds = dispatch.search(table, objective, settings)
    texts = [text for text, _ in entries]
    threads, on_device = settings.threads or 0, settings.on_device
    found = scored(texts, table.names, table.values, objective.goal, threads, on_device)
    members = pareto(found)
    symbols = alphabet(settings.operators, len(table.names))
    losses = np.array([formula.loss for formula in members])
    # The hinge loss stands for the negative log likelihood of a row's label.
    lengths = len(table.values) * losses + structure_lengths(members, symbols)
    best = int(np.argmin(lengths))
    return Front(members, best=best, stopped=reason, evaluations=passes, seconds=seconds)
