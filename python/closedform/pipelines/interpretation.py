"""From a trained network to the formula of a neuron: unit gradients, search, link, threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast, get_args, overload

import numpy as np

from closedform._choices import Device, Missing
from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.neurons.adapters.neuron import Neuron
from closedform.neurons.latent_space import Latent, is_latent
from closedform.neurons.network import Network, network
from closedform.neurons.unit_gradients import UnitGradients, checked_points
from closedform.pipelines import monotone_link, neuron_decision, neuron_verdict, pieces
from closedform.pipelines.latent_space import LatentSpace, interpret_latent_space
from closedform.pipelines.monotone_link import MonotoneLink
from closedform.pipelines.neuron_constants import with_constants
from closedform.pipelines.neuron_rows import Neurons, split, together
from closedform.pipelines.neuron_table import neuron_table
from closedform.pipelines.neuron_verdict import Fidelity
from closedform.pipelines.pieces import Interval
from closedform.pipelines.provenance import provenance
from closedform.pipelines.results import Interpretation
from closedform.searches import interruption, telling
from closedform.searches.backends import dispatch
from closedform.searches.blas_threads import single_blas_thread
from closedform.searches.budget import Budget
from closedform.searches.directions import search_directions
from closedform.searches.objectives import Directions
from closedform.searches.orientation import oriented
from closedform.searches.progress import Callback
from closedform.searches.settings import (
    Operators,
    Settings,
    Start,
    arguments_of,
    check_gradients_can,
    checked_settings,
    on_cluster,
)
from closedform.searches.steepest_drop import gradient_errors, steepest_drop, unit_gradient
from closedform.tables import cluster, scalars
from closedform.tables.checks import Matrix

OPERATORS = ("+", "-", "*", "/", "sin", "exp")
BAND = 1e-4  # of probabilities; within it a sigmoid has trained a gradient
LINK = 0.1  # of the time and the evaluations, the search being given the rest
LINK_SECONDS, LINK_SIZE = 3.0, 15


@overload
def interpret(
    model: object,
    X: object,
    *,
    neuron: Latent,
    device: Device = "auto",
    weights: object = None,
    missing: Missing = "error",
    time: float = 60.0,
    evaluations: int | None = None,
    operators: Operators = OPERATORS,
    complexities: Mapping[str, int] | None = None,
    max_size: int = 30,
    options: Mapping[str, Any] | None = None,
    threads: int | None = None,
    seed: int = 0,
    start: Start | None = None,
    stop_loss: float | None = None,
    callback: Callback | None = None,
    progress: bool = True,
    client: object = None,
) -> LatentSpace: ...
@overload
def interpret(
    model: object,
    X: object,
    *,
    neuron: Neuron = None,
    classifier: bool | None = None,
    device: Device = "auto",
    band: float = BAND,
    weights: object = None,
    missing: Missing = "error",
    extra_points: int = 0,
    symmetries: bool = True,
    time: float = 60.0,
    evaluations: int | None = None,
    operators: Operators = OPERATORS,
    complexities: Mapping[str, int] | None = None,
    max_size: int = 30,
    signed: bool = False,
    backend: str = "native",
    options: Mapping[str, Any] | None = None,
    threads: int | None = None,
    seed: int = 0,
    start: Start | None = None,
    stop_loss: float | None = None,
    callback: Callback | None = None,
    progress: bool = True,
    client: object = None,
) -> Interpretation: ...
def interpret(
    model: object,
    X: object,
    *,
    neuron: Neuron | Latent = None,
    classifier: bool | None = None,
    device: Device = "auto",
    band: float = BAND,
    weights: object = None,
    missing: Missing = "error",
    extra_points: int = 0,
    symmetries: bool = True,
    time: float = 60.0,
    evaluations: int | None = None,
    operators: Operators = OPERATORS,
    complexities: Mapping[str, int] | None = None,
    max_size: int = 30,
    signed: bool = False,
    backend: str = "native",
    options: Mapping[str, Any] | None = None,
    threads: int | None = None,
    seed: int = 0,
    start: Start | None = None,
    stop_loss: float | None = None,
    callback: Callback | None = None,
    progress: bool = True,
    client: object = None,
) -> Interpretation | LatentSpace:
    """Finds the closed form of what a neuron computes, and the function that hides it.

    The neuron's gradients by the inputs, in units of each column's standard deviation, are
    normalised at every row where a classifier is not saturated; formulas are searched whose
    normalised gradients are the same (Wetzel, arXiv 2401.04978). Where neighbouring rows have
    opposite ones, the neuron rises with its concept here and falls there, and the sign of every row
    is left free (`pieces.turns_around`). Where the rows lie on a surface (a fixed sum, a radius, an
    angle by its sine and cosine), gradients are compared along it alone (`neurons.surface`). Of the
    front, the formula at its steepest drop is chosen
    on rows set aside for that (`steepest_drop`). Its constants are then fitted to the neuron's
    values through a free function (`value_constants`), have standard errors, and become simple
    numbers where the values agree with them. Of a classifier's product whose threshold is 0 and
    whose other factors have one sign, the factor that decides is taken, where it is as near to the
    gradients (`deciding_factor`). Then the link from its values to the neuron's,
    monotone or between its extrema, and for a classifier the threshold, or the level set, are
    fitted; other rows set aside measure all of it and give the verdict (`neuron_verdict`).

    Args:
        model: anything `cf.network` takes, or a `Network`; or a list of several networks trained
            for the same, which are to have one formula: how far they differ says what a network's
            own noise is. Link and threshold are the first one's.
        X: (n, d) array or table of the network's inputs, such as the rows it was trained on, or
            chunks of them (`chunks.gather`). Of more than 200,000, as many are drawn. Arrays on a
            GPU are copied to the host's memory, as in `search`.
        neuron, classifier: as in `cf.network`; leave them out for a `Network`. Several neurons are
            a space: `("layer", slice(0, 2))`, `("layer", "all")`, `slice(0, 2)` or `"all"` of the
            outputs. It is taken up to an invertible map among them: formulas are searched whose
            gradients lie in the span of the neurons' gradients at every row, one after another,
            each against what is left, as many as are independent. The result is a `LatentSpace`.
        device: where a native network runs, as in `cf.network`, and the search, as in `search`. For
            a `Network`, and with "auto" for a model that is not native, the search alone.
        band: rows of a classifier are used where its probability is in [band, 1 - band].
        weights: (n,) row weights; "boundary" for F (1 - F), which favours rows near the decision
            boundary; None for equal ones.
        missing: "error" refuses rows with a missing value (NaN, null, an empty cell); "drop" leaves
            them out, and the logger "closedform" says how many.
        extra_points: unlabelled rows more, sampled around X (`unit_gradients.unit_gradients`).
        symmetries: look for inputs that the neuron sees only together and merge them first.
        time: seconds for everything.
        evaluations: budget of the searches together, as in `search`; with time=math.inf the result
            depends on the seed alone.
        operators, complexities, max_size, signed, backend: as in `search`.
        options, threads, seed, start, stop_loss: as in `search`.
        callback: called with a Progress; returning True ends the search, the best so far is kept.
        progress: whether a terminal (standard error) or a notebook shows how far it is.
        client: of dask.distributed, whose workers search, as in `discover`. A network is evaluated
            here.

    Raises:
        InputError: arguments that cannot be used, a model of one input (its unit gradient is 1 or
            -1 whatever it computes), a gradient that is zero everywhere, too few rows in the band.

    Example:
        >>> import numpy as np
        >>> import closedform as cf
        >>> X = np.random.default_rng(0).uniform(1, 2, (100, 2))
        >>> neuron = cf.Formula("exp(x1*x2)", ["x1", "x2"])
        >>> print(cf.interpret(neuron, X, evaluations=3000, operators="+ *").formula)
        x1*x2
    """
    settings = checked_settings(arguments_of(locals()), callback, device)
    settings = on_cluster(settings, cluster.client_of(client, X))
    check_gradients_can(settings)
    signed = scalars.flag(signed, "signed")
    symmetries = scalars.flag(symmetries, "symmetries")
    progress = scalars.flag(progress, "progress")
    band, extra_points = checked_points(band, extra_points)
    scalars.choice(missing, "missing", get_args(Missing))
    dispatch.prepare(settings)
    budget = Budget(settings.time, evaluations, callback)
    if is_latent(neuron):
        _check_latent(band, classifier, extra_points, signed)
        return interpret_latent_space(
            model,
            X,
            neuron,
            device=device,
            weights=weights,
            missing=missing,
            settings=settings,
            budget=budget,
            progress=progress,
        )
    nets = _networks(model, cast(Neuron, neuron), classifier, device)
    data, row_weights = neuron_table(nets[0], X, weights, missing)
    table = settings.worded(data.inputs)
    link_quota = budget.quota(LINK)

    budget.tell("gradients")
    searched, choosing, measuring = split(table, row_weights, seed)
    rows = len(searched.X.values), len(choosing.X.values) + len(measuring.X.values)
    told = "given" if row_weights is not None and not isinstance(row_weights, str) else row_weights
    asked = {"band": band, "weights": told, "extra_points": extra_points, "device": device}
    asked |= {"symmetries": symmetries, "signed": signed}
    origin = provenance("T", data, rows, settings, asked)
    neurons = Neurons.of(nets, searched.X, band, threads, seed)
    if neurons.surface is not None and settings.backend != "native":
        raise InputError(
            f"backend: X lies on a surface of {neurons.surface.dimensions} dimensions, along which "
            "only the native backend compares gradients; leave backend out"
        )
    found = neurons.gradients(searched, extra_points, seed)
    gradients = together(found)
    # Too few rows within the band are found before the search is paid for.
    held_out, measured = together(neurons.gradients(choosing)), neurons.gradients(measuring)
    inside = together(measured)
    axes = (
        not signed
        and settings.backend == "native"  # the others know no axes
        and pieces.turns_around(found[0].X, _directions(found[0], signed=False))
    )
    heard = telling.telling("interpret", settings, table, progress, "T")
    with interruption.held(), single_blas_thread(), heard as budget.callback:
        front = _search(
            gradients,
            _directions(gradients, signed=signed, axes=axes),
            settings,
            budget,
            symmetries=symmetries,
        )
        judging = _directions(held_out, signed=signed, axes=axes)
        front = front.with_best(steepest_drop(front, held_out.X, judging))
        extrema, rising = _turning_points(front.best, found[0]) if axes else ((), True)
        axes = bool(extrema)
        sought = _directions(gradients, signed=signed, axes=axes)
        front = _written(front, gradients, sought, settings, single=len(nets) == 1)
        classes = neuron_decision.classes(nets[0], searched.X, threads)
        if classes is not None and not axes:
            front = neuron_decision.with_factor(
                front, searched.X, classes, gradients, sought, settings
            )
        formula = front.best
        if settings.checkpoint is not None:
            settings.checkpoint.conclude(front)
        link = _link(formula, found[0], settings, budget, link_quota, extrema, rising)
        decision = neuron_decision.decision(formula, searched.X, classes, single=not link.extrema)
        there = _directions(inside, signed=not axes, axes=axes)
        errors = gradient_errors(formula, inside.X, there)
        fidelity = _fidelity(neurons, measuring.X, measured, errors, formula, link, decision)
        telling.found("interpret", formula, front.stopped)
        return Interpretation(
            formula=formula,
            front=front,
            link=link,
            threshold=neuron_decision.single(decision),
            level_set=decision,
            fidelity=fidelity,
            verdict=neuron_verdict.judge(
                front, inside.X, there, fidelity, rarer=_rarer(found[0]), noise=neurons.noise
            ),
            symmetries=front.symmetries,
            gradients=gradients,
            network=nets[0].description,
            stopped=front.stopped,
            provenance=origin.ended(budget),
        )


def _written(
    front: Front, gradients: UnitGradients, sought: Directions, settings: Settings, *, single: bool
) -> Front:
    """With the signs of the gradients, and constants of the values of a neuron that has a sign."""
    front = oriented(front, gradients.X, sought, settings)
    if sought.axes:
        return front
    return with_constants(front, gradients, sought, settings, single=single)


def _check_latent(band: float, classifier: bool | None, extra_points: int, signed: bool) -> None:
    """What is said of one neuron alone is not said of several."""
    for name, given in (
        ("band", band != BAND),
        ("classifier", classifier is not None),
        ("extra_points", extra_points != 0),
        ("signed", signed),
    ):
        if given:
            raise InputError(f"{name}: is for one neuron, not for several; leave it out")


def _networks(
    model: object, neuron: Neuron, classifier: bool | None, device: Device
) -> tuple[Network, ...]:
    """One network, or several of the same inputs."""
    models = model if isinstance(model, list) else [model]
    if not models:
        raise InputError("model: is an empty list; give a network, or several")
    nets = []
    for one in models:
        if not isinstance(one, Network):
            nets.append(network(one, neuron=neuron, classifier=classifier, device=device))
            continue
        if neuron is not None or classifier is not None:
            name = "classifier" if neuron is None else "neuron"
            raise InputError(f"{name}: is settled for a Network; give it to cf.network instead")
        nets.append(one)
    first = nets[0]
    for net in nets[1:]:
        if (net.inputs, net.names) != (first.inputs, first.names):
            raise InputError("model: the networks have different inputs; give those of one problem")
    return tuple(nets)


def _directions(gradients: UnitGradients, *, signed: bool, axes: bool = False) -> Directions:
    return Directions(
        gradients.U, gradients.scales, gradients.weights, signed, axes, gradients.tangents
    )


def _search(
    gradients: UnitGradients,
    directions: Directions,
    settings: Settings,
    budget: Budget,
    *,
    symmetries: bool,
) -> Front:
    """The front of what has these gradients."""
    table = Matrix(gradients.X, gradients.names, gradients.labels)
    mine = replace(
        settings,
        time=budget.seconds(1 - LINK),
        evaluations=budget.quota(1 - LINK),
        callback=budget.listener(),
        device=settings.device if not directions.axes and directions.tangents is None else "cpu",
    )
    front = search_directions(table, directions, mine, symmetries=symmetries)
    budget.spend(front.evaluations, front.stopped)
    return front.of_data(table.labels, table.values)


def _link(
    formula: Formula,
    gradients: UnitGradients,
    settings: Settings,
    budget: Budget,
    quota: int | None,
    extrema: tuple[float, ...],
    rising: bool,
) -> MonotoneLink:
    """From the formula's values to the neuron's, on the rows searched."""
    T = formula(gradients.X)
    defined = np.isfinite(T)
    weights = None if gradients.weights is None else gradients.weights[defined]
    mine = replace(
        settings,
        max_size=LINK_SIZE,
        time=budget.seconds(1.0, LINK_SECONDS),
        evaluations=quota,
        callback=budget.listener(lambda progress: replace(progress, phase="link")),
    )
    return monotone_link.fit_link(T[defined], gradients.f[defined], weights, mine, extrema, rising)


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


def _fidelity(
    neurons: Neurons,
    X: Matrix,
    measured: list[UnitGradients],
    errors: Floats,
    formula: Formula,
    link: MonotoneLink,
    decision: tuple[Interval, ...] | None,
) -> Fidelity:
    """On the rows X set aside, of each network `measured` those within the band, with the errors of
    the formula's gradients there."""
    ranks, agreements = [], []
    T = formula._expression.evaluate(X.values)
    for net, own in zip(neurons.nets, measured, strict=True):
        t = formula._expression.evaluate(own.X)
        defined = np.isfinite(t)
        values = link.isotonic(t[defined]) if link.extrema else t[defined]
        ranks.append(monotone_link.rank_correlation(values, own.f[defined]))
        if decision is not None:
            above = net.value(X.values, threads=neurons.threads) > 0
            agreements.append(float(np.mean(pieces.within(T, decision) == above)))
    return Fidelity(
        cosine=1 - float(np.mean(np.minimum(errors, 4.0))) / 2,
        rank_correlation=float(np.mean(ranks)),
        agreement=float(np.mean(agreements)) if agreements else None,
        rows=len(errors),
    )
