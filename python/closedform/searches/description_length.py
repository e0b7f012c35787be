"""Which formula of a front to use: that with which the data are described shortest (`judged`)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from time import monotonic

import numpy as np

from closedform._typing import FloatMatrix, Floats
from closedform.formulas.formula import Formula
from closedform.formulas.front import pareto
from closedform.formulas.singularities import pole_between
from closedform.searches.effective_rows import effective_share
from closedform.searches.judged import (
    MOST_ROWS,
    Judged,
    Sample,
    density_cost,
    judged,
    sample_of,
)
from closedform.searches.objectives import Values
from closedform.searches.origins import folded, written_size
from closedform.searches.settings import OPERATORS, Settings
from closedform.searches.simple_constants import with_simple_constants
from closedform.tables.checks import Shift
from closedform.tables.rows import variance

CONSTANT_MARGIN = 5.0  # nats by which a formula has to beat the constant
TELLING = 3.0  # nats below which two formulas are rivals
# Formulas so many nats from the shortest may become it once their constants are simple; so many of
# them are tried.
SETTLED, MOST_SETTLED = 10.0, 5
MOST_NEAR = 40  # formulas beside the front that are judged
# Nats that a pole between neighbouring rows costs, where the target is not met to rounding: rows
# that lie beside a pole show it by more.
POLE = 10.0
MOST_POLES = 10  # formulas looked at for poles, the shortest descriptions first
MOST_CONSTANTS = 0.5  # of a formula, for every place that has copies
NEAREST = 3  # rows beside each that the way there is looked at


def alphabet(operators: Iterable[str], inputs: int) -> int:
    """Symbols there are to choose from: operators, not fewer than usual, inputs and a constant."""
    return len(frozenset(operators) | frozenset(OPERATORS)) + inputs + 1


def structure_lengths(formulas: Sequence[Formula], symbols: int) -> Floats:
    """The log of the number of symbols for every node, (formulas,)."""
    return np.array([formula.complexity for formula in formulas]) * math.log(symbols)


@dataclass(frozen=True)
class Choice:
    """What was chosen of a front.

    Attributes:
        judged: every formula under the model that suits it best, in the order given.
        best: which of them to use.
        constant: the constant, under the model that suits it best.
        sample: the rows they were judged on, which their residuals are of.
        pole: whether the chosen one has a pole between rows.
    """

    judged: tuple[Judged, ...]
    best: int
    constant: Judged
    sample: Sample
    pole: bool = False

    @property
    def chosen(self) -> Judged:
        return self.judged[self.best]

    def of(self, kept: Sequence[int]) -> Choice:
        """The same of some of the formulas, the chosen one among them."""
        judged = tuple(self.judged[i] for i in kept)
        return replace(self, judged=judged, best=kept.index(self.best))

    @property
    def gain(self) -> float:
        """Nats by which the chosen formula describes the data shorter than the constant does."""
        return self.constant.length - self.chosen.length

    @property
    def rivals(self) -> list[int]:
        """Formulas that the data cannot tell from the chosen: within 3 nats, best first; one of
        each form."""
        lengths = np.array([one.length for one in self.judged])
        order = np.argsort(lengths, kind="stable")
        limit = lengths[self.best] + TELLING
        found, forms = [], {form_of(self.chosen.formula)}
        for i in order:
            form = form_of(self.judged[i].formula)
            if lengths[i] <= limit and form not in forms:
                found.append(int(i))
                forms.add(form)
        return found


def form_of(formula: Formula) -> tuple[tuple[str, int], ...]:
    """Nodes without the values of constants."""
    return tuple((name, column) for name, column, _ in formula._expression.nodes)


def likeliest(
    formulas: Sequence[Formula], X: FloatMatrix, objective: Values, seed: int
) -> list[Formula]:
    """Those that no smaller one beats, by loss or by density under a noise model, and those so near
    by loss that noise may have kept them from it; by size.

    Where errors grow with the values, what is closest in squares need not be likeliest, and a small
    one may be far off in squares for its factor alone.
    """
    members = pareto(formulas, objective.exact)
    members += _near(formulas, members, objective)
    other = [noise for noise in objective.noises if noise.kind != "absolute"]
    if not other:
        return members
    sample = sample_of(X, replace(objective, noises=tuple(other)), seed)
    for noise in sample.noises:
        costs = [density_cost(formula, noise, sample) for formula in formulas]
        order = sorted(range(len(costs)), key=lambda i: (formulas[i].complexity, costs[i]))
        least = math.inf
        for i in order:
            if costs[i] < least and math.isfinite(formulas[i].loss):
                least = costs[i]
                members.append(formulas[i])
    return sorted(dict.fromkeys(members), key=lambda formula: (formula.complexity, formula.loss))


def _near(
    formulas: Sequence[Formula], members: Sequence[Formula], objective: Values
) -> list[Formula]:
    """Other formulas with which the rows are described at most some nats longer than with the
    front's of their size and less: half the rows times the log of the ratio of losses."""
    rows = min(len(objective.y), MOST_ROWS)
    found = []
    for formula in formulas:
        if formula in members or not objective.exact < formula.loss < math.inf:
            continue
        least = min(
            (member.loss for member in members if member.complexity <= formula.complexity),
            default=math.inf,
        )
        if least > objective.exact and 0.5 * rows * math.log(formula.loss / least) <= SETTLED:
            found.append(formula)
    return sorted(found, key=lambda formula: formula.loss)[:MOST_NEAR]


def shortest_description(
    formulas: Sequence[Formula],
    X: FloatMatrix,
    objective: Values,
    settings: Settings,
    ends: float = math.inf,
    shifts: Sequence[Shift] = (),
) -> Choice:
    """The formula with which the data are described shortest; the constant unless it is beaten by
    5 nats.

    Formulas that reproduce the target to rounding are told apart by what they are made of alone.
    Residuals that go together are fewer rows (`effective_rows`): a formula gains over the constant
    only what its own independent residuals prove, and nothing with more than half as many constants
    as there are places, where places have copies. Those that could be chosen are tried with simple
    constants where the data agree, and multiplied out.

    Args:
        formulas: at least one.
        ends: by time.monotonic; fits that have not ended by then are left where they are.
        shifts: what the last columns are (`Matrix.shifts`).
    """
    judge = _Judge(X, objective, settings, ends, shifts)
    found = [judge.best_of(formula) for formula in formulas]
    exact = [
        objective.reproduced(formula) and math.isfinite(one.length)
        for formula, one in zip(formulas, found, strict=True)
    ]

    def worth(i: int) -> tuple[bool, float]:
        return not exact[i], found[i].structure if exact[i] else found[i].length

    order = sorted(range(len(found)), key=worth)
    for i in order[:MOST_SETTLED]:
        alike = exact[i] == exact[order[0]]
        if alike and worth(i)[1] <= worth(order[0])[1] + SETTLED and monotonic() < ends:
            found[i] = judge.settled(found[i], exact[i])
    best, pole = judge.without_pole(found, sorted(range(len(found)), key=worth), exact)
    constants = [i for i, formula in enumerate(formulas) if not formula.inputs]
    beaten = exact[best] or found[best].length <= judge.null.length - CONSTANT_MARGIN
    chosen = constants[0] if constants and not beaten else best
    return Choice(tuple(found), chosen, judge.null, judge.sample, pole and chosen == best)


class _Judge:
    """Judges formulas of one table against its constant."""

    def __init__(
        self,
        X: FloatMatrix,
        objective: Values,
        settings: Settings,
        ends: float,
        shifts: Sequence[Shift] = (),
    ) -> None:
        self.settings, self.ends, self.shifts = settings, ends, shifts
        self.own = X.shape[1] - len(shifts)
        self.sample = sample_of(X, objective, settings.seed, self.own)
        self.symbols = alphabet(settings.every_operator, X.shape[1])
        names = [f"x{j + 1}" for j in range(X.shape[1])]
        scatter = variance(objective.y, objective.weights)
        constant = Formula(repr(objective.constant), names, scatter)
        self.null = min(
            (
                judged(constant, noise, self.sample, self.symbols, math.inf)
                for noise in self.sample.noises
            ),
            key=lambda one: one.length,
        )

    def best_of(self, formula: Formula) -> Judged:
        """Under the model that suits it best."""
        models = (
            judged(formula, noise, self.sample, self.symbols, self.ends)
            for noise in self.sample.noises
        )
        return min((self._independent(one) for one in models), key=lambda one: one.length)

    def settled(self, one: Judged, exact: bool) -> Judged:
        """With simple constants, and multiplied out, where that is shorter."""
        expression = one.formula._expression
        forms = [one]
        # Its own form, too: rounding of its constants must not be what tells it from the others.
        for form in [expression, *expression.rearranged(list(self.settings.every_operator))]:
            names = one.formula.names
            text = folded(form.text(list(names)), names, self.shifts)
            formula = Formula(text, names, one.formula.loss)
            if self._may(formula):
                if self.sample.share == 1.0:
                    formula = formula.refit(self.sample.X, self.sample.y, self.sample.counts)
                if not self.settings.allows(formula):
                    continue
                forms.append(
                    judged(
                        formula, one.noise, self.sample, self.symbols, self.ends, unseen=one.unseen
                    )
                )
        settled = [
            self._independent(
                with_simple_constants(
                    form, self.sample, self.symbols, self.settings.every_operator, self.ends
                )
            )
            for form in forms
        ]
        settled = [form for form in settled if self._may(form.formula)] or [one]
        best = min(settled, key=lambda form: form.structure if exact else form.length)
        if exact and best.length > one.length + SETTLED:  # it lost its exactness on the way
            best = one
        return replace(best, source=one.source)

    def _may(self, formula: Formula) -> bool:
        small = written_size(formula, self.own) <= self.settings.max_size
        return small and self.settings.allows(formula)

    def without_pole(
        self,
        found: list[Judged],
        order: Sequence[int],
        exact: Sequence[bool],
    ) -> tuple[int, bool]:
        """The first in order once a pole between rows has made its formula longer; and whether it
        has one. Those that could be first are looked at."""
        best, least, with_pole = order[0], math.inf, False
        for i in order[:MOST_POLES]:
            if exact[i]:
                return i, False
            if found[i].length >= least:
                break
            pole = self._has_pole(found[i])
            if pole:
                found[i] = replace(found[i], structure=found[i].structure + POLE)
            if found[i].length < least:
                best, least, with_pole = i, found[i].length, pole
        return best, with_pole

    def _has_pole(self, one: Judged) -> bool:
        neighbours = self.sample.neighbours
        if neighbours is None:
            return False
        X = self.sample.X
        if self.own == 1:  # one after another
            order = np.argsort(X[:, 0], kind="stable")
            pairs = np.column_stack([order[:-1], order[1:]])
        else:
            near = neighbours.nearest[:, :NEAREST]
            pairs = np.column_stack([np.repeat(np.arange(len(X)), near.shape[1]), near.ravel()])
        return pole_between(one.formula._expression, X, pairs)

    def _independent(self, one: Judged) -> Judged:
        """Its gain over the constant, as far as its residuals are independent."""
        null, neighbours = self.null, self.sample.neighbours
        if neighbours is None or not math.isfinite(one.length) or one.data >= null.data:
            return one
        # With as many constants as places everything fits, however many copies each place has.
        table = neighbours.places < len(one.residuals) and (
            len(one.fixed) > MOST_CONSTANTS * neighbours.places
        )
        share = 0.0 if table else effective_share(one.residuals, neighbours)
        return replace(one, data=null.data - share * (null.data - one.data))
