"""The rows a neuron is interpreted on, in parts, and its gradients there, of several networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from closedform._typing import Floats
from closedform.errors import InputError
from closedform.neurons.network import Network
from closedform.neurons.surface import Surface, find
from closedform.neurons.unit_gradients import UnitGradients, unit_gradients
from closedform.searches.objectives import unit_in
from closedform.tables.checks import Matrix
from closedform.tables.rows import sample_rows, spreads

# Shares of the rows that choose the formula, and that measure it; neither is searched or fitted to.
CHOOSING, MEASURING = 0.1, 0.1
MOST_ROWS = 200_000  # gradients of all of them are kept; more add time, not certainty


@dataclass(frozen=True)
class Part:
    """Some of the rows of X, with what weighs them."""

    X: Matrix
    weights: Floats | str | None


def split(table: Matrix, weights: Floats | str | None, seed: int) -> tuple[Part, Part, Part]:
    """Rows to search, to choose the formula by, and to measure it on; MOST_ROWS in all."""
    order = sample_rows(len(table.values), MOST_ROWS, np.random.default_rng(seed))
    rows = len(order)
    choosing, measuring = round(CHOOSING * rows), round(MEASURING * rows)
    first, second, rest = np.split(order, [choosing, choosing + measuring])

    def part(chosen: npt.NDArray[np.intp], weights: Floats | str | None) -> Part:
        chosen = np.sort(chosen)
        values = np.ascontiguousarray(table.values[chosen], dtype=np.float64)
        mine = weights if weights is None or isinstance(weights, str) else weights[chosen]
        return Part(Matrix(values, table.names, table.labels), mine)

    return part(rest, weights), part(first, weights), part(second, None)


@dataclass(frozen=True)
class Neurons:
    """What is to be one concept: a neuron, or that of each of several networks.

    Attributes:
        nets: the networks.
        signs: 1 or -1 for each: the first one's direction is that of all.
        noise: mean |u - v|^2 / 2 of the unit gradients of two of them: of what the mean of many
            would be, one is so far off. None for a single network.
        scales: (d,) the units of the columns.
        surface: that the rows lie on; None where they fill all dimensions.
        band: within which rows are used.
        threads: as in `interpret`.
    """

    nets: tuple[Network, ...]
    signs: tuple[float, ...]
    noise: float | None
    scales: Floats
    surface: Surface | None
    band: float
    threads: int | None

    @staticmethod
    def of(
        nets: Sequence[Network], rows: Matrix, band: float, threads: int | None, seed: int
    ) -> Neurons:
        """Of networks that see the same inputs.

        seed: of the rows that are looked at for a surface.

        Raises:
            InputError: as `unit_gradients`; rows on a curve.
        """
        scales = spreads(rows.values)
        surface = find(rows.values, scales, seed)
        if surface is not None and surface.dimensions < 2:
            raise InputError(
                "X: lies on a curve, so a unit gradient along it says nothing; search values of "
                "the neuron instead: cf.search(X, values=cf.network(model).value(X))"
            )
        found = Neurons(tuple(nets), (1.0,) * len(nets), None, scales, surface, band, threads)
        if len(nets) == 1:
            return found
        common = unit_gradients(nets[0], rows, band=band, scales=scales, threads=threads).X
        U = [found.directions(net, common) for net in nets]
        signs = tuple(1.0 if np.sum(U[0] * V) >= 0 else -1.0 for V in U)
        V = [sign * own for sign, own in zip(signs, U, strict=True)]
        apart = [np.mean(np.sum((a - b) ** 2, axis=1)) for a, b in combinations(V, 2)]
        return replace(found, signs=signs, noise=0.5 * float(np.mean(apart)))

    def directions(self, net: Network, X: Floats) -> Floats:
        """Unit gradients of a network at rows, along their surface."""
        gradient = net.gradient(X, threads=self.threads)
        if self.surface is None:
            return unit_in(self.scales, gradient)
        return unit_in(self.scales, self.surface.folded(gradient), self.surface.tangents(X))

    def gradients(self, part: Part, extra_points: int = 0, seed: int = 0) -> list[UnitGradients]:
        """Unit gradients within the band, of each network, all of one sign.

        Raises:
            InputError: as `unit_gradients`; extra points off a surface.
        """
        if extra_points and self.surface is not None:
            raise InputError(
                f"extra_points: X lies on a surface of {self.surface.dimensions} dimensions, and "
                "they would not; leave extra_points out, or give such rows in X"
            )
        own = [
            unit_gradients(
                net,
                part.X,
                band=self.band,
                weights=part.weights,
                extra_points=extra_points,
                scales=self.scales,
                surface=self.surface,
                threads=self.threads,
                seed=seed,
            )
            for net in self.nets
        ]
        return [
            g if sign > 0 else replace(g, U=-g.U, f=-g.f)
            for g, sign in zip(own, self.signs, strict=True)
        ]


def together(found: list[UnitGradients]) -> UnitGradients:
    """The rows of all networks, one below the other."""
    if len(found) == 1:
        return found[0]
    first = found[0]
    weights = [np.ones(len(g.X)) if g.weights is None else g.weights for g in found]
    probabilities = [g.F for g in found if g.F is not None]
    rows, dropped = sum(len(g.X) for g in found), sum(g.dropped for g in found)
    return replace(
        first,
        X=np.concatenate([g.X for g in found]),
        U=np.concatenate([g.U for g in found]),
        weights=None if first.weights is None else np.concatenate(weights),
        f=np.concatenate([g.f for g in found]),
        F=np.concatenate(probabilities) if len(probabilities) == len(found) else None,
        tangents=(
            None
            if first.tangents is None
            else np.concatenate([g.tangents for g in found if g.tangents is not None])
        ),
        extra=sum(g.extra for g in found),
        zeros=sum(g.zeros for g in found),
        dropped=dropped,
        share=dropped / (rows + dropped),
    )
