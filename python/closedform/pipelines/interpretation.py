"""From a trained network to the formula of a neuron: unit gradients, search, link, threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args, overload

from closedform._choices import Device, Missing
from closedform.errors import InputError
from closedform.neurons.adapters.neuron import Neuron
from closedform.neurons.latent_space import Latent, is_latent
from closedform.neurons.network import Network, network
from closedform.neurons.unit_gradients import checked_points
from closedform.pipelines.latent_space import LatentSpace, interpret_latent_space
from closedform.pipelines.neuron_rows import Neurons, split
from closedform.pipelines.neuron_stages import NeuronStages
from closedform.pipelines.neuron_table import neuron_table
from closedform.pipelines.provenance import provenance
from closedform.pipelines.results import Interpretation
from closedform.searches import interruption, telling
from closedform.searches.backends import dispatch
from closedform.searches.blas_threads import single_blas_thread
from closedform.searches.budget import Budget
from closedform.searches.progress import Callback
from closedform.searches.settings import (
    Operators,
    Start,
    arguments_of,
    check_gradients_can,
    checked_settings,
    on_cluster,
)
from closedform.tables import cluster, scalars

OPERATORS = ("+", "-", "*", "/", "sin", "exp")
BAND = 1e-4  # of probabilities; within it a sigmoid has trained a gradient


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
    budget.tell("gradients")
    searched, choosing, measuring = split(table, row_weights, seed)
    rows = len(searched.X.values), len(choosing.X.values) + len(measuring.X.values)
    told = "given" if row_weights is not None and not isinstance(row_weights, str) else row_weights
    asked = {"band": band, "weights": told, "extra_points": extra_points, "device": device}
    asked |= {"symmetries": symmetries, "signed": signed}
    origin = provenance("T", data, rows, settings, asked)
    run = NeuronStages(
        neurons=Neurons.of(nets, searched.X, band, threads, seed),
        searched=searched,
        choosing=choosing,
        measuring=measuring,
        settings=settings,
        budget=budget,
        signed=signed,
        symmetries=symmetries,
        extra_points=extra_points,
    )
    heard = telling.telling("interpret", settings, table, progress, "T")
    with interruption.held(), single_blas_thread(), heard as budget.callback:
        found = run.interpretation(origin)
    telling.found("interpret", found.formula, found.stopped)
    return found


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
