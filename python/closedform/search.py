"""Symbolic search for values, gradients or labels, as a Pareto front of size against loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from time import monotonic
from typing import Any

import numpy as np

from closedform import (
    _core,
    _device,
    _inputs,
    backends,
    chunks,
    direction_search,
    margin_search,
)
from closedform._device import Device
from closedform.formula import EXACT, Formula, Front, pareto, scored
from closedform.progress import Callback
from closedform.selection import choose, description_lengths
from closedform.settings import OPERATORS, Settings, checked
from closedform.shorten import shorter
from closedform.targets import Directions, Labels, Values

# Share of the time kept for shortening formulas and choosing the best, and the most of it.
LAST_SHARE = 0.05
LAST_SECONDS = 1.0
# Whoever stopped a search waits no longer than this for them.
INTERRUPTED_SECONDS = 0.5


def search(
    X: object,
    *,
    values: object = None,
    gradients: object = None,
    labels: object = None,
    weights: object = None,
    signed: bool = False,
    symmetries: bool = True,
    operators: Iterable[str] = OPERATORS,
    max_size: int = 30,
    time: float = 60.0,
    evaluations: int | None = None,
    backend: str = "native",
    options: Mapping[str, Any] | None = None,
    threads: int | None = None,
    seed: int = 0,
    device: Device = "cpu",
    callback: Callback | None = None,
) -> Front:
    """Searches expressions of the columns of X for exactly one of values, gradients or labels.

    - `values`: minimises the mean squared error.
    - `gradients`: minimises the mean squared distance |u - v|^2, per row and not per component, of
      the unit gradients u given and v of the expression, under one global sign (Wetzel, arXiv
      2401.04978). Outer monotone functions, scale and offset are free and are left out of the
      formulas, whose sign is that of u. A zero gradient matches a zero one only.
    - `labels`: minimises the mean hinge loss max(0, 1 - t T(x)), t = 1 or -1.

    The search ends at the first of: `time`, `evaluations`, Ctrl-C or a callback that returns True
    (the best so far is kept), or an expression that is exact to rounding and has no smaller equal.
    With `evaluations` and time=math.inf the result depends on the seed alone, for any number of
    threads (on one instruction set).

    Args:
        X: (n, d) array or table; float64 and float32 C-contiguous arrays, in memory or mapped, are
            not copied. Or rows in chunks, as `chunks.rows` takes them.
        values: (n,) numbers to reproduce, or the name of a column of a data set; None for those
            that come with chunks (X, values).
        gradients: (n, d) gradients by the inputs, of any length: only their directions count.
        labels: (n,) of two different values; the larger one is where expressions are to be > 0. Or
            the name of a column of a data set.
        weights: (n,) non-negative weights of the rows, or such a name; None for equal ones.
        signed: with gradients, tells T from -T (the paper's loss): a sign then costs its nodes
            during the search.
        symmetries: with gradients, merges inputs first that the gradients show to matter only
            together (`symmetries.find`); what was merged is in `front.symmetries`.
        operators: names out of + - * / sin cos tan exp log sqrt square cube abs pow tanh inv.
        max_size: most nodes of an expression, 1 to 255; a sign found last may add two with
            gradients.
        time: seconds; math.inf for no limit (then give `evaluations`).
        evaluations: passes of a candidate over the search's sample of at most 512 rows, the unit of
            work that does not depend on the machine.
        backend: "native", or "pysr" for SymbolicRegression.jl, which needs Julia (README).
        options: passed on to the backend; native takes `start` (a Front or formula texts to begin
            with) and `checkpoint` (a path the best front so far is written to, every 5 seconds),
            pysr whatever PySRRegressor takes and the other arguments do not say.
        threads: None for all cores.
        seed: of every random choice.
        device: "cpu"; "cuda", a GPU, for what goes over all rows; or "auto", a GPU where one can be
            used. The GPU computes losses on all rows, of a whole batch of expressions at a time: of
            everything the islands found whenever they exchange it (in the precision of X, and if
            its memory holds the rows) and of what is left at the end (in float64). The evolution
            itself, on samples of at most 8192 rows, and the fits of constants are the CPU's and the
            same; so a GPU is worth it for many rows. Native only.
        callback: called about twice a second with a Progress; returning True ends the search.

    Returns:
        The front. Losses are computed from the formulas' texts on all rows. `front.best` is the
        smallest that is exact; else, for values and labels, it describes the data shortest
        (`selection`), for gradients it is the steepest drop (`gradient_selection`).

    Raises:
        InputError: arguments that cannot be used; the message names the one and says what to do.
    """
    targets = {"values": values, "gradients": gradients, "labels": labels}
    given = [name for name, target in targets.items() if target is not None]
    with_chunks = not given and chunks.is_chunked(X)  # values that come with X
    if len(given) != 1 and not with_chunks:
        raise _inputs.InputError(
            f"values, gradients, labels: {' and '.join(given) or 'none'} given; give exactly one"
        )
    _device.host_only(X, "search")
    settings = checked(
        operators=operators,
        max_size=max_size,
        time=time,
        evaluations=evaluations,
        backend=backend,
        options=options,
        threads=threads,
        seed=seed,
        callback=callback,
        device=device,
    )
    if gradients is not None:
        rows = chunks.rows(X, None, weights)
        units = direction_search.unit_rows(gradients, rows.table)
        backends.prepare(settings)
        front = direction_search.run(
            rows.table,
            Directions(units, None, rows.weights, signed),
            settings,
            symmetries=symmetries,
        )
    elif labels is not None:
        column = labels if isinstance(labels, str) else None
        rows = chunks.rows(X, column, weights, y_name="labels")
        signs = margin_search.signs(rows.y if column else labels, len(rows.table.values))
        backends.prepare(settings)
        front = margin_search.run(rows.table, Labels(signs, rows.weights), settings)
    else:
        rows = chunks.rows(X, values, weights, y_name="values")
        if rows.y is None:
            raise _inputs.InputError(
                "values, gradients, labels: none given, and X brings no values; give exactly one"
            )
        backends.prepare(settings)
        front = run(rows.table, Values(rows.y, rows.weights), settings)
    return front.of_data(rows.table.values)


def run(
    table: _inputs.Matrix, target: Values, settings: Settings, start: Sequence[str] = ()
) -> Front:
    """`search` for values on arguments that have been checked, by an engine that is ready.

    start: formulas to begin with, besides the user's.
    """
    y, weights, time = target.y, target.weights, settings.time
    ends = monotonic() + time
    # Loading it takes a second, which the last stage may not have.
    import_module("sympy")
    searching = max(ends - monotonic(), 0.0) - min(LAST_SHARE * time, LAST_SECONDS)
    entries, reason, passes, seconds = backends.search(
        table.values, table.names, target, replace(settings, time=searching), start
    )
    texts = [text for text, _ in entries]
    threads, on_device = settings.threads or 0, settings.on_device
    found = scored(texts, table.names, table.values, target.goal, threads, on_device)
    exact = EXACT * _inputs.variance(y)
    if reason == "interrupted":
        ends = min(ends, monotonic() + INTERRUPTED_SECONDS)
    try:
        texts = []
        for formula in _by_worth(found, table.values):
            if monotonic() > ends:
                break
            if (text := shorter(formula, settings.operators)) is not None:
                texts.append(text)
        found += scored(texts, table.names, table.values, target.goal, threads, on_device)
        members = pareto(found, exact)
        best = choose(members, table.values, y, weights, settings.seed, ends)
    except KeyboardInterrupt:
        reason = "interrupted"
        members = pareto(found, exact)
        best = choose(members, table.values, y, weights, settings.seed, ends=0.0)
    return Front(members, best=best, stopped=reason, evaluations=passes, seconds=seconds)


def _by_worth(formulas: Sequence[Formula], X: _inputs.FloatMatrix) -> list[Formula]:
    """Those that describe the data shortest first: what time is left is theirs."""
    losses = np.array([formula.loss for formula in formulas])
    order = np.argsort(description_lengths(formulas, losses, X), kind="stable")
    return [formulas[i] for i in order]


def build_info() -> dict[str, str]:
    """Version, compiler, build type and the instruction set in use."""
    return dict(_core.build_info())
