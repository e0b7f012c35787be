"""The eight Vladislavleva functions (2009) with the training rows they are usually given.

V1 has 1.2 in its denominator, as published; some packages ship it with 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_V2 = "exp(-x1) * x1**3 * cos(x1) * sin(x1) * (cos(x1) * sin(x1)**2 - 1)"


@dataclass(frozen=True)
class Problem:
    """A function and how its training rows are drawn.

    Attributes:
        text: the function in x1, x2, ..., valid both as Python and as a closedform formula.
        ranges: (low, high) of each input.
        rows: number of rows drawn uniformly; 0 where the rows are a grid.
        steps: spacing of the grid in each input; empty where rows are drawn.
    """

    name: str
    text: str
    ranges: tuple[tuple[float, float], ...]
    rows: int = 0
    steps: tuple[float, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"x{j + 1}" for j in range(len(self.ranges)))

    def truth(self, X: Floats) -> Floats:
        """Values at X (n, d), by numpy and nothing of ours."""
        scope = {name: getattr(np, name) for name in ("exp", "sin", "cos")}
        scope |= dict(zip(self.names, X.T, strict=True))
        values: Floats = eval(self.text, {"__builtins__": {}}, scope)
        return values

    def uniform(self, rows: int, seed: int) -> Floats:
        """(rows, d) drawn uniformly from the ranges."""
        low, high = np.array(self.ranges).T
        return np.random.default_rng(seed).uniform(low, high, (rows, len(low)))

    def training(self, seed: int) -> tuple[Floats, Floats]:
        """X (n, d) and y (n,) to learn from; the seed has no effect on a grid."""
        X = grid(self.ranges, self.steps) if self.steps else self.uniform(self.rows, seed)
        return X, self.truth(X)


def grid(ranges: tuple[tuple[float, float], ...], steps: tuple[float, ...]) -> Floats:
    """Every combination of equally spaced values, both ends of each range included; (n, d)."""
    axes = [
        np.linspace(low, high, round((high - low) / step) + 1)
        for (low, high), step in zip(ranges, steps, strict=True)
    ]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


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

# Where formulas for V1 are judged: beyond the training rows.
V1_TEST = grid(((-0.2, 4.2),) * 2, (0.1, 0.1))
