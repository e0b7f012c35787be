"""Formulas by way of the target's logarithm: where errors are in proportion, factors are terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from closedform.formulas.formula import Formula
from closedform.searches.backends import dispatch
from closedform.searches.backends.found import Found
from closedform.searches.objectives import Values
from closedform.searches.settings import Settings
from closedform.tables.checks import Matrix

# The exponential of a sum of logarithms is a product of powers; measured exponents that are as
# near to a multiple of one half as this are tried as it.
NEAR = 0.1
ROUNDED = 1e-9
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
    inner = Values.of(np.log(objective.y), objective.counts)
    operators = tuple(dict.fromkeys([*settings.operators, "log"]))
    size = min(settings.max_size + ROOM, 255)
    found = dispatch.search(
        table, inner, replace(settings.of_other_columns(), operators=operators, max_size=size)
    )
    texts = []
    for text, _ in [*found.entries, *found.rivals]:
        texts += exponentials(Formula(text, table.names), settings.operators)
    return list(dict.fromkeys(texts)), found


def exponentials(logarithm: Formula, operators: Sequence[str]) -> list[str]:
    """Texts of exp(formula) in the operators given, logarithms among its terms as factors; with
    the exponents as they are, and as multiples of one half."""
    texts = []
    for tolerance in (ROUNDED, NEAR):
        outer = logarithm._expression.exponential(list(operators), tolerance)
        if outer is not None:
            texts.append(outer.text(list(logarithm.names)))
    return list(dict.fromkeys(texts))
