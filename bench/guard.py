"""What a change costs: speed, memory, latency, start-up and laws found, new against old.

Every measurement is a process of its own (guard_work.py) that calls the public interface alone, so
the same one runs under either build. With `against`, that commit is built and the two take turns;
without, the figures stand beside the committed ones (results.json), which were measured on another
occasion.
"""

from __future__ import annotations

import json
import math
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from bench import scale
from bench.guard_builds import Build, built, ours, temporary
from bench.guard_work import INPUTS, LAWS, Figure, Outcome, Task, law
from bench.record import Record, Target, quantity
from bench.table import RESULTS

# What is measured, and how often under each build; of the laws, eight, each once.
REPEATS = {
    "start": 5,
    "latency": 3,
    "fit": 3,
    "hessian": 5,
    "separability": 5,
    "search": 3,
    "rules": 5,
    "laws": 1,
}
ON_ROWS = ("fit", "hessian", "separability", "search")
START = {"import": ("-c", "import closedform"), "--help": ("-m", "closedform", "--help")}

MORE_IS_BETTER = ("M rows a second", "found")

Turn = Mapping[str, Outcome]  # by the builds' names, ours being ""
Parameters = Mapping[str, int | str]
Whole = Callable[[Sequence[float]], float]  # of all turns


def run(*, what: str, rows: int, against: str, threads: int, seed: int) -> list[Record]:
    """The records of one kind of work, one for each of its figures."""
    builds = [ours(), *([built(against)] if against else [])]
    size = {"rows": rows} if what in ON_ROWS else {}
    task = Task(_mapped(rows) if size else "", rows if size else 0, threads, seed)
    works = LAWS if what == "laws" else (what,) * REPEATS[what]
    if what == "start":
        _turn(builds, 0, what, task)  # reads the modules from the disk
    try:
        turns = [_turn(builds, number, work, task) for number, work in enumerate(works)]
    except FileNotFoundError as missing:  # what latency needs
        print(f"guard {what}: left out: {missing}", flush=True)
        return []
    return records(what, size, turns, builds[-1].name)


def _turn(builds: Sequence[Build], number: int, work: str, task: Task) -> Turn:
    """Who begins changes from turn to turn."""
    order = builds if number % 2 == 0 else builds[::-1]
    return {
        build.name: _start(build) if work == "start" else build.outcome(work, task)
        for build in order
    }


def _start(build: Build) -> Outcome:
    figures = {}
    for name, command in START.items():
        begun, before = time.perf_counter(), _processor()
        said = build.python(*command)
        taken = time.perf_counter() - begun
        assert ("discover" in said) == (name == "--help"), said
        figures[name] = Figure(1e3 * taken, "ms", _processor() - before)
    return Outcome("a process from its start to its end", figures)


def _processor() -> float:
    """Processors' seconds of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@cache
def _mapped(rows: int) -> str:
    """A folder with the rows."""
    folder = temporary() / str(rows)
    folder.mkdir()
    scale.mapped(folder, rows, INPUTS, law)
    return str(folder)


def records(what: str, size: Parameters, turns: Sequence[Turn], against: str) -> list[Record]:
    """One record a figure; `against` is "" where there is one build alone."""
    finding = any(outcome.found for turn in turns for outcome in turn.values())
    made = [_found(what, turns, against)] if finding else []
    answer = "all eight, found or not" if what == "laws" else turns[0][""].answer
    for of in turns[0][""].figures:
        figures = [{name: outcome.figures[of] for name, outcome in turn.items()} for turn in turns]
        parameters = {"what": what, "of": of, **size}
        made.append(_compared(parameters, answer, figures, against, total=what == "laws"))
    return made


def _found(what: str, turns: Sequence[Turn], against: str) -> Record:
    """How many were found: no fewer than by the other build, is what is asked for."""
    names = {
        build: list(dict.fromkeys(name for turn in turns for name in turn[build].found))
        for build in turns[0]
    }
    answer = " ".join(names[""]) or "none"
    if lost := [name for name in names.get(against, []) if name not in names[""]]:
        answer += f"; no longer {' '.join(lost)}"
    figures = {build: Figure(len(found), "found") for build, found in names.items()}
    record = _compared({"what": what, "of": "found"}, answer, [figures], against)
    return replace(record, targets=(Target("ours", len(names[against])),) if against else ())


def _compared(
    parameters: Parameters,
    answer: str,
    turns: Sequence[Mapping[str, Figure]],
    against: str,
    *,
    total: bool = False,
) -> Record:
    """A figure's best turn, or the total of all, beside the other build's or the committed one.

    The best, because whoever else uses the machine only ever makes a turn worse.
    """
    unit = turns[0][""].unit
    least: Whole = sum if total else min
    best = max if unit in MORE_IS_BETTER else least
    values = {build: [turn[build].value for turn in turns] for build in turns[0]}
    mine = float(best(values[""]))
    peer, theirs, notes = "", None, []
    if against:
        peer, theirs = against, float(best(values[against]))
        notes.append(f"new/old {_ratios(values[''], values[against], best)}")
        processor = {build: [turn[build].processor for turn in turns] for build in turns[0]}
        if all(min(each) > 0 for each in processor.values()):
            ratio = _ratios(processor[""], processor[against], least)
            notes.append(f"new/old of processor time {ratio}")
    else:
        if len(turns) > 1 and not total:
            notes.append(f"{quantity(min(values['']))} to {quantity(max(values['']))}")
        if (known := _committed(parameters, unit)) is not None:
            peer, theirs = "committed", known[0]
            notes.append(
                f"new/committed {_ratio(mine, theirs):.3g}, of another occasion, {known[1]}"
            )
    note = "; ".join(notes)
    return Record("guard", parameters, answer, mine, unit, peer, theirs, note=note)


def _ratios(new: Sequence[float], old: Sequence[float], whole: Whole) -> str:
    """The ratio, which lies between the least and the largest of the turns': these are given, too,
    where there are several."""
    each = [_ratio(*pair) for pair in zip(new, old, strict=True)]
    spread = f" ({min(each):.3g} to {max(each):.3g})" if len(each) > 1 else ""
    return f"{_ratio(whole(new), whole(old)):.3g}{spread}"


def _ratio(new: float, old: float) -> float:
    return new / old if old else math.inf if new else 1.0


def _committed(parameters: Parameters, unit: str) -> tuple[float, str] | None:
    """A figure of results.json and its date; None where it has none."""
    kept = json.loads(RESULTS.read_text()).get("guard", {"records": []})
    for record in kept["records"]:
        if record["parameters"] == dict(parameters) and record["unit"] == unit:
            return float(record["ours"]), str(kept["about"]["date"])
    return None
