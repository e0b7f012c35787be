"""Targets, fits and groups as tasks on the workers of a Dask cluster."""

from __future__ import annotations

import math
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import closedform as cf
from closedform.searches import group_judge
from closedform.searches.progress import Progress
from closedform.tables.tasks import NoAnswer, Shared

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
    clients: tuple[Any, Any], tmp_path: Path
) -> None:
    from dask import dataframe

    def read(part: pandas.DataFrame) -> pandas.DataFrame:
        with (tmp_path / "made").open("a") as made:
            made.write(f"{len(part)}\n")
        return part

    frame, client = system(noise=0.0), clients[1]
    rows = dataframe.from_pandas(frame, npartitions=3, sort=False)
    heard: list[Progress] = []
    given = told(client, evaluations=1000, strategy="direct", callback=heard.append)
    found = cf.discover_system(rows.map_partitions(read, meta=frame), ["dv", "du"], **given)
    assert (tmp_path / "made").read_text().split() == ["40", "40", "40"]  # for all, and once
    assert list(found) == ["dv", "du"]
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


@pytest.mark.parametrize("rows", [120, 3000])
def test_fits_of_a_surrogate_are_tasks_to_the_same_bits(
    rows: int, clients: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(2)
    X = rng.uniform(1, 3, (rows, 3))
    y = np.exp(0.4 * X[:, 0]) * X[:, 1] + np.sin(3 * X[:, 2]) + 0.01 * rng.normal(size=rows)
    tasks: list[int] = []
    ask = Shared.ask

    def asked(self: Shared, question: Any, some: Any, seconds: float) -> list[Any]:
        if rows == 120 and self._client is clients[1] and len(tasks) == 2:
            os.kill(next(iter(clients[1].run(os.getpid).values())), signal.SIGKILL)
        found = ask(self, question, some, seconds)
        tasks.append(sum(answer is not None for answer in found))
        return found

    monkeypatch.setattr(Shared, "ask", asked)

    def fitted(client: Any) -> tuple[int, list[bytes], float]:
        tasks.clear()
        surrogate = cf.Surrogate(2, 6, time=math.inf, threads=1).fit(X, y, client=client)
        core = surrogate.core
        factors = [core.factor(d).tobytes() for d in range(core.inputs)]
        return sum(tasks), factors, surrogate.held_out_error

    (none, *here), (one, *of_one), (two, *of_two) = map(fitted, (None, *clients))
    clients[1].wait_for_workers(2, timeout=60)
    assert here == of_one == of_two
    assert none == 0
    assert one == two > 6


def test_forms_are_fitted_to_groups_by_the_workers_as_without_them(
    clients: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(4)
    x = rng.uniform(1, 3, (160, 1))
    cell = np.repeat(["a", "b", "c", "d"], 40)
    rate = np.repeat([0.5, 1.0, 1.5, 2.0], 40)
    y = rate * x[:, 0] + 3.0 + 0.02 * rng.normal(size=160)
    questions: list[str] = []
    ask = Shared.ask

    def asked(self: Shared, question: Any, some: Any, seconds: float) -> list[Any]:
        found = ask(self, question, some, seconds)
        questions.append(question.__name__)
        return found

    monkeypatch.setattr(Shared, "ask", asked)
    given = told(None, operators="+ *", max_size=7, evaluations=2000)

    def searched(client: Any) -> list[str]:
        front = cf.search(x, values=y, groups=cell, **{**given, "client": client})
        best = front.best
        assert isinstance(best, cf.GroupedFormula)
        numbers = [[c.value.hex() for c in of.values()] for of in best.parameters.values()]
        return [f"{f.text} {f.loss!r}" for f in front] + [f"{numbers} {best.rmse}"]

    one, two = map(searched, clients)
    assert questions.count("_asked") == 4  # what suits each form, and what groups share
    assert one == two
    monkeypatch.setattr(group_judge, "Shared", Nobody)
    assert searched(clients[0]) == one
    with pytest.raises(cf.InputError, match=r"^template: cannot be given with client"):
        cf.search(x, values=y, template="f(x1)", **{**given, "client": clients[0]})


class Nobody:
    """Workers that do not answer."""

    def __init__(self, client: Any, what: object) -> None:
        pass

    def ask(self, *what: Any) -> list[Any]:
        raise NoAnswer("client: no answer: they have gone")
