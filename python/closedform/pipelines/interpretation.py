"""From a trained network to the formula of a neuron: unit gradients, search, link, threshold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.neurons.adapters.neuron import Neuron
from closedform.neurons.network import Network, network
from closedform.neurons.unit_gradients import (
    UnitGradients,
    checked_points,
    points,
    unit_gradients,
)
from closedform.pipelines import monotone_link
from closedform.pipelines.monotone_link import MonotoneLink
from closedform.pipelines.provenance import provenance
from closedform.pipelines.results import Fidelity, Interpretation
from closedform.searches import interruption, telling
from closedform.searches.backends import dispatch
from closedform.searches.budget import Budget
from closedform.searches.directions import search_directions, unit_rows
from closedform.searches.objectives import Directions
from closedform.searches.progress import Callback
from closedform.searches.settings import (
    Settings,
    arguments_of,
    check_gradients_can,
    checked_settings,
)
from closedform.searches.steepest_drop import gradient_errors, steepest_drop
from closedform.tables import checks, chunks, devices, scalars
from closedform.tables.checks import Matrix
from closedform.tables.chunks import Data, Missing
from closedform.tables.devices import Device
from closedform.tables.rows import sample_rows

OPERATORS = ("+", "-", "*", "/", "sin", "exp")
# Shares of the rows that choose the formula, and that measure it; neither is searched or fitted to.
CHOOSING, MEASURING = 0.1, 0.1
LINK = 0.1  # of the time and the evaluations, the search being given the rest
LINK_SECONDS, LINK_SIZE = 3.0, 15
FEWEST_ROWS = 50
MOST_ROWS = 200_000  # gradients of all of them are kept; more add time, not certainty


def interpret(
    model: object,
    X: object,
    *,
    neuron: Neuron = None,
    device: Device = "cpu",
    band: float = 1e-4,
    weights: object = None,
    missing: Missing = "error",
    extra_points: int = 0,
    symmetries: bool = True,
    time: float = 60.0,
    evaluations: int | None = None,
    operators: Iterable[str] = OPERATORS,
    max_size: int = 30,
    signed: bool = False,
    backend: str = "native",
    options: Mapping[str, Any] | None = None,
    threads: int | None = None,
    seed: int = 0,
    callback: Callback | None = None,
    progress: bool = True,
) -> Interpretation:
    """Finds the closed form of what a neuron computes, and the monotone function that hides it.

    The neuron's gradients by the inputs are normalised at every row where a classifier is not
    saturated; formulas are searched whose normalised gradients are the same (Wetzel, arXiv
    2401.04978). Of the front, the formula at its steepest drop is chosen on rows set aside for that
    (`steepest_drop`). Then the monotone link from its values to the neuron's and, for a
    classifier, the threshold are fitted, and other rows set aside measure all of it.

    Args:
        model: anything `cf.network` takes, or a `Network`.
        X: (n, d) array or table of the network's inputs, such as the rows it was trained on, or
            chunks of them (`chunks.gather`). Of more than 200,000, as many are drawn.
        neuron: as in `cf.network`.
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
        operators, max_size, signed, backend, options, threads, seed: as in `search`.
        callback: called with a Progress; returning True ends the search, the best so far is kept.
        progress: whether a terminal (standard error) or a notebook shows how far it is.

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
    devices.host_only(X, "interpret")
    settings = checked_settings(arguments_of(locals()), callback, device)
    check_gradients_can(settings)
    signed = scalars.flag(signed, "signed")
    symmetries = scalars.flag(symmetries, "symmetries")
    progress = scalars.flag(progress, "progress")
    band, extra_points = checked_points(band, extra_points)
    scalars.choice(missing, "missing", get_args(Missing))
    dispatch.prepare(settings)
    budget = Budget(settings.time, evaluations, callback)
    net = model if isinstance(model, Network) else network(model, neuron=neuron, device=device)
    data, row_weights = _table(net, X, weights, missing)
    table = data.inputs
    link_quota = budget.quota(LINK)

    budget.tell("gradients")
    searched, choosing, measuring = _split(table, row_weights, seed)
    rows = len(searched.X.values), len(choosing.X.values) + len(measuring.X.values)
    told = "given" if row_weights is not None and not isinstance(row_weights, str) else row_weights
    asked = {"band": band, "weights": told, "extra_points": extra_points, "device": device}
    asked |= {"symmetries": symmetries, "signed": signed}
    origin = provenance("T", data, rows, settings, asked)
    gradients = unit_gradients(
        net,
        searched.X,
        band=band,
        weights=searched.weights,
        extra_points=extra_points,
        threads=threads,
        seed=seed,
    )
    heard = telling.telling("interpret", settings, table, progress, "T")
    with interruption.held(), heard as budget.callback:
        front = _search(gradients, settings, budget, signed=signed, symmetries=symmetries)
        held_out = unit_gradients(
            net, choosing.X, band=band, weights=choosing.weights, threads=threads
        )
        best = steepest_drop(front, held_out.X, held_out.U, held_out.weights)
        front, formula = front.with_best(best), front[best]
        if settings.checkpoint is not None:
            settings.checkpoint.conclude(front)
        link = _link(formula, gradients, settings, budget, link_quota)
        threshold = _threshold(formula, net, searched.X, threads)
        telling.found("interpret", formula, front.stopped)
        return Interpretation(
            formula=formula,
            front=front,
            link=link,
            threshold=threshold,
            fidelity=_fidelity(net, measuring, band, formula, threshold, threads),
            symmetries=front.symmetries,
            gradients=gradients,
            network=net.description,
            stopped=front.stopped,
            provenance=origin.ended(budget),
        )


def _table(
    net: Network, X: object, weights: object, missing: Missing
) -> tuple[Data, Floats | str | None]:
    """The rows as the network takes them, and their weights, checked."""
    boundary = isinstance(weights, str) and weights == "boundary"
    dropped = 0
    if missing == "drop" or chunks.is_chunked(X):
        data = chunks.gather(X, None, None if boundary else weights, missing=missing)
        X, weights, dropped = data.inputs, weights if boundary else data.weights, data.dropped
    table = points(net, X)
    _check(table)
    found = Data(table, None, None, dropped=dropped)
    if weights is None or isinstance(weights, str):
        return found, weights
    return found, checks.weights(weights, len(table.values))


def _search(
    gradients: UnitGradients, settings: Settings, budget: Budget, *, signed: bool, symmetries: bool
) -> Front:
    """The front of what has these gradients."""
    table = Matrix(gradients.X, gradients.names, gradients.labels)
    mine = replace(
        settings,
        time=budget.seconds(1 - LINK),
        evaluations=budget.quota(1 - LINK),
        callback=budget.listener(),
    )
    directions = Directions(unit_rows(gradients.U, table), None, gradients.weights, signed)
    front = search_directions(table, directions, mine, symmetries=symmetries)
    budget.spend(front.evaluations, front.stopped)
    return front.of_data(table.labels, table.values)


def _link(
    formula: Formula,
    gradients: UnitGradients,
    settings: Settings,
    budget: Budget,
    quota: int | None,
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
    return monotone_link.fit_link(T[defined], gradients.f[defined], weights, mine)


def _threshold(formula: Formula, net: Network, X: Matrix, threads: int | None) -> float | None:
    """The formula's value that parts a classifier's classes; None where it is no classifier."""
    if net.probability(X.values[:1]) is None:
        return None
    T = formula._expression.evaluate(X.values)
    defined = np.isfinite(T)
    above = net.value(X.values, threads=threads) > 0
    return monotone_link.threshold(T[defined], above[defined])


@dataclass(frozen=True)
class _Part:
    """Some of the rows of X, with what weighs them."""

    X: Matrix
    weights: Floats | str | None


def _split(table: Matrix, weights: Floats | str | None, seed: int) -> tuple[_Part, _Part, _Part]:
    """Rows to search, to choose the formula by, and to measure it on; MOST_ROWS in all."""
    order = sample_rows(len(table.values), MOST_ROWS, np.random.default_rng(seed))
    rows = len(order)
    choosing, measuring = round(CHOOSING * rows), round(MEASURING * rows)
    first, second, rest = np.split(order, [choosing, choosing + measuring])

    def part(chosen: npt.NDArray[np.intp]) -> _Part:
        chosen = np.sort(chosen)
        values = np.ascontiguousarray(table.values[chosen], dtype=np.float64)
        mine = weights if weights is None or isinstance(weights, str) else weights[chosen]
        return _Part(Matrix(values, table.names), mine)

    return part(rest), part(first), part(second)


def _fidelity(
    net: Network,
    part: _Part,
    band: float,
    formula: Formula,
    threshold: float | None,
    threads: int | None,
) -> Fidelity:
    inside = unit_gradients(net, part.X, band=band, threads=threads)
    errors = np.minimum(gradient_errors(formula, inside.X, inside.U), 4.0)
    T = formula._expression.evaluate(inside.X)
    defined = np.isfinite(T)
    agreement = None
    if threshold is not None:
        above = (
            formula._expression.evaluate(part.X.values) > threshold
        )  # false where the formula is not defined
        agreement = float(np.mean(above == (net.value(part.X.values, threads=threads) > 0)))
    return Fidelity(
        cosine=1 - float(np.mean(errors)) / 2,
        rank_correlation=monotone_link.rank_correlation(T[defined], inside.f[defined]),
        agreement=agreement,
        rows=len(T),
    )


def _check(table: Matrix) -> None:
    if table.values.shape[1] == 1:
        raise InputError(
            "model: has one input, so its unit gradient says nothing; search its values instead: "
            "cf.search(X, values=cf.network(model).value(X))"
        )
    if len(table.values) < FEWEST_ROWS:
        raise InputError(
            f"X: has too few rows ({len(table.values)}); at least {FEWEST_ROWS} are needed: "
            f"{CHOOSING:.0%} choose the formula and {MEASURING:.0%} measure it"
        )
