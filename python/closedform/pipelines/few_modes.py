"""Sums of a few products: an input whose functions are two or three, whatever the other inputs are.

With one input along the rows of a matrix and the others along its columns, a function of few modes,
f(x, z) = sum_k g_k(x) h_k(z), is a matrix of low rank: the sums of products that the surrogate is
made of. The matrix tells what its g_k span, not which they are: they are the simplest functions
there. Once some are known, the h_k are theirs by least squares.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from closedform._typing import Floats
from closedform.formulas.formula import Formula
from closedform.pipelines import parts
from closedform.pipelines.fewer_variables import FewerVariables
from closedform.pipelines.stages import Stages
from closedform.searches.objectives import Values
from closedform.surrogates.model import Surrogate
from closedform.surrogates.transforms import TRANSFORMS
from closedform.tables.checks import Matrix
from closedform.tables.rows import sample_rows

SHARE = 0.03  # of the time (or evaluations), for every function
NODES, COLUMNS = 100, 300  # of the matrix
MOST_MODES = 3
MOST_INPUTS = 10
MOST_SIDES = 2  # inputs that are tried
MOST_CHOICES = 4  # of every h_k
MOST_WHOLES = 24
CLEAR, NONE = 10.0, 2.0  # modes over what the surrogate's error may make; between, nothing is known
LINEAR = 1e-6  # relative, what is no more than rounding in a slope


@dataclass(frozen=True)
class Side:
    """One input against the others.

    Attributes:
        input: its column.
        nodes: (m,) values of it.
        rows: (n, d - 1) those of the others.
        matrix: (m, n) of the function.
        modes: (m, r) orthonormal, of its columns; the least is the last.
        error: of the last one, that of the surrogate.
        error_of_one: of the matrix's entries.
    """

    input: int
    nodes: Floats
    rows: Floats
    matrix: Floats
    modes: Floats
    error: float
    error_of_one: float


@dataclass
class FewModes:
    """Searches for such sums.

    Attributes:
        stages: of the pipeline that it is part of.
        surrogate: of the rows searched.
    """

    stages: Stages
    surrogate: Surrogate

    def __post_init__(self) -> None:
        self.fewer = FewerVariables(self.stages)

    def formulas(self) -> list[Formula]:
        """None where every input has one function, or many, and of more inputs than a few."""
        found: list[Formula] = []
        for side in self._sides()[:MOST_SIDES]:
            if any(map(self.stages.objective.reproduced, found)) or self.stages.done(None):
                break
            own = self._own_functions(side)
            texts = self._wholes(side, own) if own else []
            found += self.fewer.refitted(self.fewer.short(texts), TRANSFORMS["identity"])
        return found

    def _sides(self) -> list[Side]:
        """Inputs with a few functions, fewest first."""
        X, y, _ = self.stages.few(self.stages.objective)
        if X.shape[1] > MOST_INPUTS:
            return []
        rng = np.random.default_rng(self.stages.settings.seed)
        rows = X[sample_rows(len(X), COLUMNS, rng)]
        error_of_one = self.surrogate.held_out_error * float(np.std(y))
        error = error_of_one * math.sqrt(NODES * len(rows))
        sides = []
        for j in range(X.shape[1]):
            nodes = np.linspace(X[:, j].min(), X[:, j].max(), NODES)
            every = np.repeat(rows[None], NODES, axis=0)
            every[:, :, j] = nodes[:, None]
            matrix = self.surrogate.predict(every.reshape(-1, X.shape[1])).reshape(NODES, -1)
            if not np.isfinite(matrix).all():
                continue
            modes, sizes, _ = np.linalg.svd(matrix, full_matrices=False)
            count = int(np.sum(sizes > CLEAR * error))
            if 1 < count <= MOST_MODES and np.all(sizes[count:] <= NONE * error):
                others = np.ascontiguousarray(np.delete(rows, j, axis=1))
                of_last = error / float(sizes[count - 1])
                few = modes[:, :count]
                sides.append(Side(j, nodes, others, matrix, few, of_last, error_of_one))
        return sorted(sides, key=lambda side: side.modes.shape[1])

    def _own_functions(self, side: Side) -> list[Formula]:
        """Simple functions of the input that span what its modes do; none where one is missing."""
        nodes = side.nodes[:, None]
        alone = self._worded(Matrix(nodes, (self.stages.names[side.input],)))
        known: list[Formula] = []
        one = np.full(NODES, 1.0 / math.sqrt(NODES))
        if np.linalg.norm(one - side.modes @ (side.modes.T @ one)) <= side.error:
            known.append(Formula("1.0", alone.names))
        while len(known) < side.modes.shape[1]:
            functions = np.column_stack([function(nodes) for function in known] or [nodes[:, :0]])
            if not np.isfinite(functions).all():
                return []
            # Of the modes what is not in the span of the known ones; the least certain is the last.
            basis, _ = np.linalg.qr(np.column_stack([functions, side.modes]))
            left = basis[:, len(known) : side.modes.shape[1]]
            function = self._simplest(alone, side.error, functions, left)
            if function is None:
                return []
            known.append(function)
        return known

    def _simplest(self, alone: Matrix, error: float, known: Floats, left: Floats) -> Formula | None:
        """The smallest function of the input that is, up to an error, the last of the columns left
        but for multiples of the others and of the known ones."""
        # Not those that sums have anyway: a constant, and the input times one.
        nodes, name = np.asarray(alone.values, dtype=np.float64), alone.names[0]
        plain = np.column_stack([np.ones(NODES), nodes])
        rest = known - plain @ (np.linalg.pinv(plain) @ known)
        needed = np.linalg.norm(rest, axis=0) > error * np.linalg.norm(known, axis=0)
        given = np.column_stack([known[:, needed], left[:, :-1]])
        others = tuple(f"{name}_given{k + 1}" for k in range(given.shape[1]))
        table = Matrix(np.ascontiguousarray(np.column_stack([nodes, given])), (name, *others))
        front = self._search(table, left[:, -1])
        near = NODES * min((formula.loss for formula in front), default=0.0)
        for formula in front:
            if NODES * formula.loss > max(near, error**2):
                continue
            slopes = formula.gradient(table.values)[:, 1:]
            size = np.abs(slopes).max(axis=0, initial=0.0)
            if np.all(np.ptp(slopes, axis=0) <= LINEAR * size):
                text = formula._expression.text([name, *("0.0" for _ in others)])
                own = Formula(text, alone.names).simplified(self.stages.settings.every_operator)
                return own if own.inputs else None
        return None

    def _worded(self, table: Matrix) -> Matrix:
        return self.stages.settings.of_other_columns().worded(table)

    def _search(self, table: Matrix, target: Floats) -> list[Formula]:
        settings = self.stages.settings.of_other_columns()
        return self.stages.formulas(
            f"search {', '.join(table.names)}",
            SHARE,
            self._worded(table),
            Values(np.ascontiguousarray(target), None),
            settings,
        )

    def _choices(self, table: Matrix, target: Floats, error: float) -> list[Formula]:
        """Formulas of a target, known up to an error, that are worth trying."""
        front = self._search(table, target)
        scatter = float(np.std(target))
        if not front or not scatter > 0.0:
            return front[:1]
        least = math.sqrt(min(formula.loss for formula in front))
        return parts.candidates(front, scatter, max(least, error) / scatter)[:MOST_CHOICES]

    def _wholes(self, side: Side, own: Sequence[Formula]) -> list[str]:
        """Sums of products of the input's functions and of what is found beside each."""
        functions = np.column_stack([function(side.nodes[:, None]) for function in own])
        inverse = np.linalg.pinv(functions)
        # What an error of the surrogate that is the same along all nodes may make of each.
        errors = side.error_of_one * np.abs(inverse).sum(axis=1)
        names = tuple(name for j, name in enumerate(self.stages.names) if j != side.input)
        table = Matrix(side.rows, names)
        beside = zip(inverse @ side.matrix, errors.tolist(), strict=True)
        choices = [self._choices(table, target, error) for target, error in beside]
        picks = itertools.product(*(range(len(some)) for some in choices))
        return [
            " + ".join(
                f"({g.text})*({some[k].text})"
                for g, some, k in zip(own, choices, pick, strict=True)
            )
            for pick in sorted(picks, key=sum)[:MOST_WHOLES]
        ]
