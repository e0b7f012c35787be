"""The way through the surrogate: fewer variables, blocks, and the whole put together from them."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeGuard

import numpy as np

from closedform import _core
from closedform._typing import FloatMatrix, Floats
from closedform.formulas.exponential import exponentials
from closedform.formulas.formula import Formula, scored
from closedform.formulas.front import Front, pareto
from closedform.pipelines import parts
from closedform.pipelines.stages import LEAST_SECONDS, SURROGATE, Stages
from closedform.searches.objectives import Values
from closedform.searches.settings import LARGEST_SIZE
from closedform.surrogates import similarity
from closedform.surrogates.model import Surrogate
from closedform.surrogates.separability import (
    Leaf,
    Product,
    Separability,
    Sum,
    Tree,
    leaves_of,
)
from closedform.surrogates.similarity import Reduced
from closedform.surrogates.transforms import TRANSFORMS, Transform
from closedform.tables.checks import Matrix

# Shares of the time (or evaluations) of its stages.
REDUCED = 0.07  # for every fit in fewer variables
SIMILAR, TRANSFORMED, LEAVES, REDUCTION, WHOLE = 0.10, 0.03, 0.25, 0.02, 0.10
# Formulas of other variables that are refitted to the data.
FEW = 20
# A surrogate worse than this (held-out error over the target's standard deviation) is no better to
# search than the data themselves.
ROUGH = 0.1
# A factor that spans more is searched by its logarithm.
MOST_NEPERS = 12.0


@dataclass
class ThroughSurrogate:
    """Formulas by way of what the surrogate shows.

    Attributes:
        stages: of the pipeline that it is part of.
        surrogate, structure: of the rows searched.
        split: whether blocks are searched one by one.
    """

    stages: Stages
    surrogate: Surrogate
    structure: Separability
    split: bool

    def front(self) -> Front | None:
        """What similarity variables and blocks give, searched on as a whole.

        None where there is nothing to gain over searching the data.
        """
        reduced = self._reduced()
        start = [] if self.stages.similarity is None else self._by_transforms(reduced)
        objective = self.stages.objective
        if not any(map(objective.reproduced, start)) and not self.stages.done(None):
            start += self._by_blocks(reduced)
        return self.stages.search("whole", WHOLE, start) if start else None

    def _reduced(self) -> Reduced:
        """The data in the fewest variables that do."""
        self.stages.budget.tell("similarity")
        operators = self.stages.settings.operators
        reduced = similarity.reduce(
            *self.stages.few(self.stages.structured),
            self.surrogate,
            self._surrogate_of_fewer,
            operators,
            self.stages.budget.used_up,
        )
        if reduced.similarity.groups != self.stages.names:
            self.stages.similarity = reduced.similarity
        return reduced

    def _by_transforms(self, reduced: Reduced) -> list[Formula]:
        """Formulas in those variables, of the target and of its transforms."""
        if not reduced.similarity.groups:
            return self._refitted([reduced.similarity.whole("1.0")], TRANSFORMS["identity"])
        structured = self.stages.structured
        X, y, weights = self.stages.few(structured)
        goal = _core.Goal.values(y, weights)
        found: list[Formula] = []
        for name, transform in TRANSFORMS.items():
            if any(map(structured.reproduced, found)) or self.stages.done(None):
                break
            share = SIMILAR if name == "identity" else TRANSFORMED
            found += scored(
                self._through_transform(reduced, transform, share), self.stages.names, X, goal
            )
        best = sorted(found, key=lambda formula: formula.loss)[:FEW]
        return self._refitted([formula.text for formula in best], TRANSFORMS["identity"])

    def _through_transform(self, reduced: Reduced, transform: Transform, share: float) -> list[str]:
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
        return self._short([reduced.similarity.whole(f"{sign}({text})") for text in inverses])

    def _short(self, texts: list[str]) -> list[str]:
        """Those that are not too long for an expression, written in the inputs."""
        short = []
        for text in texts:
            with contextlib.suppress(ValueError):
                short.append(Formula(text, self.stages.names).text)
        return short

    def _surrogate_of_fewer(self, Z: Floats, values: Floats, weights: Floats) -> Surrogate:
        names = tuple(f"z{k + 1}" for k in range(Z.shape[1]))
        return self.stages.surrogate_of(Matrix(Z, names), values, weights, REDUCED)

    def _by_blocks(self, reduced: Reduced) -> list[Formula]:
        """Leaves searched on samples, the whole put together and refitted to the data.

        Leaves of the fewer variables where these split, otherwise of the inputs. None found where
        there is one block, and a surrogate too rough to sample.
        """
        if self.split and self.stages.similarity is not None and reduced.similarity.groups:
            return self._refitted(self._wholes_of_fewer(reduced), TRANSFORMS["identity"])
        tree, transform, values, error = self._blocks()
        if isinstance(tree, Leaf) and error > ROUGH:
            return []
        if self.stages.linked and _terms_alone(tree) and transform is TRANSFORMS["identity"]:
            factors = Product(tree.parts)
            texts = self._wholes(self.stages.X, self.surrogate, factors, _factors(values), error)
            if texts:
                return self._refitted(texts, transform, of_logarithm=False)
        return self._refitted(
            self._wholes(self.stages.X, self.surrogate, tree, values, error), transform
        )

    def _wholes_of_fewer(self, reduced: Reduced) -> list[str]:
        """Texts of the whole in the fewer variables, by blocks or, where there is one, at once."""
        if len(reduced.similarity.groups) > 1:
            Z, values, weights = reduced.Z, reduced.values, reduced.weights
            model = self._surrogate_of_fewer(Z, values, weights)
            behind = self.stages.separability_of(model, Z, values, weights)
            if not isinstance(behind.tree, Leaf):
                wholes = self._wholes(
                    reduced.Z, model, behind.tree, behind.leaf_values, behind.error
                )
                return self._short([reduced.similarity.whole(text) for text in wholes])
        return self._through_transform(reduced, TRANSFORMS["identity"], LEAVES)

    def _wholes(
        self,
        X: FloatMatrix,
        surrogate: Surrogate,
        tree: Tree,
        values: Callable[[Leaf, Floats], Floats],
        error: float,
    ) -> list[str]:
        """Texts of the whole from searches of its leaves, whose functions are `values`; none where
        a leaf cannot be searched."""
        leaves = list(leaves_of(tree))
        ranges = [(float(nodes[0]), float(nodes[-1])) for nodes in surrogate.nodes]
        choices: dict[Leaf, list[Formula]] = {}
        settings = self.stages.settings.of_other_columns()
        for leaf in leaves:
            inputs = tuple(surrogate.names[i] for i in leaf.inputs)
            rows = parts.design(X, leaf.inputs, ranges, self.stages.settings.seed)
            samples = values(leaf, rows)
            deviation = float(np.std(samples))
            if not (np.all(np.isfinite(samples)) and deviation > 0):
                return []
            front = self.stages.formulas(
                f"search {', '.join(inputs)}",
                LEAVES / len(leaves),
                settings.worded(Matrix(rows, inputs)),
                Values(samples, None),
                replace(settings, good_enough=(0.1 * error * deviation) ** 2),
            )
            choices[leaf] = parts.candidates(front, deviation, error)
            if self.stages.done(None):
                return []
        self.stages.budget.tell("whole")
        return parts.combinations(tree, choices)

    def _blocks(self) -> tuple[Tree, Transform, Callable[[Leaf, Floats], Floats], float]:
        """The tree to search by, the transform around it, each leaf's function, and its error."""
        structure = self.structure
        if self.split and not isinstance(structure.tree, Leaf):
            return structure.tree, TRANSFORMS["identity"], structure.leaf_values, structure.error
        if self.split and structure.link is not None:
            transform = TRANSFORMS[structure.link]
            X, y, weights = self.stages.few(self.stages.structured)
            target = transform.forward(y)
            if transform.operators <= set(self.stages.settings.operators) and np.all(
                np.isfinite(target)
            ):
                table = Matrix(X, self.stages.names)
                transformed = self.stages.surrogate_of(table, target, weights, SURROGATE)
                behind = self.stages.separability_of(transformed, X, target, weights)
                if not isinstance(behind.tree, Leaf):
                    return behind.tree, transform, behind.leaf_values, behind.error
        active = tuple(i for i, on in enumerate(structure.active) if on)

        def whole(leaf: Leaf, rows: Floats) -> Floats:
            full = np.tile(structure.anchor, (len(rows), 1))
            full[:, list(leaf.inputs)] = rows
            return self.surrogate.predict(full)

        return Leaf(active), TRANSFORMS["identity"], whole, self.surrogate.held_out_error

    def _refitted(
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


def _terms_alone(tree: Tree) -> TypeGuard[Sum]:
    """A sum of single blocks."""
    return isinstance(tree, Sum) and all(isinstance(part, Leaf) for part in tree.parts)


def _factors(values: Callable[[Leaf, Floats], Floats]) -> Callable[[Leaf, Floats], Floats]:
    """What terms of a logarithm are factors of, up to their size; not finite over many decades."""

    def factor(leaf: Leaf, rows: Floats) -> Floats:
        terms = values(leaf, rows)
        if np.ptp(terms) > MOST_NEPERS:
            return np.full(len(terms), np.nan)
        shifted: Floats = np.exp(terms - np.mean(terms))
        return shifted

    return factor
