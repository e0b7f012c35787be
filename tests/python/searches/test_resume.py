"""A run that was interrupted goes on to the result of one that was not."""

from __future__ import annotations

import base64
import contextlib
import json
import math
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform.searches.journal import Journal

TOLD: dict[str, Any] = {"time": math.inf, "threads": 1, "seed": 3, "progress": False}
SMALL: dict[str, Any] = {**TOLD, "max_size": 9, "operators": "+ * log"}
rng = np.random.default_rng(0)
X = rng.uniform(1.0, 2.0, (20, 2))
Y = X[:, 0] ** 2 + np.log(X[:, 1]) + rng.normal(scale=0.01, size=20)
G = np.column_stack([2 * X[:, 0], 1 / X[:, 1]]) + rng.normal(scale=0.01, size=(20, 2))


class Killed(Exception):
    """In place of a process that ends."""


RUNS: dict[str, Callable[..., Any]] = {
    "gradients": lambda **more: cf.search(
        X, gradients=G, symmetries=False, evaluations=14_000, **SMALL, **more
    ),
    "discover": lambda **more: (
        cf.discover(
            X, Y, noise="absolute", strategy="direct", evaluations=20_000, **SMALL, **more
        ).front
    ),
}


@pytest.mark.parametrize(("kind", "times"), [("gradients", 2), ("discover", 1)])
def test_a_run_goes_on_to_the_result_of_one_uninterrupted(
    kind: str, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {"options": {"resume": tmp_path / "state"}}
    kept = Journal._keep

    def keep(self: Journal, key: str, state: bytes) -> None:
        kept(self, key, state)
        self._save()
        raise Killed

    monkeypatch.setattr(Journal, "_keep", keep)
    for _ in range(times):
        with pytest.raises(Killed):
            RUNS[kind](**told)
    monkeypatch.undo()
    front = RUNS[kind](**told)
    expected = RUNS[kind]()
    assert [(f.text, f.loss) for f in front] == [(f.text, f.loss) for f in expected]
    assert front.evaluations == expected.evaluations
    again = RUNS[kind](**told)  # all searches have ended: told again
    assert [f.text for f in again] == [f.text for f in expected]


def test_a_state_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state"
    few = {**SMALL, "evaluations": 500}
    cf.search(X, values=Y, options={"resume": path}, **few)
    with pytest.raises(cf.InputError, match=r"resume: .* is of other data or arguments"):
        cf.search(X, values=Y + 1.0, options={"resume": path}, **few)
    path.write_text("{}")
    with pytest.raises(cf.InputError, match=r"resume: .* not a saved state"):
        cf.search(X, values=Y, options={"resume": path}, **few)


def test_a_broken_state_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, states = tmp_path / "state", []
    monkeypatch.setattr(Journal, "_keep", lambda self, key, state: states.append((key, state)))
    told: dict[str, Any] = {**SMALL, "evaluations": 9000, "symmetries": False}
    cf.search(X, gradients=G, options={"resume": path}, **told)
    monkeypatch.undo()
    key, state = states[0]
    document = json.loads(path.read_text())
    refused = 0
    for number in range(60):
        rng = np.random.default_rng(number)
        broken = bytearray(state)
        for at in rng.integers(0, len(state), 1 + number // 4):
            broken[at] = rng.integers(256)
        text = base64.b64encode(zlib.compress(bytes(broken[: len(state) - number % 3])))
        document |= {"done": [], "running": {"key": key, "state": text.decode("ascii")}}
        path.write_text(json.dumps(document))
        with contextlib.suppress(cf.InputError):
            cf.search(X, gradients=G, options={"resume": path}, **told)
            refused -= 1
        refused += 1
    assert refused >= 30
    document["running"]["state"] = "?"
    path.write_text(json.dumps(document))
    with pytest.raises(cf.InputError, match=r"resume: .* is broken"):
        cf.search(X, gradients=G, options={"resume": path}, **told)
