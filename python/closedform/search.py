"""Symbolic search: expressions that reproduce values, as a Pareto front of size against loss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt

from closedform import _core, _inputs
from closedform.backends import native
from closedform.formula import EXACT, Formula, Front, scored
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
    values: object,
    weights: object = None,
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
    """Searches expressions of the columns of X whose values come closest to `values`.

    Minimises the (weighted) mean squared error. The search ends at the first of: `time`,
    `evaluations`, Ctrl-C or a callback that returns True (the best so far is kept), or an
    expression that reproduces the values to rounding and has no smaller equal. With `evaluations`
    and time=math.inf the result depends on the seed alone, for any number of threads (on one
    instruction set).

    Args:
        X: (n, d) array or table; float64 and float32 C-contiguous arrays are not copied.
        values: (n,) numbers to reproduce.
        weights: (n,) non-negative weights of the rows; None for equal ones.
        operators: names out of + - * / sin cos tan exp log sqrt square cube abs pow tanh inv.
        max_size: most nodes of an expression, 1 to 255.
        time: seconds for everything; math.inf for no limit (then give `evaluations`).
        evaluations: passes of a candidate over the search's sample of at most 512 rows, the unit of
            work that does not depend on the machine.
        backend: "native".
        options: passed on to the backend; native takes `start` (a Front or formula texts to begin
            with) and `checkpoint` (a path the best front so far is written to, every 5 seconds).
        threads: None for all cores.
        seed: of every random choice.
        callback: called about twice a second with a Progress; returning True ends the search.

    Returns:
        The front. Losses are computed from the formulas' texts on all rows. `front.best` describes
        the data shortest (`selection.choose`: held-out error against size), or is the smallest that
        is exact.

    Raises:
        InputError: arguments that cannot be used; the message names the one and says what to do.
    """
    table = _inputs.matrix(X)
    y = _inputs.vector(values, len(table.values), name="values")
    row_weights = None if weights is None else _inputs.weights(weights, len(y))
    chosen = checked_operators(operators)
    check_budget(max_size, time, evaluations, threads, seed)
    if backend != "native":
        raise _inputs.InputError(f"backend: {backend!r} is unknown; use 'native'")
    return run(
        table,
        y,
        row_weights,
        operators=chosen,
        max_size=max_size,
        time=float(time),
        evaluations=evaluations,
        options=options,
        threads=threads,
        seed=seed,
        callback=callback,
    )


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
    """`search` on arguments that have been checked.

    good_enough: loss at which to stop ("good enough"); 0 for none.
    """
    ends = monotonic() + time
    # Loading it takes a second, which the last stage may not have.
    import_module("sympy")
    entries, reason, passes, seconds = native.search(
        table.values,
        y,
        weights,
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


def pareto(formulas: Iterable[Formula], exact: float = 0.0) -> list[Formula]:
    """Those no smaller formula is as good as, by size. Losses up to `exact` count as equal."""
    kept: list[Formula] = []
    for formula in sorted(formulas, key=lambda f: (f.complexity, f.loss)):
        if math.isfinite(formula.loss) and (
            not kept or max(formula.loss, exact) < max(kept[-1].loss, exact)
        ):
            kept.append(formula)
    return kept


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
