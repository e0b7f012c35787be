"""Columns far from zero for their spread, such as years: counted from a round number within, too.

In years a parabola is a difference of numbers a thousand times as large, and a phase is that of the
year 0. So a search has `year - 1980` as one more input beside `year`, as one symbol that costs what
an input costs, for the origin is read from the column and not fitted. What it finds is written in
the user's columns, where that input takes the three nodes that it is, in `complexity` and for
`max_size` alike.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from closedform._typing import FloatMatrix
from closedform.formulas.constants import Constants
from closedform.formulas.form import MARK
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front, pareto
from closedform.searches.settings import LARGEST_SIZE, Settings
from closedform.tables.checks import Matrix, Shift
from closedform.tables.names import variable_names
from closedform.tables.rows import row_blocks
from closedform.tables.spool import Spool, map_of

FAR = 10.0  # ranges from zero
ROUND = (5, 2, 1)  # times powers of ten
_NUMBER = r"[0-9.]+(?:e[+-]?[0-9]+)?"
NODES = 2  # of the difference and the origin, beside the input's own


def with_origins(table: Matrix, settings: Settings) -> Matrix:
    """The table with one more column for each that is far from zero, counted from its origin.

    The rows are copied then, mapped ones into a temporary file. No columns are added where the
    operators allow no difference, nor where rules, or options of another engine, speak of the
    columns as they are.
    """
    as_they_are = settings.backend != "native"
    as_they_are = as_they_are or settings.rules is not None or settings.words is not None
    if as_they_are or settings.max_size <= NODES:
        return table
    shifts = tuple(
        Shift(j, origin)
        for j, origin in enumerate(_origins(table.values))
        if origin and ("-" if origin > 0 else "+") in settings.operators
    )
    if not shifts:
        return table
    names = [f"{table.names[shift.column]}_from_origin" for shift in shifts]
    return Matrix(
        _beside(table.values, shifts),
        variable_names([*table.names, *names]),
        shifts=shifts,
    )


def _origins(X: FloatMatrix) -> list[float]:
    """Of every column, 0 for none."""
    low = np.full(X.shape[1], np.inf)
    high = -low
    for _, block in row_blocks(X):
        low = np.minimum(low, block.min(axis=0))
        high = np.maximum(high, block.max(axis=0))
    return [_origin(float(a), float(b)) for a, b in zip(low, high, strict=True)]


def _origin(low: float, high: float) -> float:
    """The roundest number in the middle half of a range that is far from zero; 0 for others."""
    span = high - low
    if not (span > 0 and min(abs(low), abs(high)) > FAR * span and low * high > 0):
        return 0.0
    middle = low + 0.5 * span
    lead = math.floor(math.log10(max(abs(low), abs(high))))
    for power in range(lead, lead - 17, -1):
        for digit in ROUND:
            # Of whole numbers where it is one, so that 1980 is not 1980.0000000000002.
            near = round(middle / (digit * 10.0**power)) * digit
            origin = float(near * 10**power if power >= 0 else near / 10**-power)
            if abs(origin - middle) <= 0.25 * span:
                return origin
    return 0.0


def _beside(X: FloatMatrix, shifts: Sequence[Shift]) -> FloatMatrix:
    """(n, d + shifts), in the precision of X."""
    columns = [shift.column for shift in shifts]
    origins = np.array([shift.origin for shift in shifts])

    def wide(block: FloatMatrix) -> FloatMatrix:
        return np.column_stack([block, (block[:, columns] - origins).astype(block.dtype)])

    if map_of(X) is None:
        return wide(X)
    spool = Spool(np.empty((0, X.shape[1] + len(shifts)), X.dtype))
    for _, block in row_blocks(X):
        spool.add(wide(block), "X")
    mapped: FloatMatrix = spool.mapped()
    return mapped


def written_size(formula: Formula, own: int) -> int:
    """Nodes of a formula of such a table's columns in those of the user, `own` many."""
    if len(formula.names) == own:
        return formula.complexity
    nodes = formula._expression.nodes
    shifted = sum(name == "variable" and column >= own for name, column, _ in nodes)
    return formula.complexity + NODES * shifted


def written(formula: Formula, table: Matrix) -> Formula:
    """A formula of the table's columns in those of the user, its constants with their errors; an
    origin is a fixed one."""
    if not table.shifts:
        return formula
    own = table.names[: table.own]
    names = [*own, *(_text(own[shift.column], shift.origin) for shift in table.shifts)]
    known = list(formula.constants)
    marked = formula._expression.with_constants(
        [math.copysign(MARK + 0.25 + k, constant.value) for k, constant in enumerate(known)]
    )
    result = Formula(formula._expression.text(names), own, formula.loss)
    # No whole or half numbers: as exponents these are no constants.
    marks = np.abs(Formula(marked.text(names), own)._expression.constants) - MARK - 0.25
    if len(marks) != len(result.constants):  # read as fewer: which is whose is not known
        return result
    places = [i for i, mark in enumerate(marks) if 0 <= mark < len(known)]
    covariance = np.zeros((len(marks), len(marks)))
    covariance[np.ix_(places, places)] = formula.constants.covariance
    fixed = [True] * len(marks)
    for place, constant in zip(places, known, strict=True):
        fixed[place] = constant.fixed
    freedom = known[0].freedom if known else math.inf
    result.constants = Constants(result._expression.constants, covariance, fixed, freedom)
    return result


def _text(name: str, origin: float) -> str:
    return f"({name} - {origin!r})" if origin > 0 else f"({name} + {-origin!r})"


def folded(text: str, names: Sequence[str], shifts: Sequence[Shift]) -> str:
    """With one constant where the text adds one to a counted column: `year - 1935.5` for
    `(year - 1980) + 44.5`."""
    for name, shift in zip(names[len(names) - len(shifts) :], shifts, strict=True):
        # A term of its own, and a number that is no factor.
        pattern = rf"(?<![^( ])(?<!- ){name} ([+-]) ({_NUMBER})(?=$|\)| )"
        column = names[shift.column]

        def one(match: re.Match[str], shift: Shift = shift, column: str = column) -> str:
            added = float(match[1] + match[2]) - shift.origin
            return f"{column} {'+' if added > 0 else '-'} {abs(added)!r}"

        text = re.sub(pattern, one, text)
    return text


def in_own_columns(texts: Sequence[str], table: Matrix, operators: Sequence[str]) -> list[str]:
    """The formulas among the texts that have counted columns, written without them and reduced:
    `3*year` for `3*year_from_origin + 5940`."""
    if not table.shifts:
        return []
    found = []
    for text in texts:
        formula = Formula(text, table.names)
        if formula.complexity < written_size(formula, table.own) <= LARGEST_SIZE:
            plain = written(formula, table).simplified(operators)
            found.append(plain.text)
    return found


def written_front(front: Front, table: Matrix) -> Front:
    """A front of the table's columns in those of the user; what is larger there than another that
    is as good is left out, the best and its rivals are not."""
    if not table.shifts:
        return front
    formulas = [written(formula, table) for formula in front]
    best, rivals = front.index(front.best), [front.index(rival) for rival in front.rivals]
    told = [formulas[i] for i in (best, *rivals)]
    kept = sorted(
        dict.fromkeys([*pareto(formulas), *told]), key=lambda one: (one.complexity, one.loss)
    )
    places = [kept.index(one) for one in told]
    return Front(
        kept,
        best=places[0],
        rivals=places[1:],
        stopped=front.stopped,
        evaluations=front.evaluations,
        seconds=front.seconds,
    )
