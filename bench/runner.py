"""Runs benchmarks, each in a process of its own: none disturbs another's memory or threads."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection

from bench.profile import profile
from bench.record import Benchmark, Record, Value

LEAVING = 10.0  # seconds a process has to end once it has said everything
Chosen = Mapping[str, Sequence[Value]]


def run(benchmark: Benchmark, chosen: Chosen, threads: int, seed: int) -> list[Record] | None:
    """Prints the records of every combination of parameters as they come; None if it failed."""
    print(f"== {benchmark.name}", flush=True)
    begun = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    worker = context.Process(target=_work, args=(sender, benchmark.name, chosen, threads, seed))
    worker.start()
    sender.close()
    records: list[Record] = []
    failure = "the process ended without a word"
    while True:
        try:
            message = receiver.recv()
        except EOFError:
            break
        if message is None or isinstance(message, str):
            failure = message or ""
            break
        records += message
        for record in message:
            print(record.line(), flush=True)
    worker.join(LEAVING)
    worker.kill()  # Julia and joblib's workers together do not always find the way out
    if failure:
        print(f"{benchmark.name} FAILED: {failure}", flush=True)
        return None
    if benchmark.summary is not None and records:
        totals = benchmark.summary(records)
        records += [replace(total, summary=True) for total in totals]
        for total in totals:
            print(f"-- {total.line()}", flush=True)
    print(f"   {time.perf_counter() - begun:.0f} s", flush=True)
    return records


def _work(sender: Connection, name: str, chosen: Chosen, threads: int, seed: int) -> None:
    """In the new process: binds it to some processors before anything counts them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    from bench.suite import SUITE
    from closedform.errors import OutsideWarning

    warnings.simplefilter("ignore", OutsideWarning)  # beyond the rows is where formulas are judged
    benchmark = next(each for each in SUITE if each.name == name)
    try:
        for combination in combinations(chosen):
            records = benchmark.run(**combination, threads=threads, seed=seed)
            sender.send([_explained(record) for record in records])
        sender.send(None)
    except Exception:
        sender.send(traceback.format_exc())


def combinations(chosen: Chosen) -> Iterator[dict[str, Value]]:
    for values in itertools.product(*chosen.values()):
        yield dict(zip(chosen, values, strict=True))


def _explained(record: Record) -> Record:
    """A miss with the profile of our work; nothing that cannot be sent."""
    work: Callable[[], object] | None = record.again
    record = replace(record, again=None)
    if record.verdict == "miss" and work is not None:
        return replace(record, profile=profile(work))
    return record
