"""Published results beside ours, a record each.

- V1: the first Vladislavleva function from 100 rows, scored on a grid beyond them.
- fatigue: strength of steels from 25 inputs, mean relative error on test rows (`bench.fatigue`).
- Matsuoka-Nakai: I1 I2 = k I3 with k = 9 + 8 tan^2 phi, in two forms, from principal stresses: the
  major one from the two others at phi = 30 degrees, and the k at which a state yields.
- Lorenz: the three right-hand sides from states, with noise on the derivatives.
- hardness: the curvature C = load/depth^2 of sharp indentation by finite elements, from n, E, yield
  stress and the tangent of the tip's half angle, $CLOSEDFORM_DATA/indentation; every fifth material
  held out at all angles. No formula for it is published, so there is no target.
- rules: Wetzel's seven rules from their unit gradients (`bench.exact_rules`).

A form is right if its constants can be fitted such that it is the law at fresh points
(`problem.fits_exactly`), at no more than twice the law's size.
"""

from __future__ import annotations

import csv
import math
import os
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import closedform as cf
from bench import exact_rules, fatigue, laws, vladislavleva
from bench.engines import MAX_SIZE
from bench.neurons.rules import RULES
from bench.problem import FRESH_SEED, TWICE, Floats, fits_exactly, grid
from bench.record import Record, Target, Value

PUBLISHED_V1, PUBLISHED_FATIGUE = 1e-4, 2.8  # RMSE; per cent
FATIGUE_SIZE = 120
ROWS, LEVELS = 1000, (0.0, 0.01, 0.05)
ANGLES = (50, 60, 70, 80)  # degrees
HELD_OUT = 5  # one material in so many

# I1 I2 / I3 = (a + b + c) (1/a + 1/b + 1/c), a quadratic equation in each stress.
_W = f"({laws.MATSUOKA_NAKAI - 1!r} - x1/x2 - x2/x1)"
MAJOR_STRESS = f"({_W} - 2 + sqrt({_W}**2 - {4 * laws.MATSUOKA_NAKAI!r}))*x1*x2/(2*(x1 + x2))"
MOBILISED = "(x1 + x2 + x3)*(1/x1 + 1/x2 + 1/x3)"


def minor_stresses(rows: int, seed: int) -> Floats:
    """(n, 2) pairs, the larger one at most 2.8 times the other: at 3 triaxial extension is."""
    low, ratio = np.random.default_rng(seed).uniform((1, 1), (5, 2.8), (rows, 2)).T
    return np.column_stack([low * ratio, low])


def stresses(rows: int, seed: int) -> Floats:
    return np.random.default_rng(seed).uniform(1, 5, (rows, 3))


def states(rows: int, seed: int) -> Floats:
    low, high = np.array(laws.LORENZ_STATES).T
    return np.random.default_rng(seed).uniform(low, high, (rows, 3))


# Texts in x1, x2, ... of the laws of a paper, and how their rows are drawn.
FORMS: dict[str, dict[str, tuple[str, Callable[[int, int], Floats]]]] = {
    "Matsuoka-Nakai": {
        "major stress": (MAJOR_STRESS, minor_stresses),
        "k": (MOBILISED, stresses),
    },
    "Lorenz": {f"dx{j + 1}/dt": (text, states) for j, text in enumerate(laws.LORENZ)},
}


def is_form(found: cf.Formula, text: str, draw: Callable[[int, int], Floats]) -> bool:
    law = cf.Formula(text, found.names)
    if found.complexity > TWICE * law.complexity:
        return False
    Z = draw(ROWS, FRESH_SEED)
    return fits_exactly(found, Z, law(Z))


def _forms(paper: str, draws: int, time: float, threads: int, seed: int) -> list[Record]:
    """For every level of noise, how many of the laws are right in all draws together."""
    records = []
    for level in LEVELS:
        told, right, called = [], 0, 0
        for what, (text, draw) in FORMS[paper].items():
            for at in range(seed, seed + draws):
                X = draw(ROWS, at)
                law = cf.Formula(text, [f"x{j + 1}" for j in range(X.shape[1])])
                y = law(X)
                y += level * float(np.std(y)) * np.random.default_rng([at, 1]).normal(size=ROWS)
                found = cf.discover(X, y, max_size=MAX_SIZE, time=time, threads=threads, seed=at)
                good = is_form(found.formula, text, draw)
                right += good
                called += not good and found.verdict.kind == "law"
                if not good:
                    wrong = f"{what}, {found.verdict.kind}: {str(found.formula)[:80]}"
                    told.append(f"wrong {wrong}")
        number = draws * len(FORMS[paper])
        records.append(
            Record(
                "papers",
                {"paper": paper, "noise": level, "time": time},
                "; ".join(told[:3]) or "all right",
                float(right),
                unit=f"of {number} forms",
                peer="published",
                theirs=float(number),
                targets=(Target("ours", number),),
                note=f"{called} wrong ones called laws" if told else "",
            )
        )
    return records


def _matsuoka_nakai(draws: int, time: float, threads: int, seed: int) -> list[Record]:
    return _forms("Matsuoka-Nakai", draws, time, threads, seed)


def _lorenz(draws: int, time: float, threads: int, seed: int) -> list[Record]:
    return _forms("Lorenz", draws, time, threads, seed)


def _v1(draws: int, time: float, threads: int, seed: int) -> list[Record]:
    problem = next(p for p in vladislavleva.PROBLEMS if p.name == "V1")
    Z = grid(((-0.2, 4.2),) * 2, (0.1, 0.1))
    errors, first = [], ""
    for at in range(seed, seed + draws):
        X, y = problem.training(at)
        found = cf.discover(X, y, time=time, threads=threads, seed=at)
        with np.errstate(all="ignore"):
            left = found.formula(Z) - problem.truth(Z)
        errors.append(float(np.sqrt(np.mean(left**2))))
        first = first or f"{found.formula}, {found.verdict.kind}"
    return [
        Record(
            "papers",
            {"paper": "V1", "draws": draws, "time": time},
            first[:150],
            statistics.median(errors),
            unit="RMSE",
            peer="published",
            theirs=PUBLISHED_V1,
            targets=(Target("ours", PUBLISHED_V1, most=True),),
            note=f"largest {max(errors):.2g}",
        )
    ]


def _fatigue(draws: int, time: float, threads: int, seed: int) -> list[Record]:
    (record,) = fatigue.run(size=FATIGUE_SIZE, splits=draws, time=time, threads=threads, seed=seed)
    parameters: dict[str, Value] = {"paper": "fatigue", **record.parameters}
    if math.isnan(record.ours):
        return [replace(record, name="papers", parameters=parameters)]
    return [
        replace(
            record,
            name="papers",
            parameters=parameters,
            peer="published",
            theirs=PUBLISHED_FATIGUE,
            targets=(Target("ours", PUBLISHED_FATIGUE, most=True),),
        )
    ]


def indentation(folder: Path) -> tuple[Floats, Floats, Floats]:
    """n, E, yield stress and tangent of the half angle (n, 4); C; the number of the material."""
    rows = []
    for angle in ANGLES:
        with (folder / f"FEM_{angle}deg.csv").open(encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                names = ("n", "E (GPa)", "sy (GPa)", "C (GPa)", "Case")
                n, E, strength, C, case = (float(row[name]) for name in names)
                rows.append((n, E, strength, math.tan(math.radians(angle)), C, case))
    table = np.array(rows)
    return np.ascontiguousarray(table[:, :4]), table[:, 4].copy(), table[:, 5].copy()


def _hardness(draws: int, time: float, threads: int, seed: int) -> list[Record]:
    parameters: dict[str, Value] = {"paper": "hardness", "draws": draws, "time": time}
    folder = Path(os.environ.get("CLOSEDFORM_DATA", "")) / "indentation"
    if not folder.is_dir():
        reason = "left out: CLOSEDFORM_DATA names no folder with indentation"
        return [Record("papers", parameters, "not run", math.nan, unit="%", peer=reason)]
    import pandas

    X, C, materials = indentation(folder)
    errors, first = [], ""
    for at in range(seed, seed + draws):
        order = np.random.default_rng(at).permutation(np.unique(materials))
        held = np.isin(materials, order[: len(order) // HELD_OUT])
        table = pandas.DataFrame(X[~held], columns=["n", "E", "sy", "tan"])
        found = cf.discover(table, C[~held], noise="relative", time=time, threads=threads, seed=at)
        errors.append(fatigue.relative_error(found.formula, X[held], C[held]))
        first = first or f"{found.formula}, {found.verdict.kind}"
    return [
        Record(
            "papers",
            parameters,
            first[:200],
            float(np.mean(errors)),
            unit="% held out",
            note=f"errors {' '.join(f'{error:.2f}' for error in errors)}",
        )
    ]


def _rules(draws: int, time: float, threads: int, seed: int) -> list[Record]:
    """`time` has no effect: they take less than a second."""
    right, told = 0, []
    for rule in RULES:
        runs = [exact_rules.search(rule, True, threads, at) for at in range(seed, seed + draws)]
        wrong = [f"rule {rule.name}, {what}: {formula}" for what, _, formula in runs if what]
        right += not wrong
        told += wrong[:1]
    return [
        Record(
            "papers",
            {"paper": "rules", "draws": draws},
            "; ".join(told) or "minimal form in every draw",
            float(right),
            unit=f"of {len(RULES)} rules",
            peer="published",
            theirs=float(len(RULES)),
            targets=(Target("ours", len(RULES)),),
        )
    ]


PAPERS: dict[str, Callable[[int, float, int, int], list[Record]]] = {
    "V1": _v1,
    "fatigue": _fatigue,
    "Matsuoka-Nakai": _matsuoka_nakai,
    "Lorenz": _lorenz,
    "hardness": _hardness,
    "rules": _rules,
}


def run(*, paper: str, draws: int, time: float, threads: int, seed: int) -> list[Record]:
    return PAPERS[paper](draws, time, threads, seed)
