"""Black box: tables of which nobody knows the law, from $CLOSEDFORM_DATA/benchmarks/blackbox.

Tables of PMLB as SRBench has them, a target each, those of at least 100 rows. Three quarters of the
rows are searched, formulas of fewer than 19 nodes; judged is R^2 on the last quarter, over splits.
A formula without a value at one of those rows has explained nothing: R^2 of 0.
"""

from __future__ import annotations

import math
import os
import statistics
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import closedform as cf
from bench import engines
from bench.engines import Budget
from bench.record import Record, Target, Value

Floats = npt.NDArray[np.float64]

TRAINED, FEWEST, LARGEST = 0.75, 100, 18
PUBLISHED = 0.67  # median R^2, RILS-ROLS, 24 tables, an hour each, at 19 nodes


@dataclass(frozen=True)
class Table:
    """One split of a table: rows to learn from, and to judge at."""

    name: str
    training: engines.Rows
    judged: tuple[Floats, Floats]

    def explained(self, formula: cf.Formula) -> float:
        """R^2 on the rows that were not searched."""
        X, y = self.judged
        with np.errstate(all="ignore"):
            left = np.mean((formula(X) - y) ** 2) / np.var(y)
        return float(1.0 - left) if np.isfinite(left) else 0.0


def folder() -> Path | None:
    path = Path(os.environ.get("CLOSEDFORM_DATA", "")) / "benchmarks" / "blackbox"
    return path if path.is_dir() else None


def table(path: Path, split: int) -> Table | None:
    """One split of a table; None where it has too few rows."""
    import pandas

    frame = pandas.read_csv(path, sep="\t")
    if len(frame) < FEWEST:
        return None
    y = frame.pop("target").to_numpy(dtype=np.float64)
    X = np.ascontiguousarray(frame.to_numpy(dtype=np.float64))
    order = np.random.default_rng(split).permutation(len(y))
    first, last = np.split(order, [round(TRAINED * len(y))])
    names = tuple(str(name).replace(".", "_") for name in frame.columns)
    training = engines.Rows(names, X[first], y[first])
    return Table(path.name.split(".")[0], training, (X[last], y[last]))


def chosen(engine: str, data: engines.Rows, budget: Budget) -> cf.Formula:
    """The formula that an engine returns."""
    if engine != engines.OURS:
        text, _ = engines.pyoperon_front(data, budget, math.ceil(budget.seconds), LARGEST)
        return cf.Formula(text, data.names)
    import pandas

    found = cf.discover(
        pandas.DataFrame(dict(zip(data.names, data.X.T, strict=True))),
        data.y,
        max_size=LARGEST,
        time=budget.seconds,
        threads=budget.threads,
        seed=budget.seed,
    )
    return found.formula


ENGINES = (engines.OURS, "pyoperon")


def run(*, engine: str, time: float, splits: int, threads: int, seed: int) -> list[Record]:
    """Median R^2 and size of every table over the splits, and the medians of all."""
    parameters: dict[str, Value] = {"engine": engine, "time": time, "splits": splits}
    path, reason = folder(), engines.left_out(engine)
    if path is None:
        reason = "left out: CLOSEDFORM_DATA names no folder with benchmarks/blackbox"
    if path is None or reason:
        return [Record("public.blackbox", parameters, "not run", math.nan, unit="R2", peer=reason)]
    budget = Budget(time, threads, seed, engines.WIDE)
    records, sizes = [], []
    for file in sorted(path.glob("*.tsv.gz")):
        drawn = [table(file, split) for split in range(seed, seed + splits)]
        tables = [data for data in drawn if data is not None]
        if not tables:
            continue
        formulas = [chosen(engine, data.training, budget) for data in tables]
        judged = zip(tables, formulas, strict=True)
        sizes.append(statistics.median(formula.complexity for formula in formulas))
        records.append(
            Record(
                "public.blackbox",
                parameters | {"table": tables[0].name},
                str(formulas[0])[:100],
                statistics.median(data.explained(formula) for data, formula in judged),
                unit="R2",
                note=f"{sizes[-1]:.0f} nodes",
            )
        )
        print(records[-1].line(), flush=True)
    median = Record(
        "public.blackbox",
        parameters,
        f"median of {len(records)} tables, {statistics.median(sizes):.0f} nodes",
        statistics.median(record.ours for record in records),
        unit="R2",
        peer="RILS-ROLS as published, 24 tables, 19 nodes",
        theirs=PUBLISHED,
        targets=(Target("ours", PUBLISHED),) if engine == engines.OURS else (),
        summary=True,
    )
    return [*records, median]
