"""Nonlinear regression's reference data: is a form found that fits as well as the certified model?

Twelve sets of the Statistical Reference Datasets of the National Institute of Standards and
Technology (public domain; itl.nist.gov/div898/strd/nls/nls_main.shtml), among them the eight of the
higher level of difficulty. nist.csv has their rows. The model is known there and its constants are
asked for; here only the rows are given. What counts is the residual sum of squares of the formula
found, of no more nodes than the model with its constants, over the certified one. Below one is no
feat: a form of as many constants may fit better by chance.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import closedform as cf
from bench.problem import Floats
from bench.record import Record, Target
from closedform.searches.settings import OPERATORS

FILE = Path(__file__).with_name("nist.csv")
REACHED = 1.001  # of the certified residual sum of squares


@dataclass(frozen=True)
class Certified:
    """A model with its certified constants, and its certified residual sum of squares."""

    model: str
    squares: float


SETS = {
    "BoxBOD": Certified("213.80940889*(1 - exp(-0.54723748542*x))", 1.1680088766e3),
    "Bennett5": Certified("-2523.5058043*(46.736564644 + x)**(-1/0.93218483193)", 5.2404744073e-4),
    "ENSO": Certified(
        "10.510749193 + 3.0762128085*cos(2*pi*x/12) + 0.53280138227*sin(2*pi*x/12)"
        " - 1.6231428586*cos(2*pi*x/44.3110887) + 0.52554493756*sin(2*pi*x/44.3110887)"
        " + 0.21232288488*cos(2*pi*x/26.88761444) + 1.4966870418*sin(2*pi*x/26.88761444)",
        7.8853978668e2,
    ),
    "Eckerle4": Certified(
        "1.5543827178/4.0888321754*exp(-0.5*((x - 451.54121844)/4.0888321754)**2)", 1.4635887487e-3
    ),
    "Kirby2": Certified(
        "(1.6745063063 - 0.13927397867*x + 0.0025961181191*x**2)"
        "/(1 - 0.001724181187*x + 2.1664802578e-5*x**2)",
        3.9050739624,
    ),
    "MGH09": Certified(
        "0.19280693458*(x**2 + 0.19128232873*x)/(x**2 + 0.12305650693*x + 0.13606233068)",
        3.0750560385e-4,
    ),
    "MGH10": Certified("0.005609636471*exp(6181.3463463/(x + 345.22363462))", 8.7945855171e1),
    "MGH17": Certified(
        "0.37541005211 + 1.9358469127*exp(-0.01286753464*x) - 1.4646871366*exp(-0.022122699662*x)",
        5.4648946975e-5,
    ),
    "Rat42": Certified("72.462237576/(1 + exp(2.6180768402 - 0.067359200066*x))", 8.0565229338),
    "Rat43": Certified(
        "699.6415127/(1 + exp(5.2771253025 - 0.75962938329*x))**(1/1.2792483859)", 8.786404908e3
    ),
    "Roszman1": Certified(
        "0.20196866396 + 6.1953516256e-6*x - atan(1204.4556708/(x + 181.34269537))/pi",
        4.9484847331e-4,
    ),
    "Thurber": Certified(
        "(1288.13968 + 1491.0792535*x + 583.23836877*x**2 + 75.416644291*x**3)"
        "/(1 + 0.96629502864*x + 0.39797285797*x**2 + 0.049727297349*x**3)",
        5.6427082397e3,
    ),
}


def rows(name: str) -> tuple[Floats, Floats]:
    """x (n, 1) and y (n,) of a set."""
    with FILE.open(newline="", encoding="utf-8") as file:
        own = [
            (float(row["x"]), float(row["y"])) for row in csv.DictReader(file) if row["set"] == name
        ]
    x, y = np.array(own).T
    return np.ascontiguousarray(x[:, None]), np.ascontiguousarray(y)


def certified(name: str) -> cf.Formula:
    """The model with its constants; pi is one of them."""
    return cf.Formula(SETS[name].model.replace("pi", repr(math.pi)), ["x"])


def squares(formula: cf.Formula, X: Floats, y: Floats) -> float:
    return float(np.sum((y - formula(X)) ** 2))


def run(*, evaluations: int, threads: int, seed: int) -> list[Record]:
    """For every set the ratio of the residual sums of squares, found over certified."""
    ratios: dict[str, float] = {}
    for name, truth in SETS.items():
        X, y = rows(name)
        operators = tuple(dict.fromkeys([*OPERATORS, *sorted(certified(name).operators)]))
        model = certified(name).simplified(operators)
        front = cf.search(
            X,
            values=y,
            operators=operators,
            max_size=model.complexity,
            time=math.inf,
            evaluations=evaluations,
            threads=threads,
            seed=seed,
        )
        ratios[name] = min(squares(formula, X, y) for formula in front) / truth.squares
    missed = {name: ratio for name, ratio in ratios.items() if not ratio <= REACHED}
    told = ", ".join(f"{name} {ratio:.4g}" for name, ratio in missed.items())
    return [
        Record(
            "nist",
            {"evaluations": evaluations},
            f"missed, over certified: {told}" if missed else "all reached",
            float(len(SETS) - len(missed)),
            unit=f"of {len(SETS)} sets",
            targets=(Target("ours", len(SETS)),),
        )
    ]
