"""Rows and fits on a Dask cluster: time by the number of workers, memory, and what they cost.

`LocalCluster`s of processes of one thread each share the rows in partitions; a surrogate of fixed
size is fitted, a formula's normal equations are taken, and the sizes of a surrogate are chosen, by
1, 2 and 4 workers: the same bits. From the time of a task and what asking for it takes, in seconds
of a core, a model says how long a pass takes with as many workers as there are cores to put them
on, and how well 64 of them would be used.
"""

from __future__ import annotations

import heapq
import math
import os
import pickle
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

import closedform as cf
from bench.memory import ResidentMemory, anonymous_memory
from bench.record import Record, Target
from closedform.searches.everywhere import equations_of
from closedform.surrogates.everywhere import slopes_of
from closedform.tables.cluster import Part, Partitions

LAW, NAMES = "1.7*x1*x2/x3 + 0.1", ("x1", "x2", "x3")
PASSES = 5  # whose middle one is told
IDLE = 200  # tasks of one worker that do nothing
FAR = 64  # workers that the model is asked about
CHOSEN = 20_000  # rows of a surrogate whose sizes are chosen
# Whoever asks: 200,000 rows of four numbers, their fit, and Dask itself. MiB, whatever the rows.
CONSTANT = Target("ours", 600, most=True)
FORESEEN = Target("ours", 1.3, most=True)  # a pass, over what the model says, or less than its own


@dataclass(frozen=True)
class Costs:
    """Of a pass over all partitions: seconds of each one's task, and of what comes with one."""

    tasks: tuple[float, ...]
    between: float  # two tasks of a worker: messages there and back, the answer's pickle
    asking: float  # by the one scheduler and the one who asks, for a task
    trip: float  # there and back, of a pass over one partition without its task
    answer: int  # bytes

    def seconds(self, workers: int, cores: float = math.inf) -> float:
        """Tasks go to whoever is free first, no faster than they are asked for; the workers and
        who asks share the cores there are."""
        free = [0.0] * workers
        for number, task in enumerate(self.tasks):
            begin = max(heapq.heappop(free), (number + 1) * self.asking)
            heapq.heappush(free, begin + task + self.between)
        work = sum(self.tasks) + self.asking * len(self.tasks)
        return max(max(free) + self.trip, work / cores)

    def efficiency(self, workers: int) -> float:
        return sum(self.tasks) / self.seconds(workers) / workers


def run(*, rows: int, partitions: int, workers: int, threads: int, seed: int) -> list[Record]:
    """Of one cluster."""
    del threads
    from distributed import Client, LocalCluster

    parameters = {"rows": rows, "partitions": partitions, "workers": workers}
    how: dict[str, Any] = {"threads_per_worker": 1, "dashboard_address": ":0", "processes": True}
    with LocalCluster(n_workers=workers, **how) as local, Client(local) as client:
        X, y = _table(rows, partitions, seed)
        with ResidentMemory() as memory:
            placed = Partitions.of(X, y, None, None, client=client)
            fit = cf.Surrogate(2, 10, smoothing=1e-6, time=np.inf, seed=seed, threads=1)
            began = time.perf_counter()
            fit.fit(X, y, client=client)
            fitted = time.perf_counter() - began
        texts, names = [LAW] * 10, list(NAMES)
        questions: dict[str, tuple[Any, ...]] = {
            "normal equations of ten formulas": (equations_of, texts, names),
            "slopes of a surrogate": (slopes_of, fit.core, False),
        }
        records = [
            Record("cluster", parameters, f"{fit}", fitted, note="fit, partitions made on the way")
        ]
        for what, question in questions.items():
            costs = _costs(client, placed, question)
            passes = []
            for _ in range(PASSES):
                began = time.perf_counter()
                total = placed.total(*question)
                passes.append(time.perf_counter() - began)
            records += _told(parameters, what, statistics.median(passes), costs, _digest(total))
        records.append(_sizes(parameters, client, seed))
        most = max(client.run(anonymous_memory).values())
    own = rows * 4 * 8 / 2**20
    note = f"the rows are {own:.0f} MiB; a worker holds at most {most:.0f} MiB"
    asks = Record(
        "cluster",
        parameters,
        "memory of whoever asks",
        memory.grown,
        unit="MiB",
        targets=(CONSTANT,),
        note=note,
    )
    return [*records, asks]


def _table(rows: int, partitions: int, seed: int) -> tuple[Any, Any]:
    """Made on the workers."""
    from dask import array

    rng = array.random.default_rng(seed)
    each = -(-rows // partitions)
    X = rng.uniform(1.0, 3.0, (rows, 3), chunks=(each, 3))
    noise = 0.1 * rng.normal(size=rows, chunks=each)
    return X, 2.31 * X[:, 0] * X[:, 1] / X[:, 2] + noise


def _timed(part: Part, question: Any, what: Any) -> float:
    """On a worker: seconds of a core, whatever else the machine does."""
    began = time.thread_time()
    question(part, *what)
    return time.thread_time() - began


def _idle(number: int) -> list[float]:
    return []


def _costs(client: Any, placed: Partitions, question: tuple[Any, ...]) -> Costs:
    """Who asks, the scheduler in it, is the one that cannot be shared out: its own seconds."""
    ask, *what = question
    tasks = client.gather(client.map(_timed, placed.parts, question=ask, what=what, pure=False))
    first = replace(placed, parts=placed.parts[:1], rows=placed.rows[:1])
    trips = []
    for _ in range(PASSES):
        began = time.perf_counter()
        first.total(ask, *what)
        trips.append(time.perf_counter() - began - tasks[0])
    one = min(client.scheduler_info()["workers"])
    began = time.perf_counter()
    client.gather(client.map(_idle, range(IDLE), workers=[one], pure=False))
    between = (time.perf_counter() - began) / IDLE
    began = time.process_time()
    answered = placed.total(ask, *what)
    asking = (time.process_time() - began) / len(placed.parts)
    return Costs(
        tuple(tasks), between, asking, statistics.median(trips), len(pickle.dumps(answered))
    )


def _of_workers(client: Any) -> float:
    """Seconds of a core that all have used."""
    return float(sum(client.run(time.process_time).values()))


def _sizes(parameters: dict[str, int], client: Any, seed: int) -> Record:
    """Fits that choose a surrogate's sizes, on the workers: how much of the work is theirs."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(1.0, 3.0, (CHOSEN, 6))
    y = X[:, 0] * X[:, 1] / X[:, 2] + np.sin(X[:, 3]) + 0.05 * rng.normal(size=CHOSEN)
    before = _of_workers(client)
    own, began = time.process_time(), time.perf_counter()
    found = cf.Surrogate(time=np.inf, seed=seed, threads=1).fit(X, y, client=client)
    took, own = time.perf_counter() - began, time.process_time() - own
    theirs = _of_workers(client) - before
    factors = [found.core.factor(d) for d in range(found.n_inputs)]
    return Record(
        "cluster",
        parameters,
        f"sizes of a surrogate of {CHOSEN} rows: {_digest(factors)}",
        took,
        note=f"seconds of a core: the workers {theirs:.2f}, who asks {own:.2f}",
    )


def _told(
    parameters: dict[str, int], what: str, took: float, costs: Costs, digest: str
) -> list[Record]:
    cores = len(os.sched_getaffinity(0))
    foreseen = costs.seconds(parameters["workers"], cores)
    spent = sum(costs.tasks) / len(costs.tasks)
    rate = (
        f"a task {spent * 1e3:.1f} ms, {costs.between * 1e3:.2f} ms to the next, asking for it "
        f"{costs.asking * 1e3:.2f} ms, {costs.answer} bytes"
    )
    return [
        Record(
            "cluster",
            parameters,
            f"{what}: {digest}",
            took,
            note=f"{rate}; the model says {foreseen:.3g} s on {cores} cores",
        ),
        Record(
            "cluster",
            parameters,
            f"{what}, measured over the model",
            took / foreseen,
            unit="times",
            targets=(FORESEEN,),
        ),
        Record(
            "cluster",
            parameters,
            f"{what}, efficiency of {FAR} workers by the model",
            costs.efficiency(FAR),
            unit="of one",
            note=", ".join(f"{n}: {costs.efficiency(n):.2f}" for n in (1, 2, 4, 8, 16, 32, 64)),
        ),
    ]


def _digest(total: Sequence[Any]) -> str:
    """The bits of sums, in few characters."""
    import hashlib

    seen = hashlib.sha256()
    for one in total:
        values = [one] if isinstance(one, np.ndarray) else [one.squares, one.gram, one.gradient]
        for value in values:
            array: npt.NDArray[np.float64] = np.asarray(value, dtype=np.float64)
            seen.update(array.tobytes())
    return f"bits {seen.hexdigest()[:8]}"
