"""FastSRB: 120 laws of physics in realistic ranges, from $CLOSEDFORM_DATA/benchmarks/fastsrb.yaml.

Rows are drawn as its `sample_range` and `sample_type` say: 200 to search, others to judge at. Found:
the largest relative error on fresh rows is below 1e-8, and the formula has at most 1.2 times the
nodes of the shortest form that the benchmark accepts.
"""

from __future__ import annotations

import math
import os
import time as clock
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import closedform as cf
from bench.record import Record

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

    # 1e-3 is a number to everyone but YAML 1.1, which asks for a point.
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: _law(name, entry) for name, entry in entries.items()}


def _law(name: str, entry: Mapping[str, Any]) -> Law:
    inputs = tuple(
        (
            column,
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
    evaluations: int


def discover(law: Law, seed: int, evaluations: int, threads: int = 1) -> Found:
    """What is found of a law from 200 rows."""
    rng = np.random.default_rng([zlib.crc32(law.name.encode()), seed])
    X, y = law.rows(ROWS, rng)
    Z, truth = law.rows(FRESH, rng)
    begun = clock.perf_counter()
    found = cf.discover(
        X, y, time=math.inf, evaluations=evaluations, threads=threads, seed=seed
    )
    seconds = clock.perf_counter() - begun

    def error(formula: cf.Formula) -> float:
        with np.errstate(all="ignore"):
            off = np.abs(formula(Z) - truth) / np.abs(truth)
        return float(off.max()) if np.isfinite(off).all() else math.inf

    def right(formula: cf.Formula) -> bool:
        return formula.complexity <= LARGER * law.size and error(formula) < EXACT

    best = found.formula
    return Found(
        right(best),
        any(right(formula) for formula in found.front),
        error(best),
        str(best),
        best.complexity,
        seconds,
        found.front.evaluations,
    )
