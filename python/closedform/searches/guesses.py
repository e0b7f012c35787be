"""Formulas to begin with that are read from the rows at once: what growing and fitting small trees
is slow to find."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator, Sequence
from time import monotonic

import numpy as np

from closedform import _core
from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError
from closedform.formulas.exponential import exponentials
from closedform.formulas.formula import Formula
from closedform.searches import interruption
from closedform.searches.description_length import form_of
from closedform.searches.harmonics import harmonics
from closedform.searches.journal import key_of
from closedform.searches.linked_powers import linked_powers
from closedform.searches.noisy_relations import MOST_WORK as NOISY_WORK
from closedform.searches.noisy_relations import noisy_relations
from closedform.searches.objectives import Values
from closedform.searches.power_pairs import power_pairs
from closedform.searches.relations import MOST_WORK, relations
from closedform.searches.settings import Settings
from closedform.searches.shapes import fitted_shapes
from closedform.tables.checks import Matrix
from closedform.tables.rows import sample_rows

MOST_ROWS = 300
MOST_INPUTS = 5  # of a table; with more, none alone says much
FEWEST_ROWS = 4
WORTH = 0.3  # share of the scatter that a guess may leave before its constants are fitted
KEPT = 8
NODE = 3.0  # nats, about, of a node
EXACT = 1e-12  # share below which what is left is rounding
NEAR = 1e-6  # relative errors of what a relation gives, before its constants are fitted
# Mean square of what rounding leaves, over the target's: at most, and where nothing cancels.
ROUNDING, CERTAIN = 1e-27, 1e-30
MOST_FITS = 10_000  # of sums of terms: some second
EVALUATIONS_A_FIT = 10  # that are given, for each fit of a sum of terms
SMALLEST = 1e-75  # range of an input: its cubes are numbers


def guesses(table: Matrix, objective: Values, settings: Settings, ends: float) -> list[str]:
    """Laws that linear algebra finds where rows have no noise; otherwise relations of few terms,
    sums with functions of one input, and products of powers, with their constants fitted.

    ends: by time.monotonic; what has not been looked at by then is not.

    Returns:
        Texts in the operators allowed, of at most max_size nodes; those that describe the rows
        shortest. Of rows that a search of the same run has asked for they are what it was told.
    """
    if len(objective.y) < FEWEST_ROWS:
        return []
    X, y, weights = _sample(table.values, objective, settings.seed)
    scatter = float(weights @ (y - weights @ y) ** 2)
    spans = np.ptp(X, axis=0)
    if not (scatter > 0 and spans.min() > SMALLEST and np.abs(X).max() < 1 / SMALLEST):
        return []
    asked = (table.names, table.own, table.shifts, settings.operators, settings.max_size)

    def look() -> tuple[list[str], bool]:
        found = _looked(X, y, weights, scatter, table, settings, ends)
        return found, not _over(ends)

    work = _work(max(MOST_WORK, NOISY_WORK), settings)
    return settings.guessed.texts(key_of([X, y, weights], asked), work, look)


def _looked(
    X: Floats,
    y: Floats,
    weights: Floats,
    scatter: float,
    table: Matrix,
    settings: Settings,
    ends: float,
) -> list[str]:
    # Of the user's columns alone: one counted from an origin is a relation of its own.
    own = np.ascontiguousarray(X[:, : table.own])
    names = table.names[: table.own]

    def related() -> tuple[list[str], bool]:
        return _exact(own, y, weights, names, settings, ends), not _over(ends)

    # However rows are weighed, the same relations hold at them.
    asked = key_of([own, y], (names, settings.operators, settings.max_size))
    exact = settings.guessed.texts(asked, _work(MOST_WORK, settings), related)
    # One input's smooth functions are all rational ones to rounding.
    if (exact and table.own > 1) or table.own > MOST_INPUTS:
        return exact
    found = []
    with np.errstate(all="ignore"):
        every = itertools.chain(
            _all(X, y, weights, table, settings.operators, ends),
            _noisy(own, y, weights, scatter, names, settings, ends),
            _sums(X, y, table, settings, ends),
        )
        for share, text in every:
            formula = _allowed(text, table.names, settings) if share <= WORTH else None
            if formula is None or _over(ends):
                continue
            left = max(0.0, ends - monotonic())
            expression, loss = formula._expression.refit(X, y, weights, seconds=left)
            if math.isfinite(loss):
                data = 0.5 * len(y) * math.log(loss + EXACT * scatter)
                length = data + NODE * formula.complexity
                found.append((length, expression.text(list(table.names))))
    return list(dict.fromkeys([*exact, *_different([text for _, text in sorted(found)], table)]))


def _different(texts: Sequence[str], table: Matrix) -> list[str]:
    """The first ones, of each form one: the same law comes out of several relations."""
    forms: dict[tuple[tuple[str, int], ...], str] = {}
    for text in texts:
        forms.setdefault(form_of(Formula(text, table.names)), text)
        if len(forms) == KEPT:
            break
    return list(forms.values())


def _exact(
    X: Floats,
    y: Floats,
    weights: Floats,
    names: Sequence[str],
    settings: Settings,
    ends: float,
) -> list[str]:
    """Laws that a relation of few terms gives, until one leaves rounding alone."""
    positive = [bool(np.all(x > 0)) for x in X.T]
    work = _work(MOST_WORK, settings)
    related = (
        text
        for relation in relations(X, y, work, lambda: _over(ends))
        for text in relation.texts(names, positive)
    )
    found = []
    size = float(weights @ y**2)
    for text in itertools.chain(linked_powers(X, y, names), related):
        if _over(ends):
            break
        formula = _allowed(text, names, settings)
        if formula is None or not np.allclose(formula(X), y, rtol=NEAR, atol=0.0):
            continue
        expression, loss = formula._expression.refit(X, y, weights)
        if loss <= ROUNDING * size:
            found.append(expression.text(list(names)))
        if loss <= CERTAIN * size:
            break
    return found


def _noisy(
    X: Floats,
    y: Floats,
    weights: Floats,
    scatter: float,
    names: Sequence[str],
    settings: Settings,
    ends: float,
) -> Iterator[tuple[float, str]]:
    """Relations that may hold up to noise."""
    work = _work(NOISY_WORK, settings)
    for text in noisy_relations(X, y, weights, names, work, lambda: _over(ends)):
        with contextlib.suppress(InputError):
            yield float(weights @ (y - Formula(text, names)(X)) ** 2) / scatter, text


def _work(most: int, settings: Settings) -> int:
    return most if settings.evaluations is None else min(most, settings.evaluations)


def _over(ends: float) -> bool:
    return monotonic() >= ends or interruption.requested()


def _sample(X: FloatMatrix, objective: Values, seed: int) -> tuple[Floats, Floats, Floats]:
    rows = np.sort(sample_rows(len(objective.y), MOST_ROWS, np.random.default_rng(seed)))
    weights = np.ones(len(rows)) if objective.weights is None else objective.weights[rows]
    used = weights > 0
    rows, weights = rows[used], weights[used] / weights[used].max()
    chosen = np.ascontiguousarray(X[rows], dtype=np.float64)
    return chosen, objective.y[rows], weights / weights.sum()


def _all(
    X: Floats,
    y: Floats,
    weights: Floats,
    table: Matrix,
    operators: Sequence[str],
    ends: float,
) -> Iterator[tuple[float, str]]:
    names, counted = table.names, {shift.column for shift in table.shifts}
    if len(y) < FEWEST_ROWS:
        return
    for j, name in enumerate(names):
        if j in counted:
            continue
        for kind in (fitted_shapes, harmonics, power_pairs):
            if _over(ends):
                return
            for share, text in _solvable(kind(X[:, j], y, weights)):
                yield share, _of_input(text, name)
    if not ((y > 0).all() or (y < 0).all()):
        return
    sign, logarithm = (1.0 if y[0] > 0 else -1.0), np.log(np.abs(y))
    for j, name in enumerate(names):
        if j in counted:
            continue
        if _over(ends):
            return
        for share, text in _solvable(fitted_shapes(X[:, j], logarithm, weights)):
            if share <= WORTH:
                yield from _outer(_of_input(text, name), names, operators, sign)
    yield from _solvable(_powers(X, y, weights, names))


def _sums(
    X: Floats,
    y: Floats,
    table: Matrix,
    settings: Settings,
    ends: float,
) -> Iterator[tuple[float, str]]:
    """Of terms with inner constants; how rows are weighed is for the fits that follow. A column and
    the same counted from an origin are one in a sum."""
    counted = {shift.column for shift in table.shifts}
    used = [j for j in range(len(table.names)) if j not in counted]
    X, names = np.ascontiguousarray(X[:, used]), [table.names[j] for j in used]
    fits = MOST_FITS
    if settings.evaluations is not None:
        fits = min(fits, settings.evaluations // EVALUATIONS_A_FIT)
    seconds = max(0.0, ends - monotonic())
    found = _core.additive_sums(X, y, names, settings.operators, fits, seconds, settings.seed)
    scatter = float(np.var(y))
    for text, loss in found:
        yield loss / scatter, text


def _solvable(found: Iterator[tuple[float, str]]) -> Iterator[tuple[float, str]]:
    """As far as there are solutions: columns of sizes too far apart have none."""
    with contextlib.suppress(np.linalg.LinAlgError):
        yield from found


def _outer(
    text: str, names: Sequence[str], operators: Sequence[str], sign: float
) -> Iterator[tuple[float, str]]:
    """The exponential of what was fitted to the logarithm; what it leaves of the target itself is
    not known before its constants are fitted to that."""
    for outer in exponentials(Formula(text, names), operators):
        yield 0.0, outer if sign > 0 else f"-({outer})"


def _of_input(text: str, name: str) -> str:
    """The text in `x`, of another name."""
    expression = Formula(text, ["x"])._expression
    return expression.text([name])


def _allowed(text: str, names: Sequence[str], settings: Settings) -> Formula | None:
    """Written in the operators allowed; None where it cannot be, or is too large."""
    try:
        formula = Formula(text, names).simplified(settings.operators)
    except InputError:  # longer than an expression can be
        return None
    allowed = set(formula._expression.operators) <= set(settings.operators)
    return formula if allowed and formula.complexity <= settings.max_size else None


def _powers(
    X: Floats, y: Floats, weights: Floats, names: Sequence[str]
) -> Iterator[tuple[float, str]]:
    """c * x1**p1 * x2**p2 * ..., alone and with the exponential of one input, or of its inverse.

    y: all of one sign.
    """
    used = np.flatnonzero((X > 0).all(axis=0) | (X < 0).all(axis=0)).tolist()
    if not used:
        return
    sign = 1.0 if y[0] > 0 else -1.0
    logs = np.log(np.abs(X[:, used]))
    ones = np.ones((len(y), 1))
    with np.errstate(all="ignore"):
        exponents = [(f"{names[j]}", X[:, j]) for j in range(X.shape[1])]
        exponents += [(f"1/{names[j]}", 1.0 / X[:, j]) for j in used]
    scatter = float(weights @ (y - weights @ y) ** 2)
    for text, column in [("", None), *exponents]:
        columns = [ones, logs] if column is None else [ones, logs, column[:, None]]
        design = np.hstack(columns)
        if len(y) <= design.shape[1] + 1 or not np.isfinite(design).all():
            continue
        root = np.sqrt(weights)
        size = np.abs(design).max(axis=0)
        size[size == 0] = 1.0
        solution = (
            np.linalg.lstsq(design / size * root[:, None], np.log(np.abs(y)) * root, rcond=None)[0]
            / size
        )
        with np.errstate(all="ignore"):
            values = sign * np.exp(design @ solution)
            share = float(weights @ (y - values) ** 2) / scatter
        factors = [repr(sign * math.exp(min(solution[0], 700.0)))]
        factors += [
            f"({names[j]})**({p!r})" if X[0, j] > 0 else f"(-{names[j]})**({p!r})"
            for j, p in zip(used, map(float, solution[1:]), strict=False)
        ]
        if text:
            factors.append(f"exp(({float(solution[-1])!r})*({text}))")
        yield share, "*".join(factors)
