"""The eight Vladislavleva functions (2009) with the training rows they are usually given.

V1 has 1.2 in its denominator, as published; some packages ship it with 3.2.
"""

from __future__ import annotations

from bench.problem import Problem

_V2 = "exp(-x1) * x1**3 * cos(x1) * sin(x1) * (cos(x1) * sin(x1)**2 - 1)"

PROBLEMS = (
    Problem("V1", "exp(-(x1 - 1)**2) / (1.2 + (x2 - 2.5)**2)", ((0.3, 4),) * 2, rows=100),
    Problem("V2", _V2, ((0.05, 10),), steps=(0.1,)),
    Problem("V3", f"{_V2} * (x2 - 5)", ((0.05, 10), (0.05, 10.05)), steps=(0.1, 2)),
    Problem(
        "V4",
        "10 / (5 + (x1 - 3)**2 + (x2 - 3)**2 + (x3 - 3)**2 + (x4 - 3)**2 + (x5 - 3)**2)",
        ((0.05, 6.05),) * 5,
        rows=1024,
    ),
    Problem(
        "V5",
        "30 * (x1 - 1) * (x3 - 1) / (x2**2 * (x1 - 10))",
        ((0.05, 2), (1, 2), (0.05, 2)),
        rows=300,
    ),
    Problem("V6", "6 * sin(x1) * cos(x2)", ((0.1, 5.9),) * 2, rows=30),
    Problem(
        "V7", "(x1 - 3) * (x2 - 3) + 2 * sin((x1 - 4) * (x2 - 4))", ((0.05, 6.05),) * 2, rows=300
    ),
    Problem(
        "V8",
        "((x1 - 3)**4 + (x2 - 3)**3 - (x2 - 3)) / ((x2 - 2)**4 + 10)",
        ((0.05, 6.05),) * 2,
        rows=50,
    ),
)
