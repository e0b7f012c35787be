"""From a space of several neurons to formulas: as many as it has independent coordinates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from closedform._choices import Device, Missing
from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.formula import Formula, shortened
from closedform.formulas.front import Front
from closedform.neurons import latent_space
from closedform.neurons.network import Network
from closedform.neurons.surface import Surface, find
from closedform.pipelines.neuron_rows import Part, split
from closedform.pipelines.neuron_table import neuron_table
from closedform.pipelines.neuron_verdict import CLOSE, FACTOR, LIKE, Kind
from closedform.pipelines.provenance import Provenance, provenance
from closedform.searches import interruption, telling
from closedform.searches.blas_threads import single_blas_thread
from closedform.searches.budget import Budget
from closedform.searches.directions import search_directions
from closedform.searches.objectives import Directions
from closedform.searches.settings import Settings
from closedform.searches.steepest_drop import (
    PARALLEL,
    gradient_errors,
    steepest_drop,
    unit_gradient,
)
from closedform.tables.rows import spreads


@dataclass(frozen=True, repr=False)
class LatentSpace:
    """What `interpret` found of several neurons: coordinates that are an invertible map of these
    formulas' values.

    Attributes:
        formulas: independent of each other, in the order in which they were found; any functions of
            them that tell as much would do as well, and these are the simplest.
        fronts: the Pareto front that each was chosen from. Losses are mean `2 - 2 cos` of the angle
            between a formula's gradient and what the formulas before leave of the span of the
            coordinates' gradients.
        sines: of each formula, the mean squared sine of the angle between its gradient and the
            span, on rows set aside.
        missed: the mean squared sine of the angles between the coordinates' gradients and the span
            of the formulas', weighed by their squares, there: what of the space no formula tells.
        coordinates: how many neurons there are.
        kind: the verdict: "concept found", "approximation" or "no closed form found".
        network: one line on the first neuron.
        provenance: rows, seed, version, settings and time.
        stopped: why the last search ended.
    """

    formulas: tuple[Formula, ...]
    fronts: tuple[Front, ...]
    sines: tuple[float, ...]
    missed: float
    coordinates: int
    kind: Kind
    network: str
    provenance: Provenance
    stopped: str

    @property
    def rank(self) -> int:
        """How many of the coordinates are independent."""
        return len(self.formulas)

    def __repr__(self) -> str:
        lines = [f"LatentSpace: {self.kind}; {self.coordinates} coordinates, {self.rank} concepts"]
        for formula, sine in zip(self.formulas, self.sines, strict=True):
            lines.append(f"  {shortened(formula.text)}  (sin^2 {sine:.2g} to the space)")
        lines.append(f"  the formulas miss {self.missed:.2g} of the coordinates' gradients")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Rows:
    """A part of the rows with the gradients of the coordinates there, and what spans them."""

    X: Floats
    J: Floats
    Q: Floats
    tangents: Floats | None

    def directions(
        self, formulas: list[Formula], scales: Floats, weights: Floats | None
    ) -> Directions:
        """What is left of the span beside the formulas found before."""
        if not formulas:
            U = self.Q if self.Q.shape[1] > 1 else np.ascontiguousarray(self.Q[:, 0])
            return Directions(U, scales, weights, False, axes=True, tangents=self.tangents)
        found = np.stack([self.unit(formula, scales) for formula in formulas], axis=1)
        across, left = latent_space.without(found, self.Q)
        U = left if left.shape[1] > 1 else np.ascontiguousarray(left[:, 0])
        tangents = across if self.tangents is None else across @ self.tangents
        return Directions(U, scales, weights, False, axes=True, tangents=tangents)

    def unit(self, formula: Formula, scales: Floats) -> Floats:
        """Unit gradients of a formula, (n, r)."""
        nothing = Directions(self.Q, scales, None, False, axes=True, tangents=self.tangents)
        return unit_gradient(formula, self.X, nothing)[0]


def interpret_latent_space(
    model: Any,
    X: object,
    neuron: Any,
    *,
    device: Device,
    weights: object,
    missing: Missing,
    settings: Settings,
    budget: Budget,
    progress: bool,
) -> LatentSpace:
    """`interpret` for several neurons, on arguments that have been checked.

    Raises:
        InputError: as `interpret`; coordinates that tell all inputs apart, of which any formula
            would be one.
    """
    nets = latent_space.coordinates(model, neuron, device)
    data, row_weights = neuron_table(nets[0], X, weights, missing)
    data = replace(data, inputs=settings.worded(data.inputs))
    if isinstance(row_weights, str):
        raise InputError("weights: 'boundary' is for a classifier's output; give one a row")
    if settings.backend != "native":
        raise InputError("backend: only the native one searches in a span; leave backend out")
    budget.tell("gradients")
    searched, choosing, measuring = split(data.inputs, row_weights, settings.seed)
    rows = len(searched.X.values), len(choosing.X.values) + len(measuring.X.values)
    asked = {"weights": "given" if row_weights is not None else None, "device": device}
    origin = provenance("T", data, rows, settings, asked)
    scales = spreads(searched.X.values)
    surface = find(searched.X.values, scales, settings.seed)
    there, rank = _gradients(nets, searched, scales, surface, settings, None)
    held_out, _ = _gradients(nets, choosing, scales, surface, settings, rank)
    measured, _ = _gradients(nets, measuring, scales, surface, settings, rank)
    formulas: list[Formula] = []
    fronts: list[Front] = []
    heard = telling.telling("interpret", settings, data.inputs, progress, "T")
    with interruption.held(), single_blas_thread(), heard as budget.callback:
        for k in range(rank):
            own = None if searched.weights is None else np.asarray(searched.weights)
            sought = there.directions(formulas, scales, own)
            share = 1 / (rank - k)
            mine = replace(
                settings,
                time=budget.seconds(share),
                evaluations=budget.quota(share),
                callback=budget.listener(),
                device="cpu",
            )
            front = search_directions(searched.X, sought, mine, symmetries=True)
            budget.spend(front.evaluations, front.stopped)
            front = front.of_data(data.inputs.labels, data.inputs.values)
            judged = held_out.directions(formulas, scales, None)
            front = front.with_best(steepest_drop(front, held_out.X, judged))
            fronts.append(front)
            formulas.append(front.best)
    sines, missed, kind = _measured(measured, formulas, fronts, scales)
    return LatentSpace(
        formulas=tuple(formulas),
        fronts=tuple(fronts),
        sines=sines,
        missed=missed,
        coordinates=len(nets),
        kind=kind,
        network=nets[0].description,
        provenance=origin.ended(budget),
        stopped=fronts[-1].stopped,
    )


def _gradients(
    nets: tuple[Network, ...],
    part: Part,
    scales: Floats,
    surface: Surface | None,
    settings: Settings,
    rank: int | None,
) -> tuple[_Rows, int]:
    X = np.ascontiguousarray(part.X.values, dtype=np.float64)
    J, tangents = latent_space.jacobians(nets, X, scales, surface, settings.threads)
    if not J.any():
        raise InputError("model: its gradient is zero at every row; choose other neurons")
    if rank is None:
        rank = latent_space.rank(J)
    free = J.shape[2] if tangents is not None else int(np.sum(scales > 0))
    if rank >= free:
        raise InputError(
            f"neuron: the coordinates tell all {free} dimensions of X apart, so that any formula "
            "is one of theirs; choose a narrower layer, or one neuron"
        )
    return _Rows(X, J, latent_space.span(J, rank), tangents), rank


def _measured(
    rows: _Rows, formulas: list[Formula], fronts: list[Front], scales: Floats
) -> tuple[tuple[float, ...], float, Kind]:
    """Of every formula the mean squared sine to the span, what they miss, and the verdict."""
    units = [rows.unit(formula, scales) for formula in formulas]
    sines = [1 - np.sum(np.einsum("nmr,nr->nm", rows.Q, v) ** 2, axis=1) for v in units]
    told = tuple(float(np.mean(sine)) for sine in sines)
    _, sizes, right = np.linalg.svd(np.stack(units, axis=1), full_matrices=False)
    basis = right * (sizes > 1e-6)[:, :, None]
    seen = np.sum(np.einsum("nmr,nkr->nmk", rows.J, basis) ** 2)
    missed = float(1 - seen / np.sum(rows.J**2))
    worst = max(*told, missed)
    kind: Kind = "no closed form found"
    if worst <= 1 - LIKE**2:
        kind = "approximation"
    reached = []
    for k, front in enumerate(fronts):
        judged = rows.directions(formulas[:k], scales, None)
        losses = [float(np.mean(gradient_errors(f, rows.X, judged))) for f in front]
        own = losses[list(front).index(front.best)]
        reached.append(own <= max(PARALLEL, FACTOR * min(losses)) and bool(front.best.inputs))
    if worst <= 1 - CLOSE**2 and all(reached):
        kind = "concept found"
    return told, missed, kind
