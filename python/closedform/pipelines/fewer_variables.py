"""Formulas of fewer variables, and wholes put together from parts: searched, taken back, fitted."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, replace

import numpy as np

from closedform import _core
from closedform._typing import Floats
from closedform.formulas.exponential import exponentials
from closedform.formulas.formula import Formula, scored
from closedform.formulas.front import Front, pareto
from closedform.pipelines.stages import LEAST_SECONDS, Stages
from closedform.searches.objectives import Values
from closedform.searches.settings import LARGEST_SIZE
from closedform.surrogates import similarity
from closedform.surrogates.similarity import Reduced
from closedform.surrogates.transforms import TRANSFORMS, Transform
from closedform.tables.checks import Matrix

# Shares of the time (or evaluations) of its stages.
SIMILAR, TRANSFORMED, REDUCTION, JOINED = 0.10, 0.03, 0.02, 0.02
CERTAIN = 0.25  # of the search in variables that units allow, in place of SIMILAR
# Formulas of other variables that are refitted to the data.
FEW = 20


@dataclass
class FewerVariables:
    """Searches in other variables than the data's, on the way to formulas in these.

    Attributes:
        stages: of the pipeline that it is part of.
    """

    stages: Stages

    def known_by_units(self) -> Reduced | None:
        """The data in the variables that their units allow; None where these say nothing, or where
        constants may have units, which then are variables that nobody sees."""
        rules = self.stages.settings.rules
        units = None if rules is None else rules.units
        if units is None or units.target is None or len(units.constants) != 1:
            return None
        names = self.stages.names
        exponents = np.array([*(units.inputs[name] for name in names), units.target]).T
        rows = self.stages.few(self.stages.objective)
        operators = self.stages.settings.operators
        return similarity.of_units(*rows, names, exponents, operators)

    def by_transforms(self, reduced: Reduced, *, certain: bool = False) -> list[Formula]:
        """Formulas in those variables, of the target and of its transforms.

        certain: the variables are those that units allow, of the target whatever structure is
            looked for in.
        """
        of_logarithm = not certain
        plain = TRANSFORMS["identity"]
        if not reduced.similarity.groups:
            whole = [reduced.similarity.whole("1.0")]
            return self.refitted(whole, plain, of_logarithm=of_logarithm)
        structured = self.stages.structured if of_logarithm else self.stages.objective
        X, y, weights = self.stages.few(structured)
        goal = _core.Goal.values(y, weights)
        found: list[Formula] = []
        for name, transform in TRANSFORMS.items():
            if any(map(structured.reproduced, found)) or self.stages.done(None):
                break
            share = TRANSFORMED
            if name == "identity":
                share = CERTAIN if certain else SIMILAR
            found += scored(
                self.through_transform(reduced, transform, share), self.stages.names, X, goal
            )
        best = sorted(found, key=lambda formula: formula.loss)[:FEW]
        texts = [formula.text for formula in best]
        return self.refitted(texts, plain, of_logarithm=of_logarithm)

    def through_transform(self, reduced: Reduced, transform: Transform, share: float) -> list[str]:
        """Formulas of the transformed values; none where a transform does not fit the values."""
        values, sign = reduced.values, ""
        if not transform.signed and np.all(values < 0):
            values, sign = -values, "-"
        with np.errstate(all="ignore"):
            transformed = transform.forward(values)
            weights = reduced.weights / transform.slope(values) ** 2
        fits = transform.operators <= set(self.stages.settings.operators)
        if not (fits and (transform.signed or np.all(values > 0))):
            return []
        if not (np.all(np.isfinite(transformed)) and np.all(np.isfinite(weights))):
            return []
        groups, variables = reduced.similarity.groups, reduced.similarity.variables
        settings = self.stages.settings.of_other_columns()
        found = self.stages.formulas(
            f"search {', '.join(groups)}",
            share,
            settings.worded(Matrix(reduced.Z, variables)),
            Values(transformed, weights),
            settings,
        )
        inverses = [transform.inverse(f"({formula.text})") for formula in found]
        return self.short([reduced.similarity.whole(f"{sign}({text})") for text in inverses])

    def short(self, texts: list[str]) -> list[str]:
        """Those that are not too long for an expression, written in the inputs."""
        short = []
        for text in texts:
            with contextlib.suppress(ValueError):
                short.append(Formula(text, self.stages.names).text)
        return short

    def refitted(
        self, texts: list[str], transform: Transform, *, of_logarithm: bool = True
    ) -> list[Formula]:
        """The wholes with all constants fitted to a sample, then reduced; the front of them.

        Behind a transform the sum is fitted to the transformed target first: its constant term is
        not known, and 1/sum may have poles before it is.

        A whole begins larger than it ends: only a fit of all leaves together shows which of their
        factors are equal, or one. So there is room for twice the size until it has been reduced.

        of_logarithm: the wholes are of the target's logarithm, where structure is looked for in it.
        """
        linked = self.stages.linked and of_logarithm
        room = min(2 * self.stages.settings.max_size + 10, LARGEST_SIZE)
        fitted: list[Formula] = []
        objective = self.stages.objective
        structured = self.stages.few(self.stages.structured if linked else objective)
        X, y, weights = self.stages.few(objective)
        with np.errstate(all="ignore"):
            transformed = transform.forward(structured[1])
        for text in texts:
            inner = self._refit(Formula(text, self.stages.names), X, transformed, structured[2])
            if math.isfinite(inner.loss):
                outer = Formula(transform.inverse(f"({inner.text})"), self.stages.names)
                outer = self._refit(outer, *structured)
                for formula in self._of_target(outer) if linked else [outer]:
                    if linked:
                        formula = self._refit(formula, X, y, weights)
                    simple = formula.simplified(self.stages.settings.every_operator)
                    if simple.complexity <= room and math.isfinite(formula.loss):
                        goal = _core.Goal.values(y, weights)
                        fitted += scored([simple.text], self.stages.names, X, goal)
            if self.stages.budget.interrupted() or self.stages.budget.left() <= LEAST_SECONDS:
                break
        if not fitted:
            return []
        # Whichever engine searched, reducing is the native one's.
        native = replace(self.stages.settings, backend="native", options={}, max_size=room)
        table = Matrix(self.stages.X, self.stages.names)
        reduced = self.stages.formulas("whole", REDUCTION, table, objective, native, pareto(fitted))
        return [
            formula for formula in reduced if formula.complexity <= self.stages.settings.max_size
        ]

    def _refit(self, formula: Formula, X: Floats, y: Floats, weights: Floats | None) -> Formula:
        return formula.refit(X, y, weights, seconds=self.stages.budget.left())

    def _of_target(self, logarithm: Formula) -> list[Formula]:
        """From a formula of the target's logarithm those of the target."""
        texts = exponentials(logarithm, self.stages.settings.operators)
        return [Formula(text, self.stages.names) for text in texts]


def searched_by_units(stages: Stages, first: Front) -> tuple[Front, Reduced | None]:
    """What a search in the variables that units allow adds to a front of the data, and the data in
    these variables, where there are some."""
    fewer = FewerVariables(stages)
    known = fewer.known_by_units()
    if known is None:
        return first, None
    front = first
    stages.budget.tell("similarity", message=str(known.similarity))
    with stages.budget.interruptible():
        found = fewer.by_transforms(known, certain=True)
        front = stages.search("search", JOINED, [*first, *found]) if found else first
    if stages.done(front):
        stages.similarity = known.similarity
    return front, known
