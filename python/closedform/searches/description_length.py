"""Which formula of a front to use: that with which the data are described shortest (`judged`)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from closedform._typing import FloatMatrix, Floats
from closedform.formulas.formula import Formula
from closedform.formulas.front import pareto
from closedform.searches.effective_rows import effective_share
from closedform.searches.judged import Judged, Sample, density_cost, judged, sample_of
from closedform.searches.objectives import Values
from closedform.searches.settings import OPERATORS
from closedform.searches.simple_constants import with_simple_constants

CONSTANT_MARGIN = 5.0  # nats by which a formula has to beat the constant
TELLING = 3.0  # nats below which two formulas are rivals
# Formulas so many nats from the shortest may become it once their constants are simple; so many of
# them are tried.
SETTLED, MOST_SETTLED = 10.0, 5


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
    """

    judged: tuple[Judged, ...]
    best: int
    constant: Judged

    @property
    def chosen(self) -> Judged:
        return self.judged[self.best]

    def without_first(self) -> Choice:
        """The same without the first formula, which is not the chosen one."""
        return Choice(self.judged[1:], self.best - 1, self.constant)

    @property
    def gain(self) -> float:
        """Nats by which the chosen formula describes the data shorter than the constant does."""
        return self.constant.length - self.chosen.length

    @property
    def rivals(self) -> list[int]:
        """Formulas that the data cannot tell from the chosen: within 3 nats, best first."""
        lengths = np.array([one.length for one in self.judged])
        order = np.argsort(lengths, kind="stable")
        limit = lengths[self.best] + TELLING
        return [int(i) for i in order if i != self.best and lengths[i] <= limit]


def likeliest(
    formulas: Sequence[Formula], X: FloatMatrix, objective: Values, seed: int
) -> list[Formula]:
    """Those that no smaller one beats, by loss or by density under a noise model, by size.

    Where errors grow with the values, what is closest in squares need not be likeliest, and a small
    one may be far off in squares for its factor alone.
    """
    members = pareto(formulas, objective.exact)
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


def shortest_description(
    formulas: Sequence[Formula],
    X: FloatMatrix,
    objective: Values,
    operators: Sequence[str],
    seed: int,
    ends: float = math.inf,
) -> Choice:
    """The formula with which the data are described shortest; the constant unless it is beaten by
    5 nats.

    Formulas that reproduce the target to rounding are told apart by what they are made of alone.
    Residuals that go together are fewer rows (`effective_rows`): a formula gains over the constant
    only what its own independent residuals prove. Constants of those that could be chosen become
    simple numbers where the data agree.

    Args:
        formulas: at least one.
        operators: allowed.
        ends: by time.monotonic; fits that have not ended by then are left where they are.
    """
    sample = sample_of(X, objective, seed)
    symbols = alphabet(operators, X.shape[1])
    constant = Formula(repr(objective.constant), formulas[0].names)
    null = min(
        (judged(constant, noise, sample, symbols, math.inf) for noise in sample.noises),
        key=lambda one: one.length,
    )

    def best_of(formula: Formula) -> Judged:
        models = (judged(formula, noise, sample, symbols, ends) for noise in sample.noises)
        return min((_independent(one, null, sample) for one in models), key=lambda one: one.length)

    exact = [objective.reproduced(formula) for formula in formulas]
    found = [best_of(formula) for formula in formulas]

    def worth(i: int) -> tuple[bool, float]:
        return not exact[i], found[i].structure if exact[i] else found[i].length

    order = sorted(range(len(found)), key=worth)
    within = [
        i
        for i in order
        if exact[i] == exact[order[0]] and worth(i)[1] <= worth(order[0])[1] + SETTLED
    ]
    for i in within[:MOST_SETTLED]:
        simple = with_simple_constants(found[i], sample, symbols, operators, ends)
        found[i] = replace(_independent(simple, null, sample), source=formulas[i])
    best = min(range(len(found)), key=worth)
    constants = [i for i, formula in enumerate(formulas) if not formula.inputs]
    beaten = exact[best] or found[best].length <= null.length - CONSTANT_MARGIN
    return Choice(tuple(found), constants[0] if constants and not beaten else best, null)


def _independent(one: Judged, null: Judged, sample: Sample) -> Judged:
    """Its gain over the constant, as far as its residuals are independent."""
    if sample.neighbours is None or not math.isfinite(one.length) or one.data >= null.data:
        return one
    share = effective_share(one.residuals, sample.neighbours)
    return replace(one, data=null.data - share * (null.data - one.data))
