"""`evaluate` against numpy on the same expressions, one thread. `python bench/evaluate.py`

Prints node-evaluations a second (nodes of the expression times rows, over the median of several
calls) and the ratio to numpy evaluating the same text on contiguous columns. Values are compared
before anything is timed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

import closedform as cf

ROWS = 1_000_000
NAMES = ("x1", "x2", "x3")
TEXTS = (
    "x1*x2 + x3/(x1 + 2.5) - x2*x3 + 3*x1",
    "2.5*exp(-0.7*x1)*sin(1.9*x2 + 0.4) + 1.25*x3",
    "exp(-(x1 - 1)**2)/(1.2 + (x2 - 2.5)**2)",
    "log(x1 + x2)*cos(3*x3) - sqrt(x1*x2 + 1)",
)


def seconds(work: Callable[[], object]) -> float:
    """Median of seven calls, after one that does not count."""
    times = []
    for _ in range(8):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times[1:])


def main() -> None:
    X = np.random.default_rng(0).uniform(0.5, 2, (ROWS, len(NAMES)))
    columns = [np.ascontiguousarray(column) for column in X.T]
    scope = {name: getattr(np, name) for name in ("sin", "cos", "exp", "log", "sqrt")}
    scope |= dict(zip(NAMES, columns, strict=True))
    print(f"{ROWS:,} rows, one thread, {cf.build_info()['instruction_set']}")
    for text in TEXTS:
        formula = cf.Formula(text, NAMES)
        code = compile(text, text, "eval")
        np.testing.assert_allclose(formula(X), eval(code, scope), rtol=1e-12, atol=1e-14)
        expression = formula._expression  # without the checks of X, which numpy does not make
        ours = seconds(lambda e=expression: e.evaluate(X, 1))  # type: ignore[misc]
        numpy = seconds(lambda c=code: eval(c, scope))  # type: ignore[misc]
        gradient = seconds(lambda e=expression: e.gradient(X, 1))  # type: ignore[misc]
        rate = formula.complexity * ROWS / ours / 1e9
        print(
            f"{rate:5.2f} G nodes/s, {numpy / ours:4.1f} times numpy, "
            f"value and gradient {gradient / ours:4.1f} times a value: {text}",
            flush=True,
        )


if __name__ == "__main__":
    main()
