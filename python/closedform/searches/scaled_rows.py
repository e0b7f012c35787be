"""Rows scaled to sizes of one, the angles among their inputs, and columns of products at them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from closedform._typing import Floats
from closedform.searches.products import Product, Wave

VARYING = 0.02  # standard deviation of a logarithm, at least
# An angle stays within a turn either way, and goes through a good part of one.
TURN, ARC = 2 * math.pi * (1 + 1e-9), 1.5
DIFFERENT = 20  # values that it takes at least
MOST_ANGLES = 4  # that are looked at
LONGEST_PHASE, SHORTEST_PHASE = 1e4, 2.5  # that the product of two inputs goes through


class Rows:
    """X and y, scaled to geometric means of one.

    Attributes:
        U, v: (n, d) and (n,).
        scales, scale: of the inputs and the target.
        positive, powered: whether an input is above 0 at all rows; whether it is never 0.
        angles: cosine and sine of what is most like an angle, the likeliest first.
        of_waves: (n,) of each.
        work: columns made so far.
    """

    def __init__(self, X: Floats, y: Floats) -> None:
        sizes = np.where(X == 0.0, 1.0, np.abs(X))
        self.scales = np.exp(np.mean(np.log(sizes), axis=0))
        self.scale = float(np.exp(np.mean(np.log(np.abs(y)))))
        self.U, self.v = X / self.scales, y / self.scale
        self.inputs = X.shape[1]
        self.positive = [bool(np.all(x > 0)) for x in X.T]
        self.powered = [bool(np.all(x != 0)) for x in X.T]
        self.logs = np.log(np.where(self.U == 0.0, 1.0, np.abs(self.U)))
        self.work = 0
        pairs = list(_waves(X))
        self.of_waves = {wave: _evaluated(wave, X) for pair in pairs for wave in pair}
        self.angles = sorted(pairs, key=self._told, reverse=True)[:MOST_ANGLES]

    @cached_property
    def powers(self) -> tuple[int, ...]:
        """Inputs whose logarithms vary."""
        varying = self.logs.std(axis=0) > VARYING
        return tuple(j for j in range(self.inputs) if self.powered[j] and varying[j])

    @cached_property
    def _smooth(self) -> tuple[Floats, Floats]:
        """An orthonormal basis of squares in the logarithms, and what they leave of log|y|."""
        logs = self.logs[:, self.powers] - self.logs[:, self.powers].mean(axis=0)
        columns = [np.ones(len(logs)), *logs.T]
        pairs = itertools.combinations_with_replacement(logs.T, 2)
        columns += [a * b for a, b in itertools.islice(pairs, len(logs) // 2)]
        basis, _ = np.linalg.qr(np.column_stack(columns))
        target = np.log(np.abs(self.v))
        return basis, target - basis @ (basis.T @ target)

    def _told(self, pair: tuple[Wave, Wave]) -> float:
        """How much of log|y| an angle's waves say that squares do not."""
        basis, left = self._smooth
        cosine, sine = (self.of_waves[wave] for wave in pair)
        waves = np.column_stack([cosine, sine, cosine**2, cosine * sine])
        own, _ = np.linalg.qr(waves - basis @ (basis.T @ waves))
        return float(np.sum((own.T @ left) ** 2))

    def column(self, product: Product) -> Floats:
        return np.ravel(self.columns([product]))

    def columns(self, library: Sequence[Product]) -> Floats:
        """(n, library) values of products, each power of an input and each wave computed once."""
        exponents = np.array([product.exponents for product in library])
        result = np.ones((len(self.v), len(library)))
        for j in range(self.inputs):
            powers, places = np.unique(exponents[:, j], return_inverse=True)
            if powers.any():
                result *= (self.U[:, j, None] ** powers)[:, places]
        self.work += len(library)
        waves = dict.fromkeys((product.waves for product in library), 0)
        sets = np.ones((len(self.v), len(waves)))
        for k, factors in enumerate(waves):
            for wave in factors:
                sets[:, k] *= self.of_waves[wave]
            waves[factors] = k
        return result * sets[:, [waves[product.waves] for product in library]]

    def unscaled(self, coefficient: float, product: Product, power: float) -> float:
        """The coefficient of a product of the inputs in a sum that is the target to a power."""
        size = math.log(abs(coefficient)) + power * math.log(self.scale)
        size -= float(np.dot(product.exponents, np.log(self.scales)))
        return math.copysign(math.exp(size) if size < 700.0 else math.inf, coefficient)


def _angle(x: Floats) -> bool:
    return bool(np.abs(x).max() <= TURN and np.ptp(x) >= ARC and len(np.unique(x)) > DIFFERENT)


def _waves(X: Floats) -> Iterator[tuple[Wave, Wave]]:
    angles = [j for j in range(X.shape[1]) if _angle(X[:, j])]
    arguments: list[tuple[str, tuple[int, ...]]] = [("{0}", (j,)) for j in angles]
    arguments += [("{0} - {1}", pair) for pair in itertools.combinations(angles, 2)]
    for i, j in itertools.combinations(range(X.shape[1]), 2):
        with np.errstate(all="ignore"):
            phase = X[:, i] * X[:, j]
        if np.abs(phase).max() <= LONGEST_PHASE and np.ptp(phase) >= SHORTEST_PHASE:
            arguments.append(("{0}*{1}", (i, j)))
    for argument, inputs in arguments:
        yield Wave("cos", argument, inputs), Wave("sin", argument, inputs)


def _evaluated(wave: Wave, X: Floats) -> Floats:
    first, last = X[:, wave.inputs[0]], X[:, wave.inputs[-1]]
    arguments = {"{0}": first, "{0} - {1}": first - last, "{0}*{1}": first * last}
    values: Floats = (np.cos if wave.function == "cos" else np.sin)(arguments[wave.argument])
    return values
