"""EmpiricalBench: ten laws of the history of science, from their tables or with noise like theirs.

Hubble, Tully-Fisher and Leavitt are read from $CLOSEDFORM_DATA/benchmarks/empirical; Kepler's and
Bode's few numbers are here; the others are drawn again with every seed, as the benchmark says:
constants in SI units, inputs and relative noise as in `DRAWN`. A law counts as found if the formula
chosen, with whatever constants, is it: its ratio to the law, or what the law makes linear, is
constant on fresh rows to rounding.
"""

from __future__ import annotations

import csv
import math
import os
import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

import closedform as cf
from bench import engines
from bench.engines import Budget
from bench.record import Record, Target, Value
from closedform.formulas.formula import Formula

Floats = npt.NDArray[np.float64]
Table = tuple[Floats, Floats, tuple[str, ...]]
Rng = np.random.Generator

FRESH = 300
EXACT = 1e-6  # relative; formulas are printed in full
PUBLISHED = 35  # of 50, PySR, anywhere on its front
TARGET = 45
LAWS = (
    "hubble",
    "kepler",
    "newton",
    "planck",
    "tully_fisher",
    "leavitt",
    "schechter",
    "bode",
    "ideal_gas",
    "rydberg",
)


def folder() -> Path | None:
    path = Path(os.environ.get("CLOSEDFORM_DATA", "")) / "benchmarks" / "empirical"
    return path if (path / "hubble.csv").is_file() else None


def _logarithmic(rng: Rng, low: float, high: float, rows: int) -> Floats:
    return np.exp(rng.uniform(math.log(low), math.log(high), rows))


def _noisy(rng: Rng, y: Floats, relative: float) -> Floats:
    return y * (1.0 + relative * rng.normal(size=len(y)))


def _newton(rng: Rng) -> Table:
    r = _logarithmic(rng, 3.7e8, 7.37593e12, 30)
    m1, m2 = (_logarithmic(rng, 1.3e22, 2e30, 30) for _ in range(2))
    y = 6.67408e-11 * m1 * m2 / r**2
    return np.column_stack([r, m1, m2]), _noisy(rng, y, 0.1), ("r", "m1", "m2")


def _planck(rng: Rng) -> Table:
    h, k, c = 6.62607004e-34, 1.38064852e-23, 299792458.0
    nu, T = _logarithmic(rng, 1e9, 1e16, 1000), _logarithmic(rng, 100, 6000, 1000)
    kept = np.flatnonzero(h * nu / (k * T) < 200.0)[:100]  # beyond, numbers of 1e-100 and less
    nu, T = nu[kept], T[kept]
    y = 2 * h * nu**3 / c**2 / np.expm1(h * nu / (k * T))
    return np.column_stack([nu, T]), _noisy(rng, y, 0.1), ("nu", "T")


def _schechter(rng: Rng) -> Table:
    L = _logarithmic(rng, 1e6, 3e9, 27)
    y = 0.002 / 2.5e8 * (L / 2.5e8) ** -1.2 * np.exp(-L / 2.5e8)
    return L[:, None], _noisy(rng, y, 0.2), ("L",)


def _ideal_gas(rng: Rng) -> Table:
    n, T, V = rng.uniform(1, 100, 30), rng.uniform(300, 400, 30), rng.uniform(1, 100, 30)
    return np.column_stack([n, T, V]), _noisy(rng, 8.314 * n * T / V, 0.1), ("n", "T", "V")


def _rydberg(rng: Rng) -> Table:
    low = rng.integers(1, 7, 50)
    high = np.array([rng.integers(n + 1, 8) for n in low])
    X = np.column_stack([low, high]).astype(np.float64)
    y = 1.0 / (1.097e7 * (X[:, 0] ** -2 - X[:, 1] ** -2))
    return X, _noisy(rng, y, 0.01), ("n1", "n2")


DRAWN: dict[str, Callable[[Rng], Table]] = {
    "newton": _newton,
    "planck": _planck,
    "schechter": _schechter,
    "ideal_gas": _ideal_gas,
    "rydberg": _rydberg,
}


def table_of(law: str, seed: int, data: Path) -> Table:
    """X (n, d), y (n,) and the inputs' names."""
    if law in DRAWN:
        return DRAWN[law](np.random.default_rng(1000 + seed))
    if law == "kepler":
        a = np.array([0.389, 0.724, 1.0, 1.524, 5.20, 9.510])
        return a[:, None], np.array([87.77, 224.70, 365.25, 686.95, 4332.62, 10759.2]), ("a",)
    if law == "bode":
        n = np.array([-1000.0, 0, 1, 2, 3, 4, 5, 6])
        return n[:, None], np.array([0.4, 0.7, 1.0, 1.6, 2.8, 5.2, 10.0, 19.6]), ("n",)
    if law == "hubble":
        X, y = _read(data / "hubble.csv", "D", "v")
        return X, y, ("D",)
    if law == "tully_fisher":
        X, y = _read(data / "tully.csv", "DV", "M")
        return X, 3.828e26 * 10 ** (-0.4 * y), ("DV",)
    X, y = _read(data / "leavitt.csv", "logP", "M")
    return 10.0**X, y, ("P",)


def _read(path: Path, x: str, y: str) -> tuple[Floats, Floats]:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[x])] for row in rows]), np.array([float(row[y]) for row in rows])


def _constant(values: Floats) -> bool:
    return bool(np.isfinite(values).all() and np.ptp(values) <= EXACT * abs(values.mean()))


def _linear(columns: list[Floats], values: Floats) -> bool:
    """Whether values are a linear combination."""
    if not np.isfinite(values).all():
        return False
    A = np.column_stack([column / np.abs(column).max() for column in columns])
    left = values - A @ np.linalg.lstsq(A, values, rcond=None)[0]
    return bool(np.abs(left).max() <= EXACT * np.ptp(values))


def fresh_rows(law: str, X: Floats) -> Floats:
    """Where formulas are compared with the law: evenly in the inputs or their logarithms."""
    if law in ("rydberg", "planck"):  # where the law has a value
        return X
    rng = np.random.default_rng(99)
    low, high = X.min(axis=0), X.max(axis=0)
    share = rng.random((FRESH, X.shape[1]))
    if law in ("newton", "schechter"):
        return np.exp(np.log(low) + (np.log(high) - np.log(low)) * share)
    return low + (high - low) * share


def is_law(law: str, formula: Formula, X: Floats) -> bool:
    """Whether a formula is the law, for some values of its constants."""
    Z = fresh_rows(law, X)
    with np.errstate(all="ignore"):
        v = formula(Z)
        if not np.isfinite(v).all():
            return False
        x = Z.T
        ones = np.ones(len(Z))
        match law:
            case "hubble":
                return _constant(v / x[0])
            case "kepler":
                return _constant(v / x[0] ** 1.5)
            case "newton":
                return _constant(v * x[0] ** 2 / (x[1] * x[2]))
            case "planck":
                return _is_planck(np.log(v), x[0], x[1])
            case "tully_fisher":  # a power; the data's own exponent
                return _linear([np.log(x[0]), ones], np.log(v))
            case "leavitt":
                return _linear([np.log(x[0]), ones], v)
            case "schechter":
                return _linear([np.log(x[0]), x[0], ones], np.log(v))
            case "bode":
                steps = np.log(np.diff(formula(np.linspace(0.0, 6.0, 50)[:, None])))
                return bool(np.isfinite(steps).all() and np.ptp(np.diff(steps)) < EXACT)
            case "ideal_gas":
                return _constant(v * x[2] / (x[0] * x[1]))
            case _:
                return _constant(v * (x[0] ** -2 - x[1] ** -2))


def _is_planck(log_v: Floats, nu: Floats, T: Floats) -> bool:
    if not np.isfinite(log_v).all():
        return False

    def left(logs: Floats) -> Floats:
        exponent = np.minimum(np.exp(logs[1]) * nu / T, 700.0)
        difference: Floats = log_v - logs[0] - 3 * np.log(nu) + np.log(np.expm1(exponent))
        return difference

    begin = [float(np.median(log_v - 3 * np.log(nu))), math.log(4.8e-11)]
    found = least_squares(left, begin, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    return bool(np.abs(found.fun).max() < 1e-3)


@dataclass(frozen=True)
class Found:
    chosen: bool
    on_front: bool
    verdict: str
    formula: str
    seconds: float


def discover(law: str, engine: str, data: Path, budget: Budget) -> Found:
    """What an engine finds of a law; a peer chooses the best that it offers."""
    X, y, names = table_of(law, budget.seed, data)
    begun = clock.perf_counter()
    if engine != engines.OURS:
        offered = engines.offered(engine, engines.Rows(names, X, y), budget)
        seconds = clock.perf_counter() - begun
        right = [formula for formula in offered if is_law(law, formula, X)]
        return Found(bool(right), bool(right), "", str((right or offered)[0]), seconds)
    import pandas

    table = pandas.DataFrame(dict(zip(names, X.T, strict=True)))
    found = cf.discover(table, y, time=budget.seconds, threads=budget.threads, seed=budget.seed)
    return Found(
        is_law(law, found.formula, X),
        any(is_law(law, formula, X) for formula in found.front),
        found.verdict.kind,
        str(found.formula),
        clock.perf_counter() - begun,
    )


def run(*, engine: str, time: float, seeds: int, threads: int, seed: int) -> list[Record]:
    """How many of the laws are chosen, over the seeds of the search."""
    parameters: dict[str, Value] = {"engine": engine, "time": time, "seeds": seeds}
    data, reason = folder(), engines.left_out(engine)
    if data is None:
        reason = "left out: CLOSEDFORM_DATA names no folder with benchmarks/empirical"
    if data is None or reason:
        return [
            Record("public.empirical", parameters, "not run", math.nan, unit="laws", peer=reason)
        ]
    records, chosen, on_front = [], 0, 0
    for law in LAWS:
        budgets = [Budget(time, threads, s, engines.WIDE) for s in range(seed, seed + seeds)]
        every = [discover(law, engine, data, budget) for budget in budgets]
        right = sum(found.chosen for found in every)
        chosen += right
        on_front += sum(found.on_front for found in every)
        verdicts = ", ".join(sorted({found.verdict for found in every}))
        records.append(
            Record(
                "public.empirical",
                parameters | {"law": law},
                f"{every[0].formula[:100]}; {verdicts}",
                float(right),
                unit=f"of {seeds} chosen",
                note=f"{max(found.seconds for found in every):.1f} s at most",
            )
        )
    total = Record(
        "public.empirical",
        parameters,
        f"{on_front} on the front",
        float(chosen),
        unit=f"of {len(LAWS) * seeds} chosen",
        peer="PySR as published, anywhere on its front",
        targets=(Target("ours", TARGET * seeds / 5),) if engine == engines.OURS else (),
        note=f"published {PUBLISHED} of 50",
        summary=True,
    )
    return [*records, total]
