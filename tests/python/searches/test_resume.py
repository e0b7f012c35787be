"""A run that was interrupted goes on to the result of one that was not."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform.searches.journal import Journal

BUDGET: dict[str, Any] = {"evaluations": 60_000, "time": math.inf, "threads": 1, "seed": 3}
TOLD: dict[str, Any] = {**BUDGET, "max_size": 12, "operators": "+ * exp sin", "progress": False}
rng = np.random.default_rng(0)
X = rng.uniform(1.0, 2.0, (20, 2))
Y = X[:, 0] ** 2 + np.log(X[:, 1]) + rng.normal(scale=0.01, size=20)


class Killed(Exception):
    """In place of a process that ends."""


RUNS: dict[str, Callable[..., Any]] = {
    "values": lambda **more: cf.search(X, values=Y, **TOLD, **more),
    "discover": lambda **more: (
        cf.discover(X, Y, noise="absolute", strategy="direct", **TOLD, **more).front
    ),
}


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_goes_on_to_the_result_of_one_uninterrupted(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {"options": {"resume": tmp_path / "state"}}
    kept = Journal._keep
    states: list[bytes] = []

    def keep(self: Journal, key: str, state: bytes) -> None:
        kept(self, key, state)
        states.append(state)
        if len(states) in (1, 3):  # twice: what went on is interrupted, too
            self._save()
            raise Killed

    monkeypatch.setattr(Journal, "_keep", keep)
    for _ in range(2):
        with pytest.raises(Killed):
            RUNS[kind](**told)
    front = RUNS[kind](**told)
    monkeypatch.undo()
    expected = RUNS[kind]()
    assert [(f.text, f.loss) for f in front] == [(f.text, f.loss) for f in expected]
    assert front.evaluations == expected.evaluations
    again = RUNS[kind](**told)  # all searches have ended: told again
    assert [f.text for f in again] == [f.text for f in expected]


def test_a_state_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state"
    few = {**TOLD, "evaluations": 500}
    cf.search(X, values=Y, options={"resume": path}, **few)
    with pytest.raises(cf.InputError, match=r"resume: .* is of other data or arguments"):
        cf.search(X, values=Y + 1.0, options={"resume": path}, **few)
    path.write_text("{}")
    with pytest.raises(cf.InputError, match=r"resume: .* not a saved state"):
        cf.search(X, values=Y, options={"resume": path}, **few)
