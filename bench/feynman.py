"""Formulas of the Feynman Lectures on Physics, named by volume, chapter and equation.

The selection is that of Udrescu and Tegmark (arXiv 1905.11481), less what needs the arcus sine or
is a mere product of two inputs; the ranges are ours, away from the formulas' poles.
"""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

from bench.problem import Problem

ROWS = 1000


def _read() -> tuple[Problem, ...]:
    problems = []
    with Path(__file__).with_name("feynman.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            words = row["ranges"].split()
            ranges = tuple(zip(map(float, words[1::3]), map(float, words[2::3]), strict=True))
            text = re.sub(r"\bpi\b", repr(math.pi), row["formula"])
            inputs = tuple(words[::3])
            problems.append(Problem(row["name"], text, ranges, rows=ROWS, inputs=inputs))
    return tuple(problems)


PROBLEMS = _read()
