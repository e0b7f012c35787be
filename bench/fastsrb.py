"""FastSRB: 120 laws of physics in realistic ranges, from $CLOSEDFORM_DATA/benchmarks/fastsrb.yaml.

Rows are drawn as its `sample_range` and `sample_type` say: 200 to search, others to judge at.
Found: the largest relative error on fresh rows is below 1e-8, and the formula has at most 1.2 times
the nodes of the shortest form that the benchmark accepts. A law whose values closedform refuses is
not found.

With `--state FILE` every law's outcome is kept there as it ends, and those already in it are not
searched again. `--laws 1/4` takes a quarter of them, always the same.
"""

from __future__ import annotations

import importlib.util
import math
import os
import statistics
import time as clock
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import closedform as cf
from bench import engines
from bench.engines import Budget
from bench.kept import Kept
from bench.record import Record, Target, Value
from bench.share import share

Floats = npt.NDArray[np.float64]

ROWS, FRESH = 200, 1000
EXACT = 1e-8
SMALLEST = 1e-290  # what has all its digits
LARGER = 1.2  # than the shortest accepted form
# Published rates: TiSR, 30 minutes a law, of the 117 that it ran.
PUBLISHED = {"all": 69.4, "easy": 100.0, "medium": 78.0, "hard": 42.6}


@dataclass(frozen=True)
class Law:
    """One of the benchmark's.

    Attributes:
        name, difficulty: the benchmark's.
        text: of the law in its inputs.
        inputs: name, range and kind of each.
        size: nodes of the shortest form accepted.
    """

    name: str
    difficulty: str
    text: str
    inputs: tuple[tuple[str, float, float, tuple[str, ...]], ...]
    size: int

    @property
    def names(self) -> list[str]:
        return [name for name, *_ in self.inputs]

    def rows(self, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """X and y at `count` rows where the law has a value."""
        law = cf.Formula(self.text, self.names)
        X = np.empty((0, len(self.inputs)))
        while len(X) < count:
            drawn = np.column_stack([_column(*spec, count, rng) for _, *spec in self.inputs])
            with np.errstate(all="ignore"):
                y = law(drawn)
            X = np.vstack([X, drawn[np.isfinite(y) & (np.abs(y) > SMALLEST)]])
        return X[:count], law(X[:count])


def _column(
    low: float, high: float, kind: tuple[str, ...], count: int, rng: np.random.Generator
) -> Floats:
    how, signs = kind
    if how == "int":
        return rng.integers(int(low), int(high) + 1, count).astype(np.float64)
    if how == "uni":
        return rng.uniform(low, high, count)
    values = np.exp(rng.uniform(math.log(low), math.log(high), count))
    return values * rng.choice([-1.0, 1.0], count) if signs == "pos_neg" else values


def folder() -> Path | None:
    path = Path(os.environ.get("CLOSEDFORM_DATA", "")) / "benchmarks" / "fastsrb.yaml"
    return path if path.is_file() else None


def laws(path: Path) -> dict[str, Law]:
    """The laws of the benchmark's file, by name."""
    import yaml

    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: _law(name, entry) for name, entry in entries.items()}


def _law(name: str, entry: Mapping[str, Any]) -> Law:
    inputs = tuple(
        (
            column,
            # 1e-3 is a number to everyone but YAML 1.1, which asks for a point.
            float(facts["sample_range"][0]),
            float(facts["sample_range"][1]),
            tuple(facts["sample_type"]),
        )
        for column, facts in entry["vars"].items()
        if column != "v0"
    )
    names = [column for column, *_ in inputs]
    text = str(entry["prepared"]).replace("neg(", "-(")
    sizes = [cf.Formula(str(form), names).complexity for form in [text, *entry.get("accept", ())]]
    return Law(name, str(entry["difficulty"]), text, inputs, min(sizes))


@dataclass(frozen=True)
class Found:
    chosen: bool
    on_front: bool
    error: float
    formula: str
    size: int
    seconds: float


def discover(law: Law, engine: str, evaluations: int, budget: Budget) -> Found:
    """What an engine finds of a law from 200 rows; a peer is judged by the best that it offers."""
    rng = np.random.default_rng([zlib.crc32(law.name.encode()), budget.seed])
    X, y = law.rows(ROWS, rng)
    Z, truth = law.rows(FRESH, rng)
    begun = clock.perf_counter()
    try:
        found = engines.answers(engine, engines.rows(X, y), evaluations, budget)
    except cf.InputError as refusal:
        return Found(False, False, math.inf, f"refused: {refusal}", 0, 0.0)
    seconds = clock.perf_counter() - begun

    def error(formula: cf.Formula) -> float:
        with np.errstate(all="ignore"):
            off = np.abs(formula(Z) - truth) / np.abs(truth)
        return float(off.max()) if np.isfinite(off).all() else math.inf

    def right(formula: cf.Formula) -> bool:
        return formula.complexity <= LARGER * law.size and error(formula) < EXACT

    on_front = [formula for formula in found if right(formula)]
    best = found[0] if engine == engines.OURS else (on_front or found)[0]
    text, size = str(best), best.complexity
    return Found(right(best), bool(on_front), error(best), text, size, seconds)


def selected(path: Path, part: str) -> list[Law]:
    """The laws of the file, or a share of them (`bench.share`)."""
    return share(laws(path).values(), part)


def run(
    *,
    engine: str,
    evaluations: int,
    time: float,
    laws: str,
    state: str,
    threads: int,
    seed: int,
) -> list[Record]:
    """The share of the laws found, in all and by difficulty; `evaluations` of ours, `time` of a
    peer, for each."""
    parameters = engines.asked(engine, evaluations, time) | {"laws": laws}
    reason = unusable() or engines.left_out(engine)
    if reason:
        return [Record("public.fastsrb", parameters, "not run", math.nan, unit="%", peer=reason)]
    path = folder()
    assert path is not None
    kept, budget = Kept(state), Budget(time, threads, seed, engines.WIDE)
    found: dict[str, list[Found]] = {difficulty: [] for difficulty in PUBLISHED}
    for law in selected(path, laws):
        asked = parameters | {"benchmark": "public.fastsrb", "law": law.name, "seed": seed}

        def work(law: Law = law) -> dict[str, Any]:
            return asdict(discover(law, engine, evaluations, budget))

        outcome = Found(**kept.run(asked, work))
        print(f"{law.name}: {_told(outcome)}", flush=True)
        found["all"].append(outcome)
        found[law.difficulty].append(outcome)
    return [_record(parameters, what, some) for what, some in found.items() if some]


def unusable() -> str:
    """Why the benchmark cannot be run, in one line; "" where it can."""
    if folder() is None:
        return "left out: CLOSEDFORM_DATA names no folder with benchmarks/fastsrb.yaml"
    if importlib.util.find_spec("yaml") is None:
        return "left out: PyYAML reads the laws and is not installed (pip install pyyaml)"
    return ""


def _told(found: Found) -> str:
    what = "found" if found.chosen else "on the front" if found.on_front else "not found"
    return f"{what}, {found.seconds:.0f} s: {found.formula[:100]}"


def _record(parameters: Mapping[str, Value], what: str, found: Sequence[Found]) -> Record:
    chosen, on_front = (
        sum(outcome.chosen for outcome in found),
        sum(outcome.on_front for outcome in found),
    )
    refused = sum(outcome.formula.startswith("refused") for outcome in found)
    seconds = statistics.median(outcome.seconds for outcome in found)
    whole, ours = parameters["laws"] == "all", parameters["engine"] == engines.OURS
    return Record(
        "public.fastsrb",
        {"difficulty": what, **parameters},
        f"{chosen} of {len(found)} found, {on_front} on the front, {refused} refused",
        100.0 * chosen / len(found),
        unit="%",
        peer="TiSR as published",
        theirs=PUBLISHED[what],
        targets=(Target("ours", PUBLISHED[what]),) if whole and ours else (),
        note=f"median {seconds:.1f} s",
        summary=True,
    )
