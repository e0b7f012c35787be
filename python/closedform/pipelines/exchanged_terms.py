"""Terms of a sum exchanged: those of a formula that read few inputs give way to what is found for
all that its other terms leave of the target, a function of these inputs alone."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from closedform import _core
from closedform._typing import Floats
from closedform.formulas.formula import Formula
from closedform.pipelines import parts
from closedform.pipelines.fewer_variables import FewerVariables
from closedform.pipelines.stages import Stages
from closedform.searches.objectives import Values
from closedform.surrogates.transforms import TRANSFORMS
from closedform.tables import checks
from closedform.tables.checks import Matrix

SHARE = 0.10  # of the time (or evaluations), for a rest of one input; less for those of more
MOST = 2  # rests of one round
FEW = 2  # inputs of a rest, at most
LEAST = 4  # nodes that are worth exchanging


@dataclass(frozen=True)
class Exchange:
    """One way to do it: the terms that stay, the size of those that go, the inputs these read."""

    kept: str
    gone: int
    left: tuple[int, ...]


@dataclass
class ExchangedTerms:
    """Searches for such rests.

    Attributes:
        stages: of the pipeline that it is part of.
        tried: what has been tried, which tells nothing new.
    """

    stages: Stages
    tried: set[Exchange] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.fewer = FewerVariables(self.stages)

    def formulas(self, known: Iterable[Formula]) -> list[Formula]:
        """Sums of what stays of formulas that are known, and of what is found for the rest."""
        X, y, weights = self.stages.few(self.stages.objective)
        texts: list[str] = []
        for exchange in self._promising(known)[:MOST]:
            if self.stages.budget.used_up():
                break
            self.tried.add(exchange)
            texts += self._wholes(exchange, X, y, weights)
        return self.fewer.refitted(self.fewer.short(texts), TRANSFORMS["identity"]) if texts else []

    def _promising(self, known: Iterable[Formula]) -> list[Exchange]:
        """Of the best formula that allows each rest, fewest inputs first, the largest terms."""
        names, operators = self.stages.names, self.stages.settings.every_operator
        best: dict[tuple[int, ...], Exchange] = {}
        for formula in sorted(known, key=lambda formula: formula.loss):
            with contextlib.suppress(ValueError):  # it counts an input from another origin
                here = Formula(formula.text, names)._expression
                for exchange in exchanges(here, names, operators):
                    best.setdefault(exchange.left, exchange)
        untried = [exchange for exchange in best.values() if exchange not in self.tried]
        return sorted(untried, key=lambda exchange: (len(exchange.left), -exchange.gone))

    def _wholes(
        self, exchange: Exchange, X: Floats, y: Floats, weights: Floats | None
    ) -> list[str]:
        names = self.stages.names
        rest = y - Formula(exchange.kept, names)._expression.evaluate(X)
        if not np.isfinite(rest).all() or checks.nearly_constant(rest, weights):
            return []
        left = list(exchange.left)
        table = Matrix(np.ascontiguousarray(X[:, left]), tuple(names[j] for j in left))
        settings = self.stages.settings.of_other_columns()
        front = self.stages.formulas(
            "search the rest",
            SHARE / len(left),
            settings.worded(table),
            Values(rest, weights),
            settings,
        )
        if not front:
            return []
        scatter = float(np.std(rest))
        error = math.sqrt(min(formula.loss for formula in front)) / scatter
        found = parts.candidates(front, scatter, error)
        return [f"{exchange.kept} + ({formula.text})" for formula in found]


@dataclass(frozen=True)
class _Term:
    text: str  # with its sign
    inputs: frozenset[int]
    size: int


def exchanges(
    expression: _core.Expression, names: Sequence[str], operators: Sequence[str]
) -> list[Exchange]:
    """All rests of few inputs that the terms of an expression allow, its products multiplied out
    where that makes more of them."""
    forms = [expression, *expression.rearranged(list(operators))]
    terms = max((_terms(form, list(names)) for form in forms), key=len)
    every = sorted(frozenset[int]().union(*(term.inputs for term in terms)))
    found = []
    for count in range(1, min(FEW, len(every) - 1) + 1):
        for left in itertools.combinations(every, count):
            gone = [term for term in terms if term.inputs and term.inputs <= set(left)]
            kept = [term.text for term in terms if not term.inputs <= set(left)]
            size = sum(term.size for term in gone)
            if kept and size >= LEAST:
                found.append(Exchange(" + ".join(kept), size, left))
    return found


def _terms(expression: _core.Expression, names: list[str]) -> list[_Term]:
    """The addends of the outermost sum."""
    nodes = expression.nodes
    first = expression.begins  # of what every node is the root of
    found, open_ = [], [(len(nodes) - 1, "")]
    while open_:
        node, sign = open_.pop()
        name = nodes[node][0]
        if name in ("+", "-"):
            other = {"": "-", "-": ""}[sign]
            right, left = node - 1, first[node - 1] - 1
            open_ += [(right, sign if name == "+" else other), (left, sign)]
            continue
        own = nodes[first[node] : node + 1]
        inputs = frozenset(column for kind, column, _ in own if kind == "variable")
        text = f"{sign}({expression.part(node).text(names)})"
        found.append(_Term(text, inputs, len(own)))
    return found
