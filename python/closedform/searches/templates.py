"""Search for the unknown functions of a template, all of them together (template.hpp).

A candidate is one expression for each; the islands vary one at a time and fit all constants
jointly. Whole formulas are judged here: constants as the noise model fits them, each once however
often its function stands in the template.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

import numpy as np

from closedform import _core
from closedform._choices import NoiseKind
from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.fit import fitted
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front, pareto
from closedform.formulas.noise import EXACT, Noise, Parameters
from closedform.formulas.rows import Rows
from closedform.searches.backends import native
from closedform.searches.budget import Budget, last_stage
from closedform.searches.description_length import TELLING, alphabet
from closedform.searches.evidence import Evidence, constant_cost
from closedform.searches.noise_choice import LONGEST_LOOK, LOOKING, planned
from closedform.searches.noise_plan import PLAIN
from closedform.searches.objectives import Values
from closedform.searches.settings import Settings
from closedform.searches.template_parts import Whole, begun, nodes_of, nothing_found
from closedform.tables import scalars
from closedform.tables.checks import Matrix
from closedform.tables.chunks import Data
from closedform.tables.rows import variance

JUDGING, MOST_JUDGING = 0.2, 3.0  # share of the time for whole formulas, and seconds at most
READY = 0.15  # seconds before the end, after which no further one is judged


def read(text: object, names: Sequence[str]) -> _core.Template:
    """A template as a search takes it.

    Raises:
        InputError: names the place in the text.
    """
    if not isinstance(text, str):
        raise InputError(f"template: is a {type(text).__name__}; give text such as 'f(x1)*g(x2)'")
    try:
        form = _core.Template(scalars.text(text, "template"), list(names))
    except ValueError as error:
        raise InputError(str(error)) from error
    most = max(arguments for _, arguments in form.unknowns)
    if most == 0:
        raise InputError(
            "template: has numbers alone; give an unknown function, or use Formula.fit"
        )
    if most > len(names):
        raise InputError(
            f"template: a function has {most} arguments; X has {len(names)} columns, give as many"
        )
    return form


@dataclass(frozen=True)
class _Judged:
    """A whole formula, under the noise model that suits it best."""

    formula: Formula
    noise: Noise
    parameters: Parameters
    values: Floats
    length: float


def search_template(
    table: Matrix, data: Data, form: _core.Template, noise: NoiseKind, settings: Settings
) -> tuple[Front, Evidence]:
    """`search` for values with a template, on arguments that have been checked."""
    y = data.target
    kept = max(last_stage(settings.time), JUDGING * settings.time)
    budget = Budget(settings.time, settings.evaluations, None, kept=min(kept, MOST_JUDGING))
    plan = PLAIN
    with budget.interruptible():
        plan = planned(
            noise,
            table,
            y,
            data.weights,
            sigma=data.sigma,
            seconds=budget.seconds(LOOKING, LONGEST_LOOK),
            seed=settings.seed,
            threads=settings.threads or 0,
        )
    objective = Values.of(y, data.weights, plan.noises, plan.precision)
    start = begun(form, table.names, settings.start)
    left = replace(settings, time=budget.left(), template=form, start=())
    found = native.evolved(table, objective, left, start)
    budget.spend(found.evaluations, found.reason)
    ends = budget.ends() - READY
    judge = _Judge(table, objective, form, settings)
    judged: list[_Judged] = []
    losses = [loss for _, loss in [*found.entries, *found.rivals]]
    for parts in judge.by_worth(found.parts, losses):
        if judged and monotonic() > ends:
            break
        if (one := judge.of(parts)) is not None:
            judged.append(one)
    if not judged:
        raise nothing_found(settings.rules is not None)
    shown = pareto([one.formula for one in judged], judge.exact)
    told = {id(one.formula): one for one in judged}
    members = [told[id(formula)] for formula in shown]
    best = min(range(len(members)), key=lambda i: members[i].length)
    chosen = members[best]
    near = [
        i for i, one in enumerate(members) if i != best and one.length <= chosen.length + TELLING
    ]
    front = Front(
        shown,
        best=best,
        rivals=near,
        stopped=found.reason,
        evaluations=budget.spent,
        seconds=budget.elapsed(),
    )
    with np.errstate(all="ignore"):
        residuals = chosen.noise.residuals(y, chosen.values, chosen.parameters)
    null = min(constant_cost(noise, y, judge.counts) for noise in objective.noises)
    exact = chosen.formula.loss <= judge.exact
    gain = null + 2 * judge.number - chosen.length
    return front, Evidence(chosen.noise, chosen.parameters, gain, residuals, exact)


class _Judge:
    """Fits whole formulas and says how long they describe the rows."""

    def __init__(
        self, table: Matrix, objective: Values, form: _core.Template, settings: Settings
    ) -> None:
        self.form, self.names = form, table.names
        self.objective = objective
        self.X = np.ascontiguousarray(table.values, dtype=np.float64)
        rows = len(self.X)
        self.counts = np.ones(rows) if objective.counts is None else objective.counts
        self.weights = self.counts if objective.weights is None else objective.weights
        self.exact = EXACT * variance(objective.y, self.weights)
        self.symbol = math.log(alphabet(settings.operators, len(table.names)))
        self.number = 0.5 * math.log(float(self.counts.sum()))

    def of(self, parts: Sequence[str]) -> _Judged | None:
        """None where the whole has no value at some row, or a constant that stands nowhere."""
        whole = Whole.of(self.form, self.names, parts)
        if whole is None:
            return None
        models = self.objective.noises
        looked = [self._under(noise, whole, moved=False) for noise in models]
        suits = min(looked, key=lambda one: one.length).noise
        best = self._under(suits, whole, moved=True)
        return best if math.isfinite(best.length) else None

    def by_worth(self, parts: Sequence[list[str]], losses: Sequence[float]) -> list[list[str]]:
        """Those first that describe the rows shortest by what the engine says."""
        rows = float(self.counts.sum())

        def length(i: int) -> float:
            nodes = nodes_of(self.form, parts[i])
            return 0.5 * rows * math.log(losses[i] + EXACT) + self.symbol * nodes

        return [list(parts[i]) for i in sorted(range(len(parts)), key=length)]

    def _under(self, noise: Noise, whole: Whole, *, moved: bool) -> _Judged:
        """moved: with the constants that the model fits, and their errors."""
        y, form = self.objective.y, whole.form
        rows = Rows(self.X, y, self.counts, noise, self.weights)
        loss = rows.loss(form.filled().evaluate(self.X, 1))
        covariance = None
        if moved:
            begun, covariance = fitted(form, rows, several=False)
            if loss > self.exact:  # else as the engine wrote it: rounded where it may be
                form = begun
        formula = Formula("0", self.names)
        formula._take(form, covariance)
        values = form.filled().evaluate(self.X, 1)
        formula.loss = rows.loss(values)
        formula.parts = whole.formulas([v for v in form.values.values() if v is not None])
        length = math.inf
        parameters: Parameters = ()
        if math.isfinite(formula.loss):
            constants = len(form.values)
            with np.errstate(all="ignore"):
                parameters = noise.parameters(y, values, self.counts, constants)
                cost = float(self.counts @ noise.costs(y, values, parameters))
            length = cost + self.symbol * whole.nodes + self.number * (constants + noise.free)
        return _Judged(formula, noise, parameters, values, length if length == length else math.inf)
