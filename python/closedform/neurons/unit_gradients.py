"""Unit gradients of a neuron: what its concept is searched from.

Wetzel, arXiv 2401.04978: f = phi(g) with a monotone phi has its gradient parallel to g's at every
row, so that the normalised gradient belongs to g, whatever phi is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from closedform._typing import Floats
from closedform.errors import InputError
from closedform.neurons.surface import Surface
from closedform.searches.objectives import unit_in
from closedform.tables import checks, scalars
from closedform.tables.checks import Matrix
from closedform.tables.columns import model_inputs
from closedform.tables.names import variable_names
from closedform.tables.rows import spreads

if TYPE_CHECKING:
    from closedform.neurons.network import Network

FEWEST = 5  # rows that say anything at all
# Of the largest gradient: what terms of its size leave where they cancel.
ROUNDING = 1e-14
MOST_EXTRA = 10**9
PERTURBATION = 0.1  # of an input's standard deviation


@dataclass(frozen=True)
class UnitGradients:
    """Rows, the unit gradients of a neuron there, and what became of the rows given.

    Attributes:
        X: (n, d) float64, the rows within the band: first those given, then the extra ones.
        U: (n, d) float64, gradients in the units `scales` over their norms, parallel row by row to
            scales * df/dx; zeros, and what is rounding, are zeros. Where the rows lie on a surface,
            what of them is along its tangents, (n, r).
        scales: (d,) float64, the standard deviation of every column of the rows given.
        weights: (n,) float64, or None for equal ones.
        f: (n,) float64, the neuron's values (of a classifier, before its sigmoid or softmax).
        F: (n,) float64, the classifier's probabilities; None for any other neuron.
        names: of the columns of X.
        labels: what the user called them, where that is known.
        extra: how many of the n rows are extra ones.
        zeros: how many of the n rows have no gradient.
        dropped: how many rows, given and extra, were outside the band.
        share: dropped over all.
        tangents: (n, r, d) float64, orthonormal vectors along the surface that the rows lie on, in
            units of the columns; None where they fill all dimensions.
    """

    X: Floats
    U: Floats
    scales: Floats
    weights: Floats | None
    f: Floats
    F: Floats | None
    names: tuple[str, ...]
    labels: tuple[str, ...] | None
    extra: int
    zeros: int
    dropped: int
    share: float
    tangents: Floats | None = None

    def __str__(self) -> str:
        parts = [f"{len(self.X)} rows"]
        if self.extra:
            parts.append(f"{self.extra} of them sampled")
        if self.zeros:
            parts.append(f"{self.zeros} without a gradient")
        parts.append(f"{self.dropped} ({self.share:.1%}) dropped as saturated")
        if self.tangents is not None:
            parts.append(f"compared along a surface of {self.tangents.shape[1]} dimensions")
        return ", ".join(parts)


def checked_points(band: float, extra_points: int) -> tuple[float, int]:
    """Which rows are used, and how many more there are to be.

    Raises:
        InputError: something else.
    """
    if not 0 <= scalars.real(band, "band") < 0.5:
        raise InputError(f"band: {band} is out of range; give 0 to 0.5, such as 1e-4")
    return band, scalars.whole(extra_points, "extra_points", 0, MOST_EXTRA)


def unit_gradients(
    network: Network,
    X: object,
    *,
    band: float = 1e-4,
    weights: object = None,
    extra_points: int = 0,
    scales: Floats | None = None,
    surface: Surface | None = None,
    threads: int | None = None,
    seed: int = 0,
) -> UnitGradients:
    """Unit gradients of a neuron at the rows where it is not saturated.

    Args:
        network: the neuron.
        X: (n, d) array or table.
        band: rows of a classifier are kept where its probability is in [band, 1 - band]; a
            saturated sigmoid has trained no gradient. Without a probability all rows are kept.
        weights: (n,) row weights; "boundary" for F (1 - F), which favours rows near the decision
            boundary, where a classifier's gradients are cleanest; None for equal ones.
        extra_points: so many unlabelled rows more: one half drawn uniformly from the box of X, the
            other rows of X with normal noise of a tenth of each column's standard deviation, kept
            within the box. Each weighs as much as a row of X does on average.
        scales: (d,) the units of the columns; None for their standard deviations in X.
        surface: that the rows lie on (`surface.find`), of which copies of columns count to their
            originals; None for gradients in all directions.
        threads: as in `Network.value`.
        seed: of the extra rows.

    Raises:
        InputError: arguments that cannot be used; a neuron whose gradient is zero at every row, or
            not a number at one; fewer than 5 rows within the band.
    """
    table = points(network, X)
    given = table.values.astype(np.float64, copy=False)
    band, extra_points = checked_points(band, extra_points)
    rows = np.concatenate([given, sampled(given, extra_points, seed)])
    f = network.value(rows, threads=threads)
    F = network.probability(rows, threads=threads)
    inside = np.ones(len(rows), dtype=bool) if F is None else (band <= F) & (1 - band >= F)
    kept = np.flatnonzero(inside)
    if len(kept) < FEWEST:
        raise InputError(
            f"band: only {len(kept)} of {len(rows)} rows have a probability in [{band:g}, "
            f"1 - {band:g}]; widen the band (a smaller number) or give more rows"
        )
    row_weights = _row_weights(weights, F, len(given), extra_points)
    if row_weights is not None and not row_weights[kept].any():
        raise InputError("weights: are zero at every row within the band; widen it or the weights")
    inner = np.ascontiguousarray(rows[kept])
    gradient = network.gradient(inner, threads=threads)
    _check_finite(gradient, f[kept], kept)
    if surface is not None:
        gradient = surface.folded(gradient)
    if row_weights is not None:
        row_weights = row_weights[kept]
    if scales is None:
        scales = spreads(given)
    tangents = None if surface is None else surface.tangents(inner)
    U = unit_in(scales, _without_rounding(gradient * scales, gradient), tangents)
    zeros = int(np.sum(~U.any(axis=1)))
    if zeros == len(U):
        raise InputError("model: its gradient is zero at every row; choose another neuron")
    return UnitGradients(
        X=inner,
        U=U,
        scales=scales,
        weights=row_weights,
        f=f[kept],
        F=None if F is None else F[kept],
        names=table.names,
        labels=table.labels,
        extra=int(np.sum(kept >= len(given))),
        zeros=zeros,
        dropped=len(rows) - len(kept),
        share=1 - len(kept) / len(rows),
        tangents=tangents,
    )


def _without_rounding(changes: Floats, gradient: Floats) -> Floats:
    """The gradients, zero where the changes they stand for are rounding beside the largest."""
    size = np.abs(changes).max(axis=1)
    return np.where(size[:, None] > ROUNDING * size.max(), gradient, 0.0)


def points(network: Network, X: object) -> Matrix:
    """The rows of X with their columns in the order of the network's inputs.

    Where the network knows its inputs' names, a table's columns are found by them; where it does
    not, the table names them, and where that is an array, they are x1, x2, and so on.

    Raises:
        InputError: as `checks.matrix`; not as many columns as the network has inputs; a table
            without an input's name.
    """
    table = checks.matrix(X, min_rows=FEWEST)
    values = model_inputs(table, network.names, network.inputs, "the model")
    if network.names is None:
        return table
    return Matrix(values, variable_names(network.names), network.names)


def sampled(X: Floats, count: int, seed: int) -> Floats:
    """Rows drawn uniformly from the box of X, and rows of X moved a little within it."""
    rng = np.random.default_rng(seed)
    low, high = X.min(axis=0), X.max(axis=0)
    uniform = rng.uniform(low, high, (count // 2, X.shape[1]))
    near = X[rng.integers(len(X), size=count - count // 2)]
    near = near + PERTURBATION * X.std(axis=0) * rng.normal(size=near.shape)
    return np.concatenate([uniform, np.clip(near, low, high)])


def _row_weights(weights: object, F: Floats | None, given: int, extra: int) -> Floats | None:
    if weights is None:
        return None
    if isinstance(weights, str):
        if weights != "boundary":
            raise InputError(f"weights: {weights!r} is unknown; give 'boundary' or one per row")
        if F is None:
            raise InputError(
                "weights: 'boundary' needs a classifier's probability; make the model with "
                "cf.network(model, classifier=True) if its output is one before a sigmoid"
            )
        return F * (1 - F)
    checked = checks.weights(weights, given)
    return np.concatenate([checked, np.full(extra, checked.mean())])


def _check_finite(gradient: Floats, f: Floats, rows: object) -> None:
    bad = np.flatnonzero(~(np.isfinite(gradient).all(axis=1) & np.isfinite(f)))
    if len(bad):
        row = np.asarray(rows)[bad[0]]
        raise InputError(f"model: its value or gradient at row {row} is not finite; drop such rows")
