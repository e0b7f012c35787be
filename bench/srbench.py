"""SRBench's ground truth, the 120 laws of the Feynman lectures, from $CLOSEDFORM_DATA/benchmarks.

The protocol of La Cava et al. 2021: 10,000 rows in the published ranges, three quarters of them to
search in, noise on the target as a share of its root mean square. Solved: the formula is the law's
up to an added constant or a factor, at no more than 1.5 times its nodes; with noise, once its
constants are fitted to the law itself, for they carry the noise.

`--units with,without` tells the inputs' and the target's units (units.csv of AI Feynman), or none;
a law that its own published units contradict is searched without and counted in both.

`--laws 1/4` takes the quarter whose names' hash is 0 modulo 4; `--state FILE` keeps what has ended.
"""

from __future__ import annotations

import csv
import math
import os
import re
import time as clock
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import closedform as cf
from bench import engines
from bench.engines import Budget
from bench.kept import Kept
from bench.record import Record
from bench.share import share
from closedform import _core
from closedform.searches.rules import Rules

ROWS, TRAINED, FRESH = 10_000, 0.75, 1000
CLOSE, LARGER = 1e-6, 1.5
FILES = ("FeynmanEquations.csv", "BonusEquations.csv")
UNITS = "units.csv"
BASES = {"m": "m", "s": "s", "kg": "kg", "T": "K", "V": "V"}  # its columns, and units for pint
WITH, WITHOUT = "with", "without"
# Best published share of both ground-truth sets (uDSR; DSR at 10 %), by noise; with units those of
# this set (QDSR without noise, PhySO with).
PUBLISHED = {
    WITHOUT: {0.0: 70.0, 0.001: 38.0, 0.01: 28.0, 0.1: 16.6},
    WITH: {0.0: 91.6, 0.001: 58.4, 0.01: 57.9, 0.1: 53.4},
}


@dataclass(frozen=True)
class Law:
    """One of the set, with the ranges that its inputs are drawn from.

    Attributes:
        units: of x1, x2, ..., the inputs' columns, and of y; none where the law contradicts them.
    """

    name: str
    text: str
    inputs: tuple[tuple[str, float, float], ...]
    units: dict[str, str]

    @property
    def formula(self) -> cf.Formula:
        return cf.Formula(self.text, [name for name, _, _ in self.inputs])

    def rows(self, count: int, rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.float64]]:
        """(count, inputs) where the law has a value."""
        formula, found = self.formula, np.empty((0, len(self.inputs)))
        low, high = np.array([bounds for _, *bounds in self.inputs]).T
        while len(found) < count:
            drawn = rng.uniform(low, high, (count, len(low)))
            with np.errstate(all="ignore"):
                found = np.vstack([found, drawn[np.isfinite(formula(drawn))]])
        return np.ascontiguousarray(found[:count])


@dataclass(frozen=True)
class Found:
    solved: bool
    formula: str
    seconds: float


def folder() -> Path | None:
    path = Path(os.environ.get("CLOSEDFORM_DATA", "")) / "benchmarks"
    return path if all((path / name).is_file() for name in (*FILES, UNITS)) else None


def laws(path: Path) -> Iterator[Law]:
    units = _units(path)
    for name in FILES:
        with (path / name).open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                if row["Filename"]:
                    yield _law(row, units)


def _units(path: Path) -> dict[str, str]:
    """By quantity, as pint reads them."""
    with (path / UNITS).open(encoding="utf-8-sig", newline="") as file:
        return {
            row["Variable"]: "*".join(f"{unit}**{row[base]}" for base, unit in BASES.items())
            for row in csv.DictReader(file)
            if row["Variable"]
        }


def _law(row: dict[str, str], units: dict[str, str]) -> Law:
    # The published counts of variables are not all right.
    columns = [k for k in range(1, 11) if row[f"v{k}_name"] and row[f"v{k}_low"]]
    inputs = tuple(
        (row[f"v{k}_name"].strip(), float(row[f"v{k}_low"]), float(row[f"v{k}_high"]))
        for k in columns
    )
    text = re.sub(r"\bpi\b", repr(math.pi), row["Formula"])
    text = text.replace("arcsin", "asin").replace("arccos", "acos").replace("ln(", "log(")
    read = {f"x{k}": units.get(name) for k, (name, _, _) in enumerate(inputs, 1)}
    told = {k: unit for k, unit in (read | {"y": units.get(row["Output"])}).items() if unit}
    law = Law(row["Filename"], text, inputs, told)
    names = [f"x{k}" for k in range(1, len(inputs) + 1)]
    as_columns = cf.Formula(law.formula._expression.text(names), names).simplified(
        [*_core.OPERATORS]
    )
    agree = Rules.read(told, "dimensionless", None, names, ["y"]).allow(as_columns)
    return law if agree else replace(law, units={})


def selected(path: Path, part: str) -> list[Law]:
    """The laws of the files, or a share of them (`bench.share`)."""
    return share(laws(path), part)


def run(
    *,
    engine: str,
    evaluations: int,
    time: float,
    noise: float,
    units: str,
    laws: str,
    state: str,
    threads: int,
    seed: int,
) -> list[Record]:
    """The share that is solved; `evaluations` of ours, `time` of a peer, for each."""
    parameters = engines.asked(engine, evaluations, time) | {"noise": noise, "units": units}
    parameters |= {"laws": laws}
    path, reason = folder(), engines.left_out(engine)
    if units == WITH and engine != engines.OURS:
        reason = "left out: takes no units"
    if path is None:
        reason = f"left out: CLOSEDFORM_DATA names no folder with benchmarks/{FILES[0]}"
    if path is None or reason:
        return [Record("public.srbench", parameters, "not run", math.nan, unit="%", peer=reason)]
    kept, outcomes = Kept(state), []
    budget = Budget(time, threads, seed, engines.WIDE)
    for law in selected(path, laws):
        asked = parameters | {"benchmark": "public.srbench", "law": law.name, "seed": seed}

        def work(law: Law = law) -> dict[str, Any]:
            own = law.units if units == WITH else {}
            return asdict(discover(law, engine, evaluations, noise, budget, own))

        outcome = Found(**kept.run(asked, work))
        told = "solved" if outcome.solved else "not solved"
        print(f"{law.name}: {told}, {outcome.seconds:.0f} s: {outcome.formula[:100]}", flush=True)
        outcomes.append(outcome)
    solved = sum(outcome.solved for outcome in outcomes)
    return [
        Record(
            "public.srbench",
            parameters,
            f"{solved} of {len(outcomes)} solved",
            100.0 * solved / len(outcomes),
            unit="%",
            peer="the best published" + ("" if units == WITH else ", of both sets"),
            theirs=PUBLISHED[units].get(noise),
            summary=True,
        )
    ]


def discover(
    law: Law,
    engine: str,
    evaluations: int,
    noise: float,
    budget: Budget,
    units: dict[str, str],
) -> Found:
    """What an engine finds of a law; a peer is judged by the best that it offers."""
    rng = np.random.default_rng([zlib.crc32(law.name.encode()), budget.seed])
    X = law.rows(ROWS, rng)[: round(TRAINED * ROWS)]
    y = law.formula(X)
    y = y + noise * np.sqrt(np.mean(y**2)) * rng.normal(size=len(y))
    begun = clock.perf_counter()
    found = engines.answers(engine, engines.rows(X, y), evaluations, budget, units or None)
    seconds = clock.perf_counter() - begun
    Z = law.rows(FRESH, rng)
    judged = found[:1] if engine == engines.OURS else found
    solved = [formula for formula in judged if _solved(formula, law, Z, noise)]
    return Found(bool(solved), (solved or found)[0].text, seconds)


def _solved(
    formula: cf.Formula, law: Law, Z: np.ndarray[Any, np.dtype[np.float64]], noise: float
) -> bool:
    truth = law.formula(Z)
    try:
        formula = formula.refit(Z, truth) if noise else formula  # the form: fitted to the law
    except cf.InputError:  # no value there
        return False
    with np.errstate(all="ignore"):
        values = formula(Z)
        offsets, factors = values - truth, values / truth
    close = [
        np.ptp(offsets) <= CLOSE * np.std(truth),
        np.ptp(factors) <= CLOSE * np.abs(np.median(factors)),
    ]
    return bool(any(close)) and formula.complexity <= LARGER * law.formula.complexity
