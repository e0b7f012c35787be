"""Whether the structure read from a surrogate is the law's, over several draws of the rows."""

from __future__ import annotations

import statistics
import time

import numpy as np

from bench.problem import Problem
from bench.record import Record
from bench.vladislavleva import PROBLEMS
from closedform import Surrogate, separability

# Rows of the others are drawn here: grids would make structures easier to see.
DRAWN = {"V3": 600}
OTHERS = (
    Problem("waves", "sin(3*x1) + exp(x2)", ((-1, 1),) * 2, rows=500),
    Problem("nested", "x1*(x2 + x3) + sin(x4)", ((-2, 2),) * 4, rows=500),
    Problem("Lorenz", "x1*x2 - 8/3*x3", ((-20, 20), (-20, 20), (0, 50)), rows=1000),
)
EXPECTED = {
    "V1": "product(x1, x2)",
    "V3": "product(x1, x2)",
    "V4": "f(x1, x2, x3, x4, x5)",
    "V5": "product(x1, x2, x3)",
    "V6": "product(x1, x2)",
    "V7": "f(x1, x2)",
    "V8": "f(x1, x2)",
    "waves": "sum(x1, x2)",
    "nested": "sum(product(x1, sum(x2, x3)), x4)",
    "Lorenz": "sum(product(x1, x2), x3)",
}
LAWS = {law.name: law for law in (*PROBLEMS, *OTHERS) if law.name in EXPECTED}


def run(*, law: str, draws: int, threads: int, seed: int) -> list[Record]:
    """Counts how often the tree is right; seconds are of fit and reading together."""
    problem = LAWS[law]
    rows = DRAWN.get(law, problem.rows)
    right, errors, seconds = 0, [], []
    for draw in range(draws):
        X = problem.uniform(rows, 1000 + seed + draw)
        y = problem.truth(X)
        begun = time.perf_counter()
        surrogate = Surrogate(seed=draw, threads=threads).fit(X, y)
        tree = separability(surrogate, X, y, seed=draw)
        seconds.append(time.perf_counter() - begun)
        right += str(tree) == EXPECTED[law]
        Z = problem.uniform(5000, 10**6 + draw)
        z = problem.truth(Z)
        errors.append(float(np.sqrt(np.mean((surrogate.predict(Z) - z) ** 2)) / z.std()))
    return [
        Record(
            "surrogate.structure",
            {"law": law, "draws": draws},
            f"{right} of {draws} {EXPECTED[law]}",
            statistics.median(seconds),
            note=f"error on fresh rows {statistics.median(errors):.1e}",
        )
    ]
