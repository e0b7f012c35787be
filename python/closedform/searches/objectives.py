"""What a search is after: values, directions of gradients, or labels, one for each row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from closedform import _core
from closedform._typing import FloatMatrix, Floats
from closedform.formulas.formula import Formula
from closedform.formulas.noise import EXACT, Absolute, Noise
from closedform.tables.rows import variance
from closedform.tables.spool import Moved

FEW = 1000  # rows up to which copies among them matter to whether a formula is exact


@dataclass(frozen=True)
class Values:
    """Numbers to reproduce: the loss is the mean squared error.

    Attributes:
        y: (n,) float64.
        weights: (n,) or None: of the squares that are minimised.
        counts: (n,) or None: how often each row counts; the weights without the precision that a
            noise model gives the rows.
        noises: the models a formula may be judged by; `weights` is made for one of them.
        different: rows that are no copies of others.
        groups: (n,) which group each row is of, where groups have constants of their own.
        moved: rows that are not where the user gave them; None where all are.
    """

    y: Floats
    weights: Floats | None
    counts: Floats | None = None
    noises: tuple[Noise, ...] = (Absolute(),)
    different: int | None = None
    groups: npt.NDArray[np.int64] | None = None
    moved: Moved | None = None

    @staticmethod
    def of(
        y: Floats,
        counts: Floats | None,
        noises: tuple[Noise, ...] = (Absolute(),),
        precision: Floats | None = None,
        X: FloatMatrix | None = None,
    ) -> Values:
        """Rows that count, and how precisely each is known.

        precision: (n,) one over the expected square of a row's error, in any unit; None for equal.
        X: (n, d) the inputs; copies are found where they are given, and few.
        """
        weights = counts
        if precision is not None:
            weights = precision if counts is None else counts * precision
        different = None
        if X is not None and len(y) <= FEW:
            different = len(np.unique(np.column_stack([X, y]), axis=0))
        return Values(y, weights, counts, noises, different)

    @cached_property
    def goal(self) -> _core.Goal:
        return _core.Goal.values(self.y, self.weights, self.groups)

    @cached_property
    def exact(self) -> float:
        """Loss up to which a formula reproduces the target to rounding."""
        return EXACT * variance(self.y, self.weights)

    def reproduced(self, formula: Formula) -> bool:
        """Whether a formula is exact: it meets all rows to rounding, and they are enough to say so
        of as many nodes and constants (`determined` in expression.hpp)."""
        rows = len(self.y) if self.different is None else self.different
        if self.counts is not None:
            rows = min(rows, int(np.count_nonzero(self.counts)))
        return formula.loss <= self.exact and formula._expression.determined_by(rows)

    @property
    def constant(self) -> float:
        """The best formula without inputs."""
        return float(np.average(self.y, weights=self.weights))


@dataclass(frozen=True)
class Directions:
    """Unit gradients to be parallel to: the loss is the mean |u - v|^2, v that of the expression.

    Attributes:
        U: (n, d) float64, rows of length 1 or 0. With `tangents` (n, r), along these. Or (n, m, r):
            m unit vectors perpendicular to each other, in whose span v is to lie; then the loss is
            to the unit vector of the span that is nearest, and `axes` is set.
        scales: factors of the expression's gradient before it is made of length 1: (d,), the units
            of the columns, or (n, d) (`merging.Merging`); None for ones.
        weights: (n,) or None.
        signed: tells an expression from its negative.
        axes: tells u from -u at no row, each by itself: a neuron that rises with its concept here
            and falls there.
        tangents: (n, r, d) orthonormal vectors in units of the columns, along which alone gradients
            are compared; None for all directions. Scales are (d,) then.
    """

    U: Floats
    scales: Floats | None
    weights: Floats | None
    signed: bool
    axes: bool = False
    tangents: Floats | None = None

    @cached_property
    def goal(self) -> _core.Goal:
        U = np.ascontiguousarray(self.U.reshape(len(self.U), -1))
        framed = self.tangents is not None
        return _core.Goal.gradients(U, self.factors, self.weights, self.signed, self.axes, framed)

    def at(self, rows: npt.NDArray[np.integer[Any]]) -> Directions:
        """The same at some of the rows."""
        scales = self.scales if self.scales is None or self.scales.ndim == 1 else self.scales[rows]
        weights = None if self.weights is None else self.weights[rows]
        tangents = None if self.tangents is None else self.tangents[rows]
        return replace(self, U=self.U[rows], scales=scales, weights=weights, tangents=tangents)

    @property
    def factors(self) -> Floats | None:
        """`scales` of every row, (n, d); with tangents these, scaled, (n, r d)."""
        if self.tangents is not None:
            scaled = self.tangents if self.scales is None else self.tangents * self.scales
            return np.ascontiguousarray(scaled.reshape(len(scaled), -1))
        if self.scales is None:
            return None
        shape = len(self.U), self.scales.shape[-1]
        return np.ascontiguousarray(np.broadcast_to(self.scales, shape))

    @property
    def vectors(self) -> Floats:
        """`U` by the columns, (n, d) or (n, m, d)."""
        if self.tangents is None:
            return self.U
        vectors: Floats = np.einsum("n...r,nrd->n...d", self.U, self.tangents)
        return vectors

    def along(self, V: Floats) -> Floats:
        """Cosines of unit vectors, (n, r), with U, (n,); with a span never negative."""
        if self.U.ndim == 3:
            cosines: Floats = np.linalg.norm(np.einsum("nmr,nr->nm", self.U, V), axis=1)
            return cosines
        return np.asarray(np.sum(self.U * V, axis=1))

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


def unit_in(scales: Floats, gradient: Floats, tangents: Floats | None = None) -> Floats:
    """Unit gradients by columns whose units are `scales`: a column of spread s changes by a spread
    of its own where dT/dx_j changes T by s dT/dx_j. With tangents (n, r, d), of what of them is
    along these, (n, r)."""
    scaled = unit(gradient) * scales
    return unit(scaled if tangents is None else np.einsum("nrd,nd->nr", tangents, scaled))
