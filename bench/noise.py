"""Twelve laws from rows with noise: how often the right form is chosen, and how often by pyoperon.

Noise is a share of the law's spread ("absolute"), of each value ("relative"), of both ("mixed": of
half the spread), or in the logarithm ("log"). "counts" are Poisson's, around the law in such units
that a count of its mean has this relative error; of the laws that are positive. "outliers" have,
besides absolute noise, one row in fifty off by 5 to 20 spreads; "missing" lacks one number in
twenty of the inputs; "irrelevant 10" is 10 columns in all, uniform and of no effect but for the
law's own; in "correlated 10" each of them has a correlation of 0.9 with one of the law's. A formula
is right by `problem.right_form`, judged without noise. Of a peer, the formula it chooses counts, as
with ours.

With `--state FILE` every run is kept there as it ends, and those already in it are not repeated;
`python -m bench.noise FILE` counts what such a file holds and writes bench/results/noise.csv, which
the documentation shows.
"""

from __future__ import annotations

import csv
import math
import sys
import time as clock
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import closedform as cf
from bench import engines
from bench.engines import Budget
from bench.kept import Kept
from bench.peers import missing
from bench.problem import Floats, Problem, right_form
from bench.record import Record, Value

OPERATORS = (*engines.OPERATORS, "sqrt")
ONE_IN, GROSS = 50, (5.0, 20.0)
CORRELATION = 0.9
MISSING = 0.05
KINDS = (
    "absolute",
    "relative",
    "mixed",
    "log",
    "counts",
    "outliers",
    "missing",
    "irrelevant 10",
    "irrelevant 25",
    "correlated 10",
    "correlated 25",
)

# Text and ranges. V1 is the first of the Vladislavleva functions, the others are Feynman's.
LAWS: dict[str, tuple[str, tuple[tuple[float, float], ...]]] = {
    "I.34.14": ("(1 + x1/x2)/sqrt(1 - x1**2/x2**2)*x3", ((1, 2), (3, 10), (1, 5))),
    "I.37.4": ("x1 + x2 + 2*sqrt(x1*x2)*cos(x3)", ((1, 5),) * 3),
    "I.18.4": ("(x1*x2 + x3*x4)/(x1 + x3)", ((1, 5),) * 4),
    "V1": ("exp(-(x1 - 1)**2)/(1.2 + (x2 - 2.5)**2)", ((0.3, 4),) * 2),
    "I.8.14": ("sqrt((x2 - x1)**2 + (x4 - x3)**2)", ((1, 5),) * 4),
    "I.12.11": ("x1*(x2 + x3*x4*sin(x5))", ((1, 5),) * 5),
    "I.13.4": ("0.5*x1*(x2**2 + x3**2 + x4**2)", ((1, 5),) * 4),
    "I.24.6": ("0.25*x1*(x2**2 + x3**2)*x4**2", ((1, 3),) * 4),
    "I.39.22": ("x1*x2*x3/x4", ((1, 5),) * 4),
    "I.6.20a": (f"exp(-x1**2/2)/{math.sqrt(2 * math.pi)!r}", ((1, 3),)),
    "II.6.15b": (f"{3 / (4 * math.pi)!r}*x1/x2**3*cos(x3)*sin(x3)", ((1, 3),) * 3),
    "III.17.37": ("x1*(1 + x2*cos(x3))", ((1, 5),) * 3),
}
SIGNED = ("I.12.11", "II.6.15b", "III.17.37")


def laws_of(kind: str) -> tuple[str, ...]:
    return tuple(law for law in LAWS if kind != "counts" or law not in SIGNED)


@dataclass(frozen=True)
class Noisy(Problem):
    """A law with noise in its training rows and, maybe, columns that it does not use.

    Attributes:
        own: how many inputs are the law's, the first ones.
        kind: of KINDS.
        level: of the noise, as a share.
    """

    own: int = 0
    kind: str = "absolute"
    level: float = 0.0

    def uniform(self, rows: int, seed: int) -> Floats:
        X = super().uniform(rows, seed)
        if self.kind.startswith("correlated"):
            like = np.arange(X.shape[1] - self.own) % self.own
            rest = math.sqrt(1 - CORRELATION**2)
            X[:, self.own :] = CORRELATION * X[:, like] + rest * X[:, self.own :]
        return X

    def measured(self, seed: int) -> tuple[Floats, Floats]:
        """The rows as they come; what is missing is NaN."""
        X = self.uniform(self.rows, seed)
        f = self.truth(X)
        rng = np.random.default_rng([seed, 1])
        spread = float(np.std(f))
        scales = {"relative": np.abs(f), "mixed": np.hypot(f, 0.5 * spread)}
        errors = self.level * rng.normal(size=len(f))
        y = f + scales.get(self.kind, spread) * errors
        if self.kind == "log":
            y = f * np.exp(errors)
        if self.kind == "counts":
            y = rng.poisson(f / (self.level**2 * f.mean())).astype(np.float64)
        if self.kind == "missing":
            X[rng.random(X.shape) < MISSING] = np.nan
        if self.kind == "outliers":
            off = rng.choice(len(y), len(y) // ONE_IN, replace=False)
            y[off] += spread * rng.uniform(*GROSS, len(off)) * rng.choice((-1.0, 1.0), len(off))
        return X, y

    def training(self, seed: int) -> tuple[Floats, Floats]:
        X, y = self.measured(seed)
        whole = np.isfinite(X).all(axis=1)
        return X[whole], y[whole]


def noisy(law: str, kind: str, level: float, rows: int) -> Noisy:
    text, ranges = LAWS[law]
    own = len(ranges)
    words = kind.split()
    more = max(int(words[1]) - own, 0) if len(words) > 1 else 0
    ranges += tuple(ranges[j % own] for j in range(more))
    return Noisy(law, text, ranges, rows=rows, own=own, kind=kind, level=level)


@dataclass(frozen=True)
class Found:
    chosen: bool
    on_front: bool
    formula: str
    verdict: str
    seconds: float


def ours(problem: Noisy, budget: Budget) -> Found:
    X, y = problem.measured(budget.seed)
    begun = clock.perf_counter()
    found = cf.discover(
        X,
        y,
        missing="drop",
        time=budget.seconds,
        operators=budget.operators,
        max_size=engines.MAX_SIZE,
        threads=budget.threads,
        seed=budget.seed,
    )
    seconds = clock.perf_counter() - begun
    return _found(problem, found.formula, found.front, found.verdict.kind, seconds)


def pyoperon(problem: Noisy, budget: Budget) -> Found:
    begun = clock.perf_counter()
    best, front = engines.pyoperon_front(problem, budget, math.ceil(budget.seconds))
    seconds = clock.perf_counter() - begun
    formulas = [cf.Formula(text, problem.names) for text in (best, *front)]
    # Its formulas repeat constants that reduce to one.
    short = [formula.simplified(budget.operators) for formula in formulas]
    return _found(problem, short[0], short, "no verdict", seconds)


def _found(
    problem: Problem, best: cf.Formula, front: Iterable[cf.Formula], verdict: str, seconds: float
) -> Found:
    chosen = right_form(problem, best)
    on_front = chosen or any(right_form(problem, formula) for formula in front)
    return Found(chosen, on_front, str(best), verdict, seconds)


ENGINES: dict[str, Callable[[Noisy, Budget], Found]] = {"closedform": ours, "pyoperon": pyoperon}


def run(
    *,
    law: str,
    kind: str,
    rows: int,
    level: float,
    time: float,
    state: str,
    threads: int,
    seed: int,
) -> list[Record]:
    """Whether the form is right, 1 or 0."""
    if kind in ("relative", "mixed", "log", "counts") and level == 0:  # as absolute
        return []
    if law not in laws_of(kind):
        return []
    problem = noisy(law, kind, level, rows)
    budget = Budget(time, threads, seed, OPERATORS)
    parameters: dict[str, Value] = {"law": law, "kind": kind, "rows": rows, "level": level}
    parameters["time"] = time
    kept = Kept(state)

    def result(engine: str) -> Found:
        asked = {"benchmark": "noise", "engine": engine, **parameters}
        asked |= {"threads": threads, "seed": seed}
        return Found(**kept.run(asked, lambda: asdict(ENGINES[engine](problem, budget))))

    mine = result("closedform")
    reason = missing("pyoperon")
    peer = None if reason else result("pyoperon")
    return [
        Record(
            "noise",
            parameters,
            f"{_what(mine)}, {mine.verdict}: {mine.formula[:100]}",
            float(mine.chosen),
            unit="right",
            peer=reason or "pyoperon",
            theirs=None if peer is None else float(peer.chosen),
            note=f"{mine.seconds:.1f} s"
            + ("" if peer is None else f"; pyoperon: {_what(peer)}: {peer.formula[:100]}"),
        )
    ]


def _what(found: Found) -> str:
    return "right" if found.chosen else "right on the front" if found.on_front else "wrong"


def summarise(records: Sequence[Record]) -> list[Record]:
    """The laws of every kind, number of rows and level counted up."""
    groups: dict[tuple[tuple[str, Value], ...], list[Record]] = {}
    for record in records:
        same = tuple(item for item in record.parameters.items() if item[0] != "law")
        groups.setdefault(same, []).append(record)
    return [_summary(dict(same), members) for same, members in groups.items()]


def _summary(parameters: dict[str, Value], members: Sequence[Record]) -> Record:
    told = [record.answer.partition(":")[0] for record in members]
    called = [what.endswith(", law") for what in told]
    right = [bool(record.ours) for record in members]
    agree = sum(law for law, so in zip(called, right, strict=True) if so)
    theirs = [record.theirs for record in members if record.theirs is not None]
    return Record(
        "noise",
        parameters,
        f"right forms; {sum(what.startswith('right') for what in told)} on the front",
        float(sum(right)),
        unit=f"of {len(members)} laws",
        peer=members[0].peer,
        theirs=sum(theirs) if theirs else None,
        note=f"called laws: {agree} of them, {sum(called) - agree} of the wrong",
    )


COUNTED = Path(__file__).with_name("results") / "noise.csv"


def counted(kept: Kept) -> list[dict[str, Value]]:
    """A row for each kind, number of rows and level that all its laws were run at: how many they
    are and how many forms each engine chose rightly (None where it was not run), and how many wrong
    ones we called laws."""
    runs: dict[tuple[Value, ...], dict[str, list[Found]]] = {}
    for asked, got in kept.of("noise"):
        engines_here = runs.setdefault((asked["kind"], asked["rows"], asked["level"]), {})
        engines_here.setdefault(asked["engine"], []).append(Found(**got))
    rows: list[dict[str, Value]] = []
    for (kind, size, level), found in sorted(runs.items()):
        ours, theirs = found.get("closedform", []), found.get("pyoperon", [])
        laws = len(laws_of(str(kind)))
        if len(ours) < laws:
            continue
        row: dict[str, Value] = {"kind": kind, "rows": size, "noise": level, "laws": laws}
        row["closedform"] = sum(one.chosen for one in ours)
        row["wrong laws"] = sum(one.verdict == "law" and not one.chosen for one in ours)
        row["pyoperon"] = sum(one.chosen for one in theirs) if len(theirs) == len(ours) else None
        rows.append(row)
    return rows


def main(state: str) -> None:
    rows = counted(Kept(state))
    with COUNTED.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1])
