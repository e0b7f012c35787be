"""Several targets searched at once, by the workers of a cluster.

Each has a thread of this process that asks the workers, for colonies, fits and sums over rows: so
that workers which one target has no work for do that of another. There are two rounds. In the
first all targets are searched directly, for a while; those that are not settled then begin the
second with the formulas of all, for equations of one system have terms in common. What a target
finds hangs on those fronts alone, not on which of the others was faster.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from closedform.errors import InputError
from closedform.pipelines.discovery import STRATEGIES, discover
from closedform.pipelines.results import Discovery
from closedform.searches import interruption
from closedform.searches.budget import Budget
from closedform.searches.progress import Callback, Progress
from closedform.searches.settings import Arguments, Begin, checked_settings
from closedform.tables import scalars

FIRST = 0.25  # of the budget, for the first round
MOST = 16  # targets at once: each keeps what it works with
SETTLED = ("exact", "good enough")  # what ends a target's search for good
_OWN = re.compile(r"(?:^|: )(?:y|noise): ")  # in what is wrong with a target, not with all


def discover_at_once(
    targets: Mapping[str, Mapping[str, Any]],
    start: Sequence[Begin],
    *,
    time: float,
    evaluations: int | None,
    callback: Callback | None,
) -> dict[str, Discovery]:
    """A discovery for each target, by its name.

    Args:
        targets: by name, what `discover` is told of each, a client too.
        start: formulas that all begin with.
        time, evaluations: of all together.
        callback: told of all, of one at a time; returning True ends the whole.

    Raises:
        InputError: the first target that has one names itself.
    """
    settings = checked_settings(Arguments(time=time, evaluations=evaluations), callback)
    for told in targets.values():
        scalars.choice(told.get("strategy", "auto"), "strategy", STRATEGIES)
    budget = Budget(settings.time, settings.evaluations, callback)
    direct = {name: {**told, "strategy": "direct"} for name, told in targets.items()}
    with interruption.held():
        found = _round(direct, FIRST, start, budget)
        known = [*start, *(formula for one in found.values() for formula in one.front)]
        left = {name: targets[name] for name, one in found.items() if one.stopped not in SETTLED}
        if left and not budget.used_up():
            found |= _round(left, 1.0, known, budget)
    return found


def _round(
    targets: Mapping[str, Mapping[str, Any]],
    share: float,
    start: Sequence[Begin],
    budget: Budget,
) -> dict[str, Discovery]:
    """What all targets find with a share of the budget, or with what is left of it."""
    waves = -(-len(targets) // MOST)
    quota = budget.quota(share)
    given = {
        "time": budget.seconds(share) / waves,
        "evaluations": None if quota is None else max(1, quota // len(targets)),
        "start": list(start),
    }
    lock = threading.Lock()  # whoever is told hears one at a time

    def searched(name: str) -> Discovery | InputError:
        listener = budget.listener(lambda told: replace(told, phase=f"{name}: {told.phase}"))

        def heard(told: Progress) -> bool:
            with lock:
                if listener is not None:
                    listener(told)
                return budget.stopped == "interrupted"

        try:
            return discover(**{**targets[name], **given, "callback": heard})
        except Exception as error:
            budget.stopped = "interrupted"  # the others need not go on
            if isinstance(error, InputError):
                return error
            raise

    with ThreadPoolExecutor(min(len(targets), MOST)) as threads:
        answers = dict(zip(targets, threads.map(searched, targets), strict=True))
    found: dict[str, Discovery] = {}
    for name, one in answers.items():
        if isinstance(one, InputError):
            raise named(name, one) from one
        found[name] = one
        budget.spend(one.front.evaluations, one.stopped)
    return found


def named(name: str, error: InputError) -> InputError:
    """What is wrong with a target, with its name; what is wrong with all as it is."""
    return error if _OWN.search(str(error)) is None else InputError(f"Y: target {name!r}: {error}")
