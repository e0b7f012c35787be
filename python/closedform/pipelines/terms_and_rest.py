"""Sums whose terms share inputs: a term that a surrogate's slopes show, and what is found for the
rest, a function of the inputs that are left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from closedform._typing import FloatMatrix, Floats
from closedform.formulas.formula import Formula
from closedform.pipelines import parts
from closedform.pipelines.fewer_variables import FewerVariables
from closedform.pipelines.power_terms import PowerTerm, power_terms
from closedform.pipelines.stages import Stages
from closedform.searches.objectives import Values
from closedform.surrogates.model import Surrogate
from closedform.surrogates.separability import Leaf, Tree
from closedform.surrogates.transforms import TRANSFORMS
from closedform.tables import checks
from closedform.tables.checks import Matrix

# Shares of the time (or evaluations) of its stages.
REST, REST_SURROGATE = 0.15, 0.05
CORRECTIONS = 2  # of the terms' coefficients
EXACT = 1e-9  # over the target's deviation: a rest that is rounding

# Texts of the whole from searches of a tree's leaves, whose functions are given, and its error.
Wholes = Callable[
    [FloatMatrix, Surrogate, Tree, Callable[[Leaf, Floats], Floats], float], list[str]
]


@dataclass
class TermsAndRest:
    """Searches for such sums.

    Attributes:
        stages: of the pipeline that it is part of.
        surrogate: of the rows searched.
        wholes: how the rest is found where it splits into blocks.
    """

    stages: Stages
    surrogate: Surrogate
    wholes: Wholes

    def __post_init__(self) -> None:
        self.fewer = FewerVariables(self.stages)

    def formulas(self) -> list[Formula]:
        """None where slopes show no term."""
        X, y, weights = self.stages.few(self.stages.objective)
        rows = parts.design(X, range(X.shape[1]), [], self.stages.settings.seed)
        slopes = self.surrogate.gradient(rows)
        error = self.surrogate.held_out_error * float(np.std(y))
        terms, gone = power_terms(rows, slopes, error)
        return self._with_rest(X, y, weights, terms, gone) if terms else []

    def _with_rest(
        self,
        X: Floats,
        y: Floats,
        weights: Floats | None,
        terms: Sequence[PowerTerm],
        gone: Sequence[int],
    ) -> list[Formula]:
        """Sums of terms, and of what is found for the rest of them."""
        names = self.stages.names
        whole = " + ".join(term.text(names) for term in terms)
        found = self._refitted([f"{whole} + 0.0"])
        left = [j for j in range(X.shape[1]) if j not in gone]
        exact = any(map(self.stages.objective.reproduced, found))
        values = np.column_stack([term.values(X) for term in terms])
        searched = left and np.isfinite(values).all() and not exact
        if searched and not self.stages.budget.used_up():
            table = Matrix(np.ascontiguousarray(X[:, left]), tuple(names[j] for j in left))
            own = np.column_stack([term.own(X, gone) for term in terms])
            rest = self._rest(table, y, weights, values, own)
            texts = self._texts_of_rest(table, rest, weights)
            found += self._refitted([f"{whole} + {text}" for text in texts])
        return found

    def _refitted(self, texts: list[str]) -> list[Formula]:
        return self.fewer.refitted(self.fewer.short(texts), TRANSFORMS["identity"])

    def _rest(
        self, table: Matrix, y: Floats, weights: Floats | None, values: Floats, own: Floats
    ) -> Floats:
        """What a target is besides its terms, a function of the table's inputs.

        The slopes' coefficients are a little off, which may be much of the rest. They are fitted
        to what a surrogate of it leaves, by that of the terms which no function of those inputs
        can be (Robinson, Econometrica 56, 931-954, 1988).

        Args:
            values, own: (n, k) the terms, and that of them.
        """
        rest: Floats = y - values.sum(axis=1)
        for _ in range(CORRECTIONS if np.isfinite(own).all() else 0):
            if checks.nearly_constant(rest, weights):
                break
            model = self.stages.surrogate_of(table, rest, weights, REST_SURROGATE)
            off = np.linalg.lstsq(own, rest - model.predict(table.values), rcond=None)[0]
            rest = rest - values @ off
        return rest

    def _texts_of_rest(self, table: Matrix, rest: Floats, weights: Floats | None) -> list[str]:
        scatter = float(np.std(rest))
        exact = not scatter > EXACT * float(np.std(self.stages.y))
        if exact or checks.nearly_constant(rest, weights):
            return []
        model = self.stages.surrogate_of(table, rest, weights, REST_SURROGATE)
        behind = self.stages.separability_of(model, table.values, rest, weights)
        if not isinstance(behind.tree, Leaf):
            return self.wholes(table.values, model, behind.tree, behind.leaf_values, behind.error)
        settings = self.stages.settings.of_other_columns()
        front = self.stages.formulas(
            "search the rest", REST, settings.worded(table), Values(rest, weights), settings
        )
        found = parts.candidates(front, scatter, model.held_out_error)
        return [f"({formula.text})" for formula in found]
