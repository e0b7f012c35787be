"""One clock for runs of several stages: shares, quotas, who is told, and what stops a run."""

from __future__ import annotations

import math
from time import monotonic

import pytest

from closedform.searches.budget import INTERRUPTED_SECONDS, Budget, last_stage
from closedform.searches.progress import Progress


def test_stages_get_their_share_but_no_more_than_is_left() -> None:
    budget = Budget(10.0, 1000, None, kept=1.0)
    assert budget.seconds(0.2) == 2.0
    assert budget.seconds(0.2, most=0.5) == 0.5
    assert budget.seconds(1.0) == pytest.approx(9.0, abs=0.1)
    assert (budget.quota(0.25), budget.quota(0.0)) == (250, 1)
    assert (budget.quota(0.0016), budget.quota(0.0016, int)) == (2, 1)
    budget.spend(900, "time")
    assert budget.quota(0.25) == 100
    budget.begun -= 60.0
    assert budget.seconds(0.2) == budget.left() == budget.least == 0.1
    assert budget.used_up()
    assert budget.stopped == "time"


def test_a_run_ends_when_its_evaluations_are_spent() -> None:
    budget = Budget(math.inf, 1000, None)
    assert not budget.used_up()
    assert budget.within(0.5)
    budget.spend(500, "evaluations")
    assert not budget.within(0.5)
    budget.spend(500, "evaluations")
    assert budget.used_up()
    assert budget.stopped == "evaluations"


def test_without_limits_no_clock_is_read() -> None:
    budget = Budget(math.inf, None, None, kept=last_stage(math.inf))
    assert budget.seconds(0.1, most=20.0) == budget.left() == budget.ends() == math.inf
    assert budget.quota(0.1) is None
    assert budget.listener() is None


def test_what_a_stage_tells_is_told_of_the_whole_run() -> None:
    told: list[Progress] = []

    def callback(progress: Progress) -> bool:
        told.append(progress)
        return progress.phase == "second"

    budget = Budget(60.0, None, callback)
    budget.tell("first", message="hello")
    budget.spend(70, "time")
    stage = budget.listener()
    assert stage is not None
    assert stage(Progress("second", 0.1, 0.2, 5))
    assert [(p.phase, p.evaluations, p.message) for p in told] == [
        ("first", 0, "hello"),
        ("second", 75, ""),
    ]
    assert told[1].remaining == pytest.approx(60.0, abs=1.0)
    assert budget.used_up()
    assert budget.stopped == "interrupted"


def test_ctrl_c_stops_the_run_and_leaves_a_moment_for_its_end() -> None:
    budget = Budget(60.0, None, None)
    with budget.interruptible():
        raise KeyboardInterrupt
    assert budget.stopped == "interrupted"
    assert budget.ends() <= monotonic() + INTERRUPTED_SECONDS
