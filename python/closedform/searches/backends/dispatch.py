"""The engines that search expressions, behind one signature."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from closedform.searches.backends import colonies, native, pysr
from closedform.searches.backends.found import Found
from closedform.searches.objectives import Objective
from closedform.searches.settings import Settings
from closedform.tables.checks import Matrix


def prepare(settings: Settings) -> None:
    """Starts what the engine needs before the clock of a search does, and checks its options.

    Raises:
        InputError: an option, or a setting, the engine does not know; an engine that cannot start.
    """
    if settings.backend == "pysr":
        pysr.prepare(settings)
    else:
        native.check(settings)


def search(
    table: Matrix, objective: Objective, settings: Settings, start: Sequence[str] = ()
) -> Found:
    """Formulas of the table's columns, smallest first, from the engine that the settings name.

    At least the constant, where the engine had no time or nothing is defined at the rows; its loss
    is not known then.

    Args:
        start: formulas to begin with, besides those in the user's options.
    """
    engine = pysr.search if settings.backend == "pysr" else native.search
    if settings.cluster is not None:
        engine = colonies.search
    found = engine(table, objective, settings, start)
    return found if found.entries else found._replace(entries=[(repr(objective.constant), inf)])
