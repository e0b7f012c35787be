"""How far verdicts can be trusted: on noise, on laws with noise, and on what no formula says.

Parts of one command (`python -m bench verdicts`): noise of many kinds must give "no law"; right
forms chosen at 1 to 10 % noise must be called laws; functions outside the operators must not be,
without noise never. Standard errors (`coverage`) and what more evaluations do to the choice
(`budgets`) belong to it.

Searches end by evaluations alone: what is found does not depend on the machine's speed. With
`--state FILE` every table's outcome is kept there as it comes, formula and numbers, and those
already in it are not repeated.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import j0, zeta

import closedform as cf
from bench.kept import Kept
from bench.record import Record, Target, Value

Floats = npt.NDArray[np.float64]
SHAPES = ((20, 1), (50, 2), (200, 3), (500, 10), (2000, 25))
COPIES = (2, 5)
LAWS = {
    "x1*x2 + x3": 3,
    "x1*exp(-x2)": 2,
    "sqrt(x1**2 + x2**2)": 2,
    "x1*x2/(x3 + 1)": 3,
    "x1**2*sin(x2)": 2,
    "3*x1**2 - x1*x2": 2,
}
LEVELS = (0.01, 0.05, 0.10)


def noise(rng: np.random.Generator) -> Iterator[tuple[str, Floats, Floats]]:
    """Tables in which nothing follows from anything: kind, X, y."""
    for rows, inputs in SHAPES:
        X = rng.normal(size=(rows, inputs)) if rng.random() < 0.5 else rng.random((rows, inputs))
        yield "normal", X, rng.normal(size=rows)
        yield "Student's t, 2", X, rng.standard_t(2, rows)
        yield "Cauchy", X, rng.standard_cauchy(rows)
        yield "lognormal", X, rng.lognormal(size=rows)
        yield "binary", X, (rng.random(rows) < 0.5).astype(np.float64)
        for copies in COPIES:
            some = max(rows // copies, 8)
            order = rng.permutation(some * copies)
            both = np.repeat(X[:some], copies, axis=0)[order]
            y = np.repeat(rng.normal(size=some), copies)[order]
            yield f"every row {copies} times", both, y
            near = both + 1e-4 * rng.normal(size=both.shape)
            yield f"every row nearly {copies} times", near, y + 1e-3 * rng.normal(size=len(y))
    for rows in (100, 400):
        series = np.zeros(rows)
        for i in range(1, rows):
            series[i] = 0.8 * series[i - 1] + rng.normal()
        yield "autocorrelated series", np.arange(rows, dtype=np.float64)[:, None], series
        walks = rng.normal(size=(rows, 4)).cumsum(axis=0)
        yield "random walks", walks[:, :3], walks[:, 3]


def outside(rng: np.random.Generator) -> Iterator[tuple[str, Floats, Floats]]:
    """Functions that the default operators have no form for: name, X, y without noise."""
    X = rng.uniform(0.5, 10.0, (300, 2))
    yield "Bessel", X, j0(X[:, 0]) * X[:, 1]
    yield "zeta", X + 1.0, zeta(X[:, 0] + 1.0) + 0.1 * X[:, 1]
    yield "steps", X, np.floor(X[:, 0]) + X[:, 1]
    yield "maximum", X, np.maximum(X[:, 0], X[:, 1])


@dataclass(frozen=True)
class Asker:
    """Asks for verdicts, of each table once.

    Attributes:
        part: of the benchmark.
        kept: outcomes that are known.
        evaluations, threads: of every search.
    """

    part: str
    kept: Kept
    evaluations: int
    threads: int

    def outcome(self, X: Floats, y: Floats, seed: int, **table: Value) -> dict[str, Any]:
        """Verdict, formula and what is said of it, of the table that `table` names."""
        asked = {"benchmark": f"verdicts.{self.part}", **table, "seed": seed}
        asked |= {"evaluations": self.evaluations, "threads": self.threads}

        def work() -> dict[str, Any]:
            found = cf.discover(
                X,
                y,
                time=math.inf,
                evaluations=self.evaluations,
                threads=self.threads,
                seed=seed,
            )
            return {
                "verdict": found.verdict.kind,
                "said": str(found.verdict),
                "formula": found.formula.text,
                "noise": str(found.noise.main),
            }

        return self.kept.run(asked, work)


def run_noise(*, draws: int, evaluations: int, state: str, threads: int, seed: int) -> list[Record]:
    ask = Asker("noise", Kept(state), evaluations, threads)
    counts: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for draw in range(seed, seed + draws):
        for kind, X, y in noise(np.random.default_rng(draw)):
            shape = {"rows": len(X), "inputs": X.shape[1]}
            verdict = ask.outcome(X, y, draw, kind=kind, **shape)["verdict"]
            counts[verdict] += 1
            if verdict != "no law":
                wrong[f"{verdict} on {kind}"] += 1
    total = sum(counts.values())
    told = "; ".join(f"{count} {what}" for what, count in wrong.most_common()) or "none wrong"
    return [
        Record(
            "verdicts.noise",
            {"draws": draws, "evaluations": evaluations},
            told,
            100.0 * counts["no law"] / total,
            unit="% no law",
            targets=(Target("ours", 99.5),),
            note=f"{total} tables",
        )
    ]


def run_laws(*, draws: int, evaluations: int, state: str, threads: int, seed: int) -> list[Record]:
    ask = Asker("laws", Kept(state), evaluations, threads)
    right, called = 0, 0
    for draw in range(seed, seed + draws):
        rng = np.random.default_rng(draw)
        for text, inputs in LAWS.items():
            X = rng.uniform(0.5, 3.0, (300, inputs))
            law = cf.Formula(text, [f"x{j + 1}" for j in range(inputs)])
            f = law(X)
            fresh = rng.uniform(0.5, 3.0, (300, inputs))
            for level in LEVELS:
                y = f + level * float(np.std(f)) * rng.normal(size=len(f))
                found = ask.outcome(X, y, draw, law=text, level=level)
                formula = cf.Formula(found["formula"], law.names)
                error = float(np.sqrt(np.mean((formula(fresh) - law(fresh)) ** 2)) / np.std(f))
                if error < 0.5 * level and formula.complexity <= 1.4 * law.complexity + 2:
                    right += 1
                    called += found["verdict"] == "law"
    return [
        Record(
            "verdicts.laws",
            {"draws": draws, "evaluations": evaluations},
            f"{right} of {draws * len(LAWS) * len(LEVELS)} forms right",
            100.0 * called / max(right, 1),
            unit="% of them called laws",
            targets=(Target("ours", 90.0),),
        )
    ]


def run_outside(
    *, draws: int, evaluations: int, state: str, threads: int, seed: int
) -> list[Record]:
    ask = Asker("outside", Kept(state), evaluations, threads)
    laws: Counter[str] = Counter()
    tables = 0
    for draw in range(seed, seed + draws):
        rng = np.random.default_rng(draw)
        for kind, X, f in outside(rng):
            for level in (0.0, 0.05):
                y = f + level * float(np.std(f)) * rng.normal(size=len(f))
                tables += 1
                if ask.outcome(X, y, draw, kind=kind, level=level)["verdict"] == "law":
                    laws[f"{kind}, {'noise' if level else 'none'}"] += 1
    told = "; ".join(f"{count} on {what}" for what, count in laws.most_common()) or "none"
    return [
        Record(
            "verdicts.outside",
            {"draws": draws, "evaluations": evaluations},
            f"laws: {told}",
            100.0 * sum(laws.values()) / tables,
            unit="% called laws",
            targets=(Target("ours", 2.5, most=True),),
            note=f"{tables} tables, half of them without noise",
        )
    ]
