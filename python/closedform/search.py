"""Symbolic search for values, gradients or labels, as a Pareto front of size against loss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt

from closedform import _core, _inputs, direction_search, margin_search
from closedform.backends import native
from closedform.formula import EXACT, Formula, Front, pareto, scored
from closedform.progress import Callback
from closedform.selection import choose, description_lengths
from closedform.shorten import shorter

OPERATORS = ("+", "-", "*", "/", "sin", "cos", "exp", "log", "sqrt", "square")
KNOWN_OPERATORS = frozenset("+ - * / sin cos tan exp log sqrt square cube abs pow tanh inv".split())
LARGEST_SIZE = 255  # nodes of a tape, cpp/include/closedform/expression.hpp

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
        X: (n, d) array or table; float64 and float32 C-contiguous arrays are not copied.
        values: (n,) numbers to reproduce.
        gradients: (n, d) gradients by the inputs, of any length: only their directions count.
        labels: (n,) of two different values; the larger one is where expressions are to be > 0.
        weights: (n,) non-negative weights of the rows; None for equal ones.
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
        backend: "native".
        options: passed on to the backend; native takes `start` (a Front or formula texts to begin
            with) and `checkpoint` (a path the best front so far is written to, every 5 seconds).
        threads: None for all cores.
        seed: of every random choice.
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
    if len(given) != 1:
        raise _inputs.InputError(
            f"values, gradients, labels: {' and '.join(given) or 'none'} given; give exactly one"
        )
    table = _inputs.matrix(X)
    rows = len(table.values)
    row_weights = None if weights is None else _inputs.weights(weights, rows)
    chosen = checked_operators(operators)
    check_budget(max_size, time, evaluations, threads, seed)
    if backend != "native":
        raise _inputs.InputError(f"backend: {backend!r} is unknown; use 'native'")
    settings: dict[str, Any] = {
        "operators": chosen,
        "max_size": max_size,
        "time": float(time),
        "evaluations": evaluations,
        "options": options,
        "threads": threads,
        "seed": seed,
        "callback": callback,
    }
    if gradients is not None:
        units = direction_search.unit_rows(gradients, table)
        return direction_search.run(
            table, units, row_weights, signed=signed, symmetries=symmetries, **settings
        )
    if labels is not None:
        return margin_search.run(table, margin_search.signs(labels, rows), row_weights, **settings)
    y = _inputs.vector(values, rows, name="values")
    return run(table, y, row_weights, **settings)


def run(
    table: _inputs.Matrix,
    y: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64] | None,
    *,
    operators: tuple[str, ...],
    max_size: int,
    time: float,
    evaluations: int | None,
    options: Mapping[str, Any] | None,
    threads: int | None,
    seed: int,
    callback: Callback | None,
    good_enough: float = 0.0,
) -> Front:
    """`search` for values on arguments that have been checked.

    good_enough: loss at which to stop ("good enough"); 0 for none.
    """
    ends = monotonic() + time
    # Loading it takes a second, which the last stage may not have.
    import_module("sympy")
    entries, reason, passes, seconds = native.search(
        table.values,
        _core.Goal.values(y, weights),
        values=(y, weights),
        names=table.names,
        operators=operators,
        max_size=max_size,
        time=max(ends - monotonic(), 0.0) - min(LAST_SHARE * time, LAST_SECONDS),
        evaluations=evaluations,
        threads=threads,
        seed=seed,
        options=options,
        callback=callback,
        good_enough=good_enough,
    )
    found = [scored(text, table.names, table.values, y, weights) for text, _ in entries]
    if reason == "interrupted":
        ends = min(ends, monotonic() + INTERRUPTED_SECONDS)
    try:
        for formula in _by_worth(found, table.values):
            if monotonic() > ends:
                break
            if (text := shorter(formula, operators)) is not None:
                found.append(scored(text, table.names, table.values, y, weights))
        members = pareto(found, EXACT * float(np.var(y)))
        best = choose(members, table.values, y, weights, seed, ends)
    except KeyboardInterrupt:
        reason = "interrupted"
        members = pareto(found, EXACT * float(np.var(y)))
        best = choose(members, table.values, y, weights, seed, ends=0.0)
    return Front(members, best=best, stopped=reason, evaluations=passes, seconds=seconds)


def _by_worth(formulas: Sequence[Formula], X: _inputs.FloatMatrix) -> list[Formula]:
    """Those that describe the data shortest first: what time is left is theirs."""
    losses = np.array([formula.loss for formula in formulas])
    order = np.argsort(description_lengths(formulas, losses, X), kind="stable")
    return [formulas[i] for i in order]


def checked_operators(operators: Iterable[str]) -> tuple[str, ...]:
    """Operators without repeats, in the order given.

    Raises:
        InputError: an unknown name, or none at all.
    """
    if isinstance(operators, str):
        operators = operators.replace(",", " ").split()
    chosen = tuple(dict.fromkeys(operators))
    for name in chosen:
        if name not in KNOWN_OPERATORS:
            raise _inputs.InputError(
                f"operators: {name!r} is unknown; known are {' '.join(sorted(KNOWN_OPERATORS))}"
            )
    if not chosen:
        raise _inputs.InputError("operators: none given; give at least one, such as + or *")
    return chosen


def check_budget(
    max_size: int, time: float, evaluations: int | None, threads: int | None, seed: int
) -> None:
    """Refuses sizes, budgets, thread counts and seeds that make no sense.

    Raises:
        InputError: names the argument.
    """
    if not 1 <= max_size <= LARGEST_SIZE:
        raise _inputs.InputError(f"max_size: {max_size} is out of range; give 1 to {LARGEST_SIZE}")
    if not time > 0:
        raise _inputs.InputError(f"time: {time} is not positive; give seconds, or math.inf")
    if evaluations is None and math.isinf(time):
        raise _inputs.InputError("time: no limit and no evaluations given; give one of them")
    if evaluations is not None and evaluations < 1:
        raise _inputs.InputError(f"evaluations: {evaluations} is not positive; give at least 1")
    if threads is not None and threads < 1:
        raise _inputs.InputError(f"threads: {threads} is not positive; give None for all cores")
    if not 0 <= seed < 2**64:
        raise _inputs.InputError(f"seed: {seed} is out of range; give 0 to 2**64 - 1")


def build_info() -> dict[str, str]:
    """Version, compiler, build type and the instruction set in use."""
    return dict(_core.build_info())
