"""Several neurons of one model as the coordinates of a space, and the span of their gradients.

Coordinates h = phi(g) with an invertible map phi have gradients in the span of those of the
concepts g, at every row, as one neuron's has the direction of its concept's. So the span is what
they say, whatever phi is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import numpy as np

from closedform._choices import Device
from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError
from closedform.neurons.network import Network, network
from closedform.neurons.surface import Surface

Several: TypeAlias = slice | Literal["all"]
# Some of a model's outputs, or of a layer's neurons.
Latent: TypeAlias = Several | tuple[str, Several]

MOST_COORDINATES = 64
# Of the mean squared gradients, each coordinate's of equal size: what a direction has to have for
# being more than the networks' errors, which take 2 % where a third coordinate had nothing to say.
SHARE = 0.04


def is_latent(neuron: object) -> bool:
    """Whether several neurons are named, not one."""
    which = neuron[1] if isinstance(neuron, tuple) and len(neuron) == 2 else neuron
    return isinstance(which, slice) or (isinstance(which, str) and which == "all")


def coordinates(model: Any, neuron: Any, device: Device) -> tuple[Network, ...]:
    """The neurons named, each as a network.

    Raises:
        InputError: none there, or more than 64; as `network`.
    """
    layer = neuron[0] if isinstance(neuron, tuple) else None
    which = neuron[1] if isinstance(neuron, tuple) else neuron
    wanted = slice(None) if which == "all" else which
    # A slice that says how many needs no look at what follows.
    end = wanted.stop if wanted.stop is not None and wanted.stop >= 0 else MOST_COORDINATES + 1
    nets = list(_one_after_another(model, layer, end, device))
    chosen = tuple(nets[wanted])
    if not chosen:
        raise InputError(f"neuron: {neuron!r} is none of the {len(nets)} neurons there")
    if len(chosen) > MOST_COORDINATES:
        raise InputError(
            f"neuron: a space of more than {MOST_COORDINATES} coordinates is not looked at; give a "
            "narrower layer, or a slice of it"
        )
    return chosen


def _one_after_another(
    model: Any, layer: str | None, end: int, device: Device
) -> Iterator[Network]:
    """Up to so many neurons; fewer where there are no more."""
    for k in range(end):
        try:
            found = network(model, neuron=k if layer is None else (layer, k), device=device)
        except InputError:
            if k == 0:
                raise
            return
        yield found


def jacobians(
    nets: tuple[Network, ...],
    X: FloatMatrix,
    scales: Floats,
    surface: Surface | None,
    threads: int | None,
) -> tuple[Floats, Floats | None]:
    """Gradients of every coordinate, (n, m, r), in units of the columns, and the tangents they are
    along, (n, r, d); None where the rows fill all dimensions, and r = d."""
    found = []
    tangents = None if surface is None else surface.tangents(X)
    for net in nets:
        gradient = net.gradient(X, threads=threads)
        if not np.isfinite(gradient).all():
            raise InputError("model: a gradient is not finite at some of the rows; drop such rows")
        changes = (gradient if surface is None else surface.folded(gradient)) * scales
        if tangents is not None:
            changes = np.einsum("nrd,nd->nr", tangents, changes)
        found.append(changes)
    return np.stack(found, axis=1), tangents


def rank(J: Floats) -> int:
    """How many independent concepts the coordinates have: directions of their gradients with more
    than SHARE of the mean squares, over all rows.

    Args:
        J: (n, m, r) gradients of the coordinates.
    """
    squares = np.linalg.svd(_evened(J), compute_uv=False) ** 2
    shares = squares.mean(axis=0)
    return int(np.sum(shares > SHARE * shares.sum()))


def span(J: Floats, rank: int) -> Floats:
    """Orthonormal vectors of the span of the coordinates' gradients, (n, rank, r)."""
    _, _, right = np.linalg.svd(_evened(J), full_matrices=False)
    return np.ascontiguousarray(right[:, :rank])


def without(found: Floats, directions: Floats) -> tuple[Floats, Floats]:
    """What a span has beside the directions that are explained.

    Args:
        found: (n, k, r) unit gradients of the formulas found, independent.
        directions: (n, m, r) orthonormal, m > k.

    Returns:
        Orthonormal vectors of what is across `found`, (n, r - k, r); the m - k that are left of the
        span, along those, (n, m - k, r - k).
    """
    k = found.shape[1]
    _, _, right = np.linalg.svd(found)
    across = right[:, k:]
    left = np.einsum("nmr,nkr->nmk", directions, across)
    _, _, turned = np.linalg.svd(left, full_matrices=False)
    return across, np.ascontiguousarray(turned[:, : directions.shape[1] - k])


def _evened(J: Floats) -> Floats:
    """Every coordinate of mean squared gradient one, and none where it does not vary."""
    sizes = np.sqrt(np.mean(np.sum(J**2, axis=2), axis=0))
    factors = np.divide(1.0, sizes, out=np.zeros_like(sizes), where=sizes > 1e-9 * sizes.max())
    return np.asarray(J * factors[:, None])
