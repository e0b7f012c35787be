"""A few hundred random attacks: no crash, no hang, no traceback, no wrong answer."""

from __future__ import annotations

import os
import sys

import pytest
from tests.attack import campaign, outcomes, worker

COUNT = int(os.environ.get("CLOSEDFORM_ATTACKS", "300"))


def test_no_attack_is_a_fault() -> None:
    found = campaign.campaign(COUNT, seed=1)
    assert [one["number"] for one in found] == list(range(COUNT))
    assert not [one for one in found if one["outcome"] == "FAULT"], campaign.counted(found)
    well = sum(one["outcome"] == "ok" for one in found)
    assert well > COUNT // 4  # that much is not refused: what is refused tries little


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "the process ended with -11"),
        ("import time; time.sleep(60)", "takes longer than 1 s"),
    ],
)
def test_who_kills_or_blocks_the_process_is_known(
    program: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "print('{\"begun\": 7}', flush=True); "
    monkeypatch.setattr(campaign, "DEADLINE", 1.0)
    monkeypatch.setattr(campaign, "WORKER", [sys.executable, "-c", line + program])
    (found,) = campaign.campaign(1, seed=0, first=7)
    assert (found["number"], found["outcome"], found["said"]) == (7, "FAULT", said)


def test_what_is_judged_a_fault() -> None:
    attack = worker.attack_of(0, 0)[0]

    def raising(error: BaseException) -> str:
        def work(_: outcomes.Attack) -> None:
            raise error

        return outcomes.judged(attack, work)[0]

    assert outcomes.judged(attack, lambda _: None)[0] == "ok"
    assert raising(ValueError("X: has no rows")) == "refused"
    for error in (ValueError("two\nlines"), TypeError("x"), outcomes.Wrong("x"), KeyError("x")):
        assert raising(error) == "FAULT"
