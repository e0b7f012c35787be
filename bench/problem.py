"""A law as data: its text, where its rows lie, and when a formula found for them counts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

import closedform as cf

Floats = npt.NDArray[np.float64]

EXACT, LARGER = 1e-6, 1.5
SAME_FORM, TWICE = 1e-12, 2.0
FRESH_ROWS, FRESH_SEED = 1000, 12345  # no training set has this seed


@dataclass(frozen=True)
class Problem:
    """A function and how its training rows are drawn.

    Attributes:
        text: the function in `names`, valid both as Python and as a closedform formula.
        ranges: (low, high) of each input.
        rows: number of rows drawn uniformly; 0 where the rows are a grid.
        steps: spacing of the grid in each input; empty where rows are drawn.
        inputs: names of the inputs; x1, x2, ... where there are none.
    """

    name: str
    text: str
    ranges: tuple[tuple[float, float], ...]
    rows: int = 0
    steps: tuple[float, ...] = ()
    inputs: tuple[str, ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        return self.inputs or tuple(f"x{j + 1}" for j in range(len(self.ranges)))

    @property
    def size(self) -> int:
        """Nodes of the text."""
        return cf.Formula(self.text, self.names).complexity

    def truth(self, X: Floats) -> Floats:
        """Values at X (n, d), by numpy and nothing of ours."""
        scope = {name: getattr(np, name) for name in ("exp", "log", "sqrt", "sin", "cos")}
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


def judge(problem: Problem, formula: cf.Formula) -> tuple[bool, float]:
    """Whether a formula is the truth, and its relative error at fresh points.

    Exact is a root mean square error of 1e-6 of the truth's, at no more than 1.5 times its nodes.
    """
    X = problem.uniform(FRESH_ROWS, FRESH_SEED)
    truth = problem.truth(X)
    with np.errstate(all="ignore"):
        error = float(np.sqrt(np.mean((formula(X) - truth) ** 2) / np.mean(truth**2)))
    return error <= EXACT and formula.complexity <= LARGER * problem.size, error


def right_form(problem: Problem, formula: cf.Formula) -> bool:
    """Whether a formula is the truth but for its constants, at no more than twice its nodes.

    A term too many is forgiven where a constant of 0 makes it vanish.
    """
    if formula.complexity > TWICE * problem.size:
        return False
    X = problem.uniform(FRESH_ROWS, FRESH_SEED)
    return fits_exactly(formula, X, problem.truth(X))


def fits_exactly(formula: cf.Formula, X: Floats, truth: Floats) -> bool:
    """Whether a formula's constants can be fitted such that 1e-12 of the variance is left."""
    try:
        with np.errstate(all="ignore"):
            fitted = formula.refit(X, truth)(X)
            left = float(np.mean((fitted - truth) ** 2) / np.var(truth))
    except cf.InputError:  # no value at these points
        return False
    return left < SAME_FORM
