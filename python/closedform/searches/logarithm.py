"""Formulas by way of the target's logarithm: where errors are in proportion, factors are terms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from closedform.formulas.exponential import exponentials
from closedform.formulas.formula import Formula
from closedform.searches.backends import dispatch
from closedform.searches.backends.found import Found
from closedform.searches.objectives import Values
from closedform.searches.settings import Settings
from closedform.tables.checks import Matrix

ROOM = 3  # nodes that a logarithm takes and its exponential does not


def search_logarithm(
    table: Matrix, objective: Values, settings: Settings
) -> tuple[list[str], Found | None]:
    """A search of log y, its formulas turned into those of y in the operators allowed.

    Returns:
        Texts, and what the engine said; nothing where y is not positive everywhere.
    """
    if not objective.y.min() > 0:
        return [], None
    inner = replace(Values.of(np.log(objective.y), objective.counts), groups=objective.groups)
    operators = tuple(dict.fromkeys([*settings.operators, "log"]))
    size = min(settings.max_size + ROOM, 255)
    found = dispatch.search(
        table, inner, replace(settings.of_other_columns(), operators=operators, max_size=size)
    )
    texts = []
    for text, _ in [*found.entries, *found.rivals]:
        texts += exponentials(Formula(text, table.names), settings.operators)
    return list(dict.fromkeys(texts)), found
