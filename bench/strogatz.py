"""Strogatz: seven systems of two equations, from $CLOSEDFORM_DATA/benchmarks/strogatz.

Each of the 14 right sides is searched from three quarters of its 400 rows. Found: on fresh rows
within the data's ranges the formula is the law's, to 1e-6 of its scale, at no more than 1.5 times
its nodes. Rates as published: SRBench (La Cava et al. 2021), without noise.
"""

from __future__ import annotations

import math
import os
import time as clock
from pathlib import Path

import numpy as np

import closedform as cf
from bench import engines
from bench.engines import Budget
from bench.problem import Floats
from bench.record import Record, Target

LAWS = {
    "bacres1": "20 - x - x*y/(1 + 0.5*x**2)",
    "bacres2": "10 - x*y/(1 + 0.5*x**2)",
    "barmag1": "0.5*sin(x - y) - sin(x)",
    "barmag2": "0.5*sin(y - x) - sin(y)",
    "glider1": "-0.05*x**2 - sin(y)",
    "glider2": "x - cos(y)/x",
    "lv1": "3*x - 2*x*y - x**2",
    "lv2": "2*y - x*y - y**2",
    "predprey1": "x*(4 - x - y/(1 + x))",
    "predprey2": "y*(x/(1 + x) - 0.075*y)",
    "shearflow1": "cos(y)/sin(y)*cos(x)",
    "shearflow2": "(cos(y)**2 + 0.1*sin(y)**2)*sin(x)",
    "vdp1": "10*(y - (x**3 - x)/3)",
    "vdp2": "-x/10",
}
TRAINED = 0.75
FRESH, CLOSE, LARGER = 1000, 1e-6, 1.5
PUBLISHED = 29.5  # %, the best of SRBench's methods


def folder() -> Path | None:
    path = Path(os.environ.get("CLOSEDFORM_DATA", "")) / "benchmarks" / "strogatz"
    return path if path.is_dir() else None


def run(
    *, engine: str, evaluations: int, time: float, noise: float, threads: int, seed: int
) -> list[Record]:
    """Whether each law is found, and the share; `evaluations` of ours, `time` of a peer."""
    parameters = engines.asked(engine, evaluations, time) | {"noise": noise}
    path, reason = folder(), engines.left_out(engine)
    if path is None:
        reason = "left out: CLOSEDFORM_DATA names no folder with benchmarks/strogatz"
    if path is None or reason:
        return [Record("public.strogatz", parameters, "not run", math.nan, unit="%", peer=reason)]
    found, budget = 0, Budget(time, threads, seed, engines.WIDE)
    for name, text in LAWS.items():
        law = cf.Formula(text, ["x", "y"])
        begun = clock.perf_counter()
        table = path / f"d_{name}.txt"
        right, formula = _right(table, law, engine, evaluations, noise, budget)
        found += right
        seconds = clock.perf_counter() - begun
        told = "found" if right else "not found"
        print(f"{name}: {told}, {seconds:.1f} s: {formula.text[:100]}", flush=True)
    share = 100.0 * found / len(LAWS)
    return [
        Record(
            "public.strogatz",
            parameters,
            f"{found} of {len(LAWS)} found",
            share,
            unit="%",
            peer="SRBench's best as published",
            theirs=PUBLISHED if noise == 0 else None,
            targets=(Target("ours", PUBLISHED),) if noise == 0 and engine == engines.OURS else (),
            summary=True,
        )
    ]


def _right(
    path: Path, law: cf.Formula, engine: str, evaluations: int, noise: float, budget: Budget
) -> tuple[bool, cf.Formula]:
    """Whether the formula chosen is the law, of a peer any that it offers; and that formula."""
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    y, X = table[:, 0], np.ascontiguousarray(table[:, 1:])
    assert np.allclose(law(X), y, rtol=1e-9, atol=1e-9), f"{path.name} is of another law"
    rng = np.random.default_rng(budget.seed)
    rows = rng.permutation(len(y))[: round(TRAINED * len(y))]
    y = y + noise * np.sqrt(np.mean(y**2)) * rng.normal(size=len(y))
    found = engines.answers(engine, engines.rows(X[rows], y[rows]), evaluations, budget)
    Z = rng.uniform(X.min(axis=0), X.max(axis=0), (FRESH, 2))
    judged = found[:1] if engine == engines.OURS else found
    right = [formula for formula in judged if _is_law(formula, law, Z, noise)]
    return bool(right), (right or found)[0]


def _is_law(formula: cf.Formula, law: cf.Formula, Z: Floats, noise: float) -> bool:
    truth = law(Z)
    try:
        formula = formula.refit(Z, truth) if noise else formula  # the form: fitted to the law
    except cf.InputError:  # no value there
        return False
    with np.errstate(all="ignore"):
        close = np.abs(formula(Z) - truth) <= CLOSE * (np.median(np.abs(truth)) + np.abs(truth))
    return bool(close.all() and formula.complexity <= LARGER * law.complexity)
