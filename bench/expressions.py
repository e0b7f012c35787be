"""Values and gradients of formulas at many rows, against numpy on the same text."""

from __future__ import annotations

import re

import numpy as np

import closedform as cf
from bench import costs
from bench.machine import floors
from bench.record import Record
from bench.timing import medians

NAMES = ("x1", "x2", "x3")
TEXTS = {
    "arithmetic": "x1*x2 + x3/(x1 + 2.5) - x2*x3 + 3*x1",
    "wave": "2.5*exp(-0.7*x1)*sin(1.9*x2 + 0.4) + 1.25*x3",
    "bell": "exp(-(x1 - 1)**2)/(1.2 + (x2 - 2.5)**2)",
    "mixed": "log(x1 + x2)*cos(3*x3) - sqrt(x1*x2 + 1)",
}


def run(*, formula: str, rows: int, threads: int, seed: int) -> list[Record]:
    """Numpy has one thread and contiguous columns; the floor is a pass through the cache a node."""
    text = TEXTS[formula]
    X = np.random.default_rng(seed).uniform(0.5, 2, (rows, len(NAMES)))
    columns = [np.ascontiguousarray(column) for column in X.T]
    scope = {name: getattr(np, name) for name in ("sin", "cos", "exp", "log", "sqrt")}
    scope |= dict(zip(NAMES, columns, strict=True))
    code = compile(text, text, "eval")
    ours = cf.Formula(text, NAMES)
    np.testing.assert_allclose(ours(X), eval(code, scope), rtol=1e-12, atol=1e-14)
    h = 1e-6
    for j, gradient in enumerate(ours.gradient(X[:1000]).T):
        step = h * np.eye(len(NAMES))[j]
        slope = (ours(X[:1000] + step) - ours(X[:1000] - step)) / (2 * h)
        np.testing.assert_allclose(gradient, slope, rtol=1e-5, atol=1e-6)
    expression = ours._expression  # without the checks of X, which numpy does not make
    took = medians(
        {
            "value": lambda: expression.evaluate(X, threads),
            "numpy": lambda: eval(code, scope),
            "gradient": lambda: expression.gradient(X, threads),
        }
    )
    dear = re.findall("|".join(costs.OPERATIONS), text)
    floor = costs.expression_seconds(floors(threads), dear, ours.complexity, len(NAMES), rows)
    parameters = {"formula": formula, "rows": rows}
    return [
        Record(
            "expression.value",
            parameters,
            "equal to numpy's to 1e-12",
            took["value"],
            peer="numpy, one thread",
            theirs=took["numpy"],
            floor=floor / took["value"],
            note=f"{ours.complexity * rows / took['value'] / 1e9:.2f} G nodes a second",
        ),
        Record(
            "expression.gradient",
            parameters,
            "equal to differences",
            took["gradient"],
            note=f"{took['gradient'] / took['value']:.1f} times a value",
        ),
    ]
