"""Targets, fits and groups as tasks on the workers of a Dask cluster."""

from __future__ import annotations

import math
import os
import signal
import threading
from typing import Any

import numpy as np
import pandas
import pytest

import closedform as cf
from closedform.searches.progress import Progress

pytest.importorskip("distributed", reason="needs closedform[dask]")
pytestmark = [
    pytest.mark.xdist_group("cluster"),
    # What Dask itself warns of, where a port is taken or a worker dies.
    pytest.mark.filterwarnings("default"),
]


def system(noise: float = 0.05) -> pandas.DataFrame:
    rng = np.random.default_rng(1)
    a, b = rng.uniform(1, 3, (2, 120))
    product, errors = np.exp(0.3 * a) * b, noise * rng.normal(size=(2, 120))
    own = {"du": product + errors[0], "dv": product / a + errors[1]}
    return pandas.DataFrame({"a": a, "b": b, **own})


def told(client: Any, **other: Any) -> dict[str, Any]:
    budget = {"time": math.inf, "evaluations": 8000, "operators": "+ * / exp", "max_size": 12}
    return {**budget, "noise": "absolute", "options": {"colonies": 2}, "client": client, **other}


def fronts(found: cf.System) -> dict[str, list[str]]:
    return {name: [f"{f.text} {f.loss!r}" for f in one.front] for name, one in found.items()}


def test_targets_are_searched_at_once_with_the_same_result_for_any_workers(
    clients: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from closedform.pipelines import at_once

    started: list[tuple[list[str], str]] = []
    running, most = [], []
    discover = at_once.discover

    def seen(**given: Any) -> cf.Discovery:
        started.append(([getattr(f, "text", f) for f in given["start"]], given["strategy"]))
        if given["client"] is clients[1] and len(started) == 8:  # in the second round
            os.kill(next(iter(clients[1].run(os.getpid).values())), signal.SIGKILL)
        running.append(threading.get_ident())
        most.append(len(running))
        try:
            return discover(**given)
        finally:
            running.pop()

    monkeypatch.setattr(at_once, "discover", seen)
    found = [
        cf.discover_system(system(), ["du", "dv"], **told(client, strategy="direct", start=["a"]))
        for client in clients
    ]
    clients[1].wait_for_workers(2, timeout=60)
    assert fronts(found[0]) == fronts(found[1])
    assert list(found[0]) == ["du", "dv"]
    assert max(most) == 2
    (first, _), (_, _), (second, _), (other, _) = started[:4]
    assert first == ["a"]
    assert second == other  # the formulas of both
    assert len(second) > 6


def test_targets_lie_in_partitions_and_what_is_wrong_with_one_names_it(
    clients: tuple[Any, Any],
) -> None:
    from dask import dataframe

    frame, client = system(noise=0.0), clients[1]
    rows = dataframe.from_pandas(frame, npartitions=3, sort=False)
    heard: list[Progress] = []
    given = told(client, evaluations=1000, strategy="direct", callback=heard.append)
    found = cf.discover_system(rows, ["dv", "du"], **given)
    apart = cf.discover_system(rows[["a", "b"]], rows[["dv", "du"]], **given)
    assert list(found) == ["dv", "du"]
    assert fronts(found) == fronts(apart)
    assert found["du"].provenance.rows + found["du"].provenance.held_out == len(frame)
    assert {told.phase.split(":")[0] for told in heard} == {"du", "dv"}
    with pytest.raises(cf.InputError, match=r"^Y: target 'dv': .*y: row 5"):
        cf.discover_system(
            rows.assign(dv=frame["dv"].where(frame.index != 5)), ["du", "dv"], **given
        )
    with pytest.raises(cf.InputError, match=r"^Y: must be a Dask table .* not DataFrame"):
        cf.discover_system(rows[["a", "b"]], frame[["du"]], **given)
    with pytest.raises(cf.InputError, match=r"^operators: .*'sine'"):
        cf.discover_system(rows, ["du", "dv"], **{**given, "operators": "+ sine"})
    with pytest.raises(cf.InputError, match=r"^strategy: "):
        cf.discover_system(rows, ["du", "dv"], **{**given, "strategy": "none"})
