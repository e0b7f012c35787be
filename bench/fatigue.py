"""Fatigue strength of steels (NIMS, 437 rows, 25 inputs) by formulas of at most 40 and 120 nodes.

The folder $CLOSEDFORM_DATA holds nims_fatigue.csv: a number, the 25 inputs, the fatigue strength.
Random splits, four fifths to learn from and one fifth to test on. The search minimises the squared
relative error (weights 1/y**2); of its front, the formula with the least squared relative error in
cross-validation on the training rows is judged, the test rows unseen until then.
"""

from __future__ import annotations

import math
import os
import time as clock
from pathlib import Path

import numpy as np
import numpy.typing as npt

import closedform as cf
from bench.record import Record, Target
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.searches.settings import KNOWN_OPERATORS

Floats = npt.NDArray[np.float64]

ROWS, INPUTS, TEST_ROWS = 437, 25, 87
TARGETS = {40: 3.6, 120: 3.0}  # per cent


def data_file() -> Path | None:
    file = Path(os.environ.get("CLOSEDFORM_DATA", "")) / "nims_fatigue.csv"
    return file if file.is_file() else None


def load(path: Path) -> tuple[Floats, Floats]:
    """X (437, 25) and y (437,)."""
    with path.open(encoding="utf-8") as file:
        table = np.loadtxt(file, delimiter=",", skiprows=1)
    X, y = np.ascontiguousarray(table[:, 1:-1]), table[:, -1].copy()
    assert X.shape == (ROWS, INPUTS)
    return X, y


def relative_error(formula: Formula, X: Floats, y: Floats) -> float:
    """Mean relative error in per cent."""
    return float(100 * np.mean(np.abs(formula(X) - y) / y))


def chosen(front: Front, X: Floats, y: Floats, largest: int) -> Formula:
    """The member of at most `largest` nodes with the least squared relative error in five-fold
    cross-validation: the constants are fitted again, the structure stays."""
    members = [formula for formula in front if formula.complexity <= largest]
    rows = np.random.default_rng(0).permutation(len(y))
    errors = np.zeros(len(members))
    for held in np.array_split(rows, 5):
        kept = np.setdiff1d(rows, held)
        for i, formula in enumerate(members):
            fitted = formula.refit(X[kept], y[kept], 1 / y[kept] ** 2)
            errors[i] += float(np.sum((fitted(X[held]) / y[held] - 1) ** 2))
    return members[int(np.argmin(np.where(np.isfinite(errors), errors, np.inf)))]


def run(*, size: int, splits: int, time: float, threads: int, seed: int) -> list[Record]:
    """Mean relative error on the test rows, over the splits."""
    parameters = {"size": size, "splits": splits, "time": time}
    path = data_file()
    if path is None:
        reason = "left out: CLOSEDFORM_DATA names no folder with nims_fatigue.csv"
        return [Record("fatigue", parameters, "not run", math.nan, unit="%", peer=reason)]
    X, y = load(path)
    operators = tuple(sorted(KNOWN_OPERATORS))
    errors, seconds = [], []
    for split in range(seed, seed + splits):
        order = np.random.default_rng(split).permutation(len(y))
        train, test = order[:-TEST_ROWS], order[-TEST_ROWS:]
        assert (len(train), len(test)) == (ROWS - TEST_ROWS, TEST_ROWS)
        train_X, train_y = np.ascontiguousarray(X[train]), y[train]
        begun = clock.perf_counter()
        front = cf.search(
            train_X,
            values=train_y,
            weights=1 / train_y**2,
            operators=operators,
            max_size=size,
            time=time,
            threads=threads,
            seed=split,
        )
        formula = chosen(front, train_X, train_y, size)
        seconds.append(clock.perf_counter() - begun)
        # The size and the errors are those of the printed formula.
        formula = Formula(str(formula), formula.names)
        assert formula.complexity <= size, (formula.complexity, size)
        errors.append(relative_error(formula, X[test], y[test]))
    return [
        Record(
            "fatigue",
            parameters,
            f"test errors {' '.join(f'{error:.2f}' for error in errors)}",
            float(np.mean(errors)),
            unit="%",
            targets=(Target("ours", TARGETS[size], most=True),),
            note=f"{np.median(seconds):.0f} s",
        )
    ]
