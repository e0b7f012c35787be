"""Which inputs are mere factors of a target, as a regression of its logarithm shows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from closedform._typing import Floats
from closedform.searches.products import Product
from closedform.searches.scaled_rows import Rows

LARGEST_EXPONENT = 12.0
ROUNDED = 0.3  # from a factor's exponent to what it is taken for, at most
NEAR = (0.15, 0.08)  # of those taken for factors by their exponents alone


@dataclass(frozen=True)
class Factors:
    """Inputs taken for factors, and the others.

    Attributes:
        exponents: in the target, of the factors, as measured.
        others: columns.
        slopes: by those of their logarithms that vary, in the middle of the rows.
    """

    exponents: dict[int, float]
    others: tuple[int, ...]
    slopes: dict[int, float]

    def products(self, power: float, rows: Rows) -> list[Product]:
        """What the target to a power is taken to be a multiple of: the factors, and these times the
        others' nearest powers; none where no exponents are near."""
        plain = self.product(power, rows)
        if plain is None:
            return []
        centred = list(plain.exponents)
        for j, slope in self.slopes.items():
            centred[j] = max(-LARGEST_EXPONENT, min(round(power * slope), LARGEST_EXPONENT))
        return list(dict.fromkeys([plain, Product(tuple(map(float, centred)))]))

    def product(self, power: float, rows: Rows) -> Product | None:
        """The factors alone."""
        rounded = [0.0] * rows.inputs
        for j, exponent in self.exponents.items():
            steps = 2 if rows.positive[j] else 1
            rounded[j] = round(steps * power * exponent) / steps
            if abs(power * exponent - rounded[j]) > ROUNDED or abs(rounded[j]) > LARGEST_EXPONENT:
                return None
        return Product(tuple(rounded))


def choices(rows: Rows) -> Iterator[Factors]:
    """Which inputs are factors: those whose logarithms enter that of the target straight."""
    design, own = _design(rows, range(rows.inputs))
    whole, curved = _regressed(design, rows)
    statistics = {}
    for j in rows.powers:
        kept = [k for k in range(design.shape[1]) if k not in own[j]]
        left, _ = _regressed(design[:, kept], rows)
        statistics[j] = (left - whole) / max(1, len(own[j]))
    order = sorted(rows.powers, key=lambda j: statistics[j])
    sets = [order[:count] for count in range(len(order), -1, -1)] + [[j] for j in order]
    _, straight = _regressed(_design(rows, ())[0], rows)
    for slopes, near in itertools.product((straight, curved), NEAR):
        sets.append([j for j in rows.powers if _whole(slopes[1 + rows.powers.index(j)], near)])
    for factors in dict.fromkeys(tuple(sorted(chosen)) for chosen in sets):
        others = tuple(j for j in range(rows.inputs) if j not in factors)
        _, slopes = _regressed(_design(rows, others)[0], rows)
        measured = {j: float(slopes[1 + k]) for k, j in enumerate(rows.powers)}
        inside, outside = (
            {j: measured[j] for j in part if j in measured} for part in (factors, others)
        )
        yield Factors(inside, others, outside)


def _whole(slope: float, near: float) -> bool:
    return bool(round(slope) != 0 and abs(slope - round(slope)) < near)


def _design(rows: Rows, others: Sequence[int]) -> tuple[Floats, dict[int, list[int]]]:
    """Columns of a regression of log|y|: 1, logarithms, and what the others do besides: products of
    their logarithms, and waves; with the positions of those of each input."""
    columns = [np.ones(len(rows.v)), *(rows.logs[:, j] for j in rows.powers)]
    own: dict[int, list[int]] = {j: [] for j in range(rows.inputs)}
    most = len(rows.v) // 2

    def add(column: Floats, inputs: Sequence[int]) -> None:
        if len(columns) < most:
            for j in set(inputs):
                own[j].append(len(columns))
            columns.append(column)

    centred = rows.logs - rows.logs.mean(axis=0)
    powers = [j for j in others if j in rows.powers]
    for wave in itertools.chain(*rows.angles):
        if len(wave.inputs) == 1 and wave.inputs[0] in others:
            add(rows.of_waves[wave], wave.inputs)
            add(rows.of_waves[wave] ** 2, wave.inputs)
    for i, j in itertools.combinations_with_replacement(powers, 2):
        add(centred[:, i] * centred[:, j], (i, j))
    return np.column_stack(columns), own


def _regressed(design: Floats, rows: Rows) -> tuple[float, Floats]:
    """What is left of log|y|, squared, and the coefficients."""
    target = np.log(np.abs(rows.v))
    solution = np.linalg.lstsq(design, target, rcond=None)[0]
    return float(np.sum((target - design @ solution) ** 2)), np.asarray(solution, np.float64)
