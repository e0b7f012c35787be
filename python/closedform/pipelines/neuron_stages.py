"""The stages of `interpret`: gradients, search, choice, constants, link, decision and verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.neurons.unit_gradients import UnitGradients
from closedform.pipelines import monotone_link, neuron_decision, neuron_verdict, pieces
from closedform.pipelines.monotone_link import MonotoneLink
from closedform.pipelines.neuron_constants import with_constants
from closedform.pipelines.neuron_rows import Neurons, Part, together
from closedform.pipelines.neuron_verdict import Fidelity
from closedform.pipelines.pieces import Interval
from closedform.pipelines.provenance import Provenance
from closedform.pipelines.results import Interpretation
from closedform.searches.budget import Budget
from closedform.searches.directions import search_directions
from closedform.searches.objectives import Directions
from closedform.searches.orientation import oriented
from closedform.searches.settings import Settings
from closedform.searches.steepest_drop import gradient_errors, steepest_drop, unit_gradient
from closedform.tables.checks import Matrix

LINK = 0.1  # of the time and the evaluations, the search being given the rest
LINK_SECONDS, LINK_SIZE = 3.0, 15


@dataclass
class NeuronStages:
    """A neuron, or that of several networks, on its way to a formula.

    Attributes:
        searched, choosing, measuring: rows to search on, to choose the formula by, and to measure
            it on.
        signed, symmetries, extra_points: as in `interpret`.

    Raises:
        InputError: as `Neurons.gradients`: too few rows within the band, before the search is paid
            for; another backend than the native one for rows on a surface.
    """

    neurons: Neurons
    searched: Part
    choosing: Part
    measuring: Part
    settings: Settings
    budget: Budget
    signed: bool
    symmetries: bool
    extra_points: int

    def __post_init__(self) -> None:
        surface, native = self.neurons.surface, self.settings.backend == "native"
        if surface is not None and not native:
            raise InputError(
                f"backend: X lies on a surface of {surface.dimensions} dimensions, along which "
                "only the native backend compares gradients; leave backend out"
            )
        self.link_quota = self.budget.quota(LINK)
        found = self.neurons.gradients(self.searched, self.extra_points, self.settings.seed)
        self.first, self.gradients = found[0], together(found)
        self.held_out = together(self.neurons.gradients(self.choosing))
        self.measured = self.neurons.gradients(self.measuring)
        # The other backends know no signs of every row's own.
        looked = not self.signed and native
        self.axes = looked and pieces.turns_around(
            self.first.X, _directions(self.first, signed=False)
        )

    def interpretation(self, origin: Provenance) -> Interpretation:
        """All stages after the gradients."""
        front, extrema, rising = self._chosen()
        net, X = self.neurons.nets[0], self.searched.X
        classes = neuron_decision.classes(net, X, self.neurons.threads)
        axes = bool(extrema)
        sought = _directions(self.gradients, signed=self.signed, axes=axes)
        front = self._written(front, sought)
        if classes is not None and not axes:
            front = neuron_decision.with_factor(
                front, X, classes, self.gradients, sought, self.settings
            )
        formula = front.best
        if self.settings.checkpoint is not None:
            self.settings.checkpoint.conclude(front)
        link = self._link(formula, extrema, rising)
        decision = neuron_decision.decision(formula, X, classes, single=not link.extrema)
        inside = together(self.measured)
        there = _directions(inside, signed=not axes, axes=axes)
        fidelity = self._fidelity(
            formula, link, decision, gradient_errors(formula, inside.X, there)
        )
        verdict = neuron_verdict.judge(
            front,
            inside.X,
            there,
            fidelity,
            rarer=_rarer(self.first),
            noise=self.neurons.noise,
        )
        return Interpretation(
            formula=formula,
            front=front,
            link=link,
            threshold=neuron_decision.single(decision),
            level_set=decision,
            fidelity=fidelity,
            verdict=verdict,
            symmetries=front.symmetries,
            gradients=self.gradients,
            network=net.description,
            stopped=front.stopped,
            provenance=origin.ended(self.budget),
        )

    def _chosen(self) -> tuple[Front, tuple[float, ...], bool]:
        """The front with its best, where on that one's values the neuron turns around, and whether
        it rises first."""
        front = self._search()
        judging = _directions(self.held_out, signed=self.signed, axes=self.axes)
        front = front.with_best(steepest_drop(front, self.held_out.X, judging))
        if not self.axes:
            return front, (), True
        return front, *_turning_points(front.best, self.first)

    def _search(self) -> Front:
        """The front of what has these gradients."""
        gradients, budget = self.gradients, self.budget
        directions = _directions(gradients, signed=self.signed, axes=self.axes)
        table = Matrix(gradients.X, gradients.names, gradients.labels)
        plain = not directions.axes and directions.tangents is None
        mine = replace(
            self.settings,
            time=budget.seconds(1 - LINK),
            evaluations=budget.quota(1 - LINK),
            callback=budget.listener(),
            device=self.settings.device if plain else "cpu",
        )
        front = search_directions(table, directions, mine, symmetries=self.symmetries)
        budget.spend(front.evaluations, front.stopped)
        return front.of_data(table.labels, table.values)

    def _written(self, front: Front, sought: Directions) -> Front:
        """With the signs of the gradients, and constants of the values of a neuron that has a
        sign."""
        front = oriented(front, self.gradients.X, sought, self.settings)
        if sought.axes:
            return front
        single = len(self.neurons.nets) == 1
        return with_constants(front, self.gradients, sought, self.settings, single=single)

    def _link(self, formula: Formula, extrema: tuple[float, ...], rising: bool) -> MonotoneLink:
        """From the formula's values to the neuron's, on the rows searched."""
        first, budget = self.first, self.budget
        T = formula(first.X)
        defined = np.isfinite(T)
        weights = None if first.weights is None else first.weights[defined]
        mine = replace(
            self.settings,
            max_size=LINK_SIZE,
            time=budget.seconds(1.0, LINK_SECONDS),
            evaluations=self.link_quota,
            callback=budget.listener(lambda progress: replace(progress, phase="link")),
        )
        return monotone_link.fit_link(T[defined], first.f[defined], weights, mine, extrema, rising)

    def _fidelity(
        self,
        formula: Formula,
        link: MonotoneLink,
        decision: tuple[Interval, ...] | None,
        errors: Floats,
    ) -> Fidelity:
        """On the rows set aside, of each network those within the band, with the errors of the
        formula's gradients there."""
        ranks, agreements = [], []
        X, threads = self.measuring.X.values, self.neurons.threads
        T = formula._expression.evaluate(X)
        for net, own in zip(self.neurons.nets, self.measured, strict=True):
            t = formula._expression.evaluate(own.X)
            defined = np.isfinite(t)
            values = link.isotonic(t[defined]) if link.extrema else t[defined]
            ranks.append(monotone_link.rank_correlation(values, own.f[defined]))
            if decision is not None:
                above = net.value(X, threads=threads) > 0
                agreements.append(float(np.mean(pieces.within(T, decision) == above)))
        return Fidelity(
            cosine=1 - float(np.mean(np.minimum(errors, 4.0))) / 2,
            rank_correlation=float(np.mean(ranks)),
            agreement=float(np.mean(agreements)) if agreements else None,
            rows=len(errors),
        )


def _directions(gradients: UnitGradients, *, signed: bool, axes: bool = False) -> Directions:
    return Directions(
        gradients.U, gradients.scales, gradients.weights, signed, axes, gradients.tangents
    )


def _turning_points(formula: Formula, gradients: UnitGradients) -> tuple[tuple[float, ...], bool]:
    """Where on the formula's values the neuron turns around, and whether it rises first; that it
    rises where it does not turn around, for then the formula is oriented."""
    T = formula._expression.evaluate(gradients.X)
    V, defined = unit_gradient(formula, gradients.X, _directions(gradients, signed=True))
    along = np.sum(gradients.U * V, axis=1)
    told = defined & np.isfinite(T) & (along != 0)
    cuts, rising = pieces.runs(T[told], along[told] > 0)
    return tuple(cuts), rising or not cuts


def _rarer(gradients: UnitGradients) -> float:
    """Share of the class that fewer rows within the band have; 1/2 where there are none."""
    if gradients.F is None:
        return 0.5
    positive = float(np.mean(gradients.F > 0.5))
    return min(positive, 1 - positive)
