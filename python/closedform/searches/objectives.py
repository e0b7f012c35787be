"""What a search is after: values, directions of gradients, or labels, one for each row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from closedform import _core
from closedform._typing import Floats
from closedform.formulas.formula import EXACT
from closedform.tables.rows import variance


@dataclass(frozen=True)
class Values:
    """Numbers to reproduce: the loss is the mean squared error.

    Attributes:
        y: (n,) float64.
        weights: (n,) or None.
    """

    y: Floats
    weights: Floats | None

    @cached_property
    def goal(self) -> _core.Goal:
        return _core.Goal.values(self.y, self.weights)

    @cached_property
    def exact(self) -> float:
        """Loss up to which a formula reproduces the target to rounding."""
        return EXACT * variance(self.y, self.weights)

    @property
    def constant(self) -> float:
        """The best formula without inputs."""
        return float(np.average(self.y, weights=self.weights))


@dataclass(frozen=True)
class Directions:
    """Unit gradients to be parallel to: the loss is the mean |u - v|^2, v that of the expression.

    Attributes:
        U: (n, d) float64, rows of length 1 or 0.
        scales: (n, d) factors of the expression's gradient, or None (`merging.Merging`).
        weights: (n,) or None.
        signed: tells an expression from its negative.
    """

    U: Floats
    scales: Floats | None
    weights: Floats | None
    signed: bool

    @cached_property
    def goal(self) -> _core.Goal:
        return _core.Goal.gradients(self.U, self.scales, self.weights, self.signed)

    @property
    def constant(self) -> float:
        """A formula without inputs: it has no direction, whatever its value."""
        return 1.0


@dataclass(frozen=True)
class Labels:
    """Classes to tell apart: the loss is the mean hinge max(0, 1 - t T).

    Attributes:
        t: (n,) of 1.0 and -1.0.
        weights: (n,) or None.
    """

    t: Floats
    weights: Floats | None

    @cached_property
    def goal(self) -> _core.Goal:
        return _core.Goal.labels(self.t, self.weights)

    @property
    def constant(self) -> float:
        """The best formula without inputs: the class that more rows have."""
        return 1.0 if np.average(self.t, weights=self.weights) >= 0 else -1.0


Objective: TypeAlias = Values | Directions | Labels


def unit(gradient: Floats) -> Floats:
    """Rows over their norms; rows of zeros stay zero.

    Each row is divided by its largest entry first: the squares of small ones would underflow.
    """
    largest = np.max(np.abs(gradient), axis=1, keepdims=True)
    scaled = np.zeros_like(gradient)
    np.divide(gradient, largest, out=scaled, where=largest > 0)
    norm = np.linalg.norm(scaled, axis=1, keepdims=True)
    np.divide(scaled, norm, out=scaled, where=norm > 0)
    return scaled
