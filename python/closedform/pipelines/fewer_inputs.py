"""Of a wide table those inputs that matter, searched by themselves: most ways to a law are open to
few inputs alone."""

from __future__ import annotations

import numpy as np

from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.pipelines.stages import Stages
from closedform.searches.guesses import MOST_INPUTS
from closedform.searches.objectives import Values
from closedform.tables.checks import Matrix

# Shares of the time (or evaluations).
SHARE, JOINED = 0.15, 0.02


def searched_in_fewer_inputs(stages: Stages, first: Front) -> Front:
    """What a search of a sample, in the inputs that a front uses, adds to it; the front as it is
    where the table has few inputs, or rules speak of them."""
    inputs = _used(first, stages.names)
    if not inputs or len(stages.names) <= MOST_INPUTS or stages.settings.rules is not None:
        return first
    names = tuple(stages.names[j] for j in inputs)
    X, y, weights = stages.few(stages.objective)
    stages.budget.tell("search", message=f"in {', '.join(names)} alone")
    settings = stages.settings.of_other_columns()
    with stages.budget.interruptible():
        found = stages.formulas(
            f"search {', '.join(names)}",
            SHARE,
            settings.worded(Matrix(np.ascontiguousarray(X[:, inputs]), names)),
            Values(y, weights),
            settings,
        )
        whole = [Formula(formula.text, stages.names) for formula in found]
        return stages.search("search", JOINED, [*first, *whole])
    return first


def _used(front: Front, names: tuple[str, ...]) -> list[int]:
    """The first inputs that its formulas use, the smallest formulas first."""
    used: list[int] = []
    for formula in front:
        used += [j for j, name in enumerate(names) if name in formula.inputs and j not in used]
    return sorted(used[:MOST_INPUTS])
