"""Twelve systems whose invariant a siamese network's latent learns (arXiv 2409.05305).

Written from the paper's public description: invariants of matrices, of fields, of motion and of
space-time. Rows are X = Z E' + b with independent coordinates Z; where E is not square they lie on
a plane, and gradients count along it alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

import closedform as cf
from bench.neurons.rules import Floats, Numeric, unit

OPERATORS = ("+", "-", "*", "/", "sin", "exp")
FRESH_ROWS, FRESH_SEED = 2000, 10**6
PARALLEL = 0.999  # mean cosine of gradients from which the form is right, constants within 3 %
LARGER = 4  # nodes more than the concept has


@dataclass(frozen=True)
class System:
    """A quantity that a network is taught to tell apart.

    Attributes:
        name: of the system.
        concept: text in x1, x2, ...; a smallest form.
        ranges: (low, high) of each free coordinate; rows are drawn uniformly.
        embedding: for each column of X its factors by the free coordinates, and its offset; empty
            where columns are the coordinates.
    """

    name: str
    concept: str
    ranges: tuple[tuple[float, float], ...]
    embedding: tuple[tuple[tuple[float, ...], float], ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"x{j + 1}" for j in range(len(self.embedding) or len(self.ranges)))

    @property
    def size(self) -> int:
        return cf.Formula(self.concept, self.names).complexity

    def draw(self, rows: int, seed: int) -> Floats:
        """Rows, (rows, d)."""
        low, high = np.array(self.ranges).T
        Z = np.random.default_rng(seed).uniform(low, high, (rows, len(self.ranges)))
        return np.ascontiguousarray(Z @ self._factors.T + self._offsets)

    def value(self, X: Floats) -> Floats:
        return Numeric(self.concept, self.names)(X)

    @cached_property
    def _factors(self) -> Floats:
        if not self.embedding:
            return np.eye(len(self.ranges))
        return np.array([factors for factors, _ in self.embedding])

    @cached_property
    def _offsets(self) -> Floats:
        if not self.embedding:
            return np.zeros(len(self.ranges))
        return np.array([offset for _, offset in self.embedding])

    def wrong_form(self, formula: cf.Formula) -> str:
        """Why a formula is not the concept up to a function and constants within 3 %; "" if it is.

        Its gradients by the free coordinates, in units of their ranges, have to be parallel to
        those of the concept on fresh rows, and it may be little larger.
        """
        X = self.draw(FRESH_ROWS, FRESH_SEED)
        widths = np.array([high - low for low, high in self.ranges])
        truth = Numeric(self.concept, self.names, by=self.names)(X)
        U = unit(truth @ self._factors * widths)
        V = unit(formula.gradient(X) @ self._factors * widths)
        cosine = abs(float(np.mean(np.sum(U * V, axis=1))))
        if not cosine >= PARALLEL:
            return f"mean cosine {cosine:.4f}"
        if formula.complexity > self.size + LARGER:
            return f"{formula.complexity} nodes instead of {self.size}"
        return ""


def _unit(j: int, count: int, sign: float = 1.0) -> tuple[float, ...]:
    return tuple(sign if k == j else 0.0 for k in range(count))


_TRACE_OF_5 = (*((_unit(j, 3), 0.0) for j in range(3)), (_unit(0, 3, -1.0), 5.0))
_NOTHING = ((0.0, 0.0, 0.0), 0.0)
_ANTISYMMETRIC = (
    _NOTHING,
    (_unit(0, 3), 0.0),
    (_unit(1, 3), 0.0),
    (_unit(0, 3, -1.0), 0.0),
    _NOTHING,
    (_unit(2, 3), 0.0),
    (_unit(1, 3, -1.0), 0.0),
    (_unit(2, 3, -1.0), 0.0),
    _NOTHING,
)


def _box(inputs: int, low: float = -2.0, high: float = 2.0) -> tuple[tuple[float, float], ...]:
    return ((low, high),) * inputs


SYSTEMS = (
    System("trace of 2x2", "x1 + x4", _box(4)),
    System("trace of 3x3", "x1 + x5 + x9", _box(9)),
    System("determinant", "x1*x4 - x2*x3", ((-1.0, 6.0), *_box(2, -3, 3)), _TRACE_OF_5),
    System("antisymmetric", "x2*x2 + x3*x3 + x6*x6", _box(3), _ANTISYMMETRIC),
    System("E.B", "x1*x4 + x2*x5 + x3*x6", _box(6)),
    System("harmonic", "x1*x1 + 2*x2*x2", _box(2)),
    System("polynomial", "x2*x2 + x1*x1*(x1*x1 - 2)", ((-1.8, 1.8), (-2.0, 2.0))),
    System("sine", "x2*x2 + 4*sin(x1)", ((-3.0, 3.0), (-2.5, 2.5))),
    System("exponential", "x2*x2 + exp(x1)", _box(2)),
    System("central force", "x1*x4 - x2*x3", _box(4)),
    System("interval", "x1*x1 - x2*x2 - x3*x3 - x4*x4", _box(4)),
    System("field energy", "x1*x1 + x2*x2 - x3*x3", _box(3)),
)
