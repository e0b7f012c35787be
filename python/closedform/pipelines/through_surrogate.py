"""The way through the surrogate: fewer variables, blocks, and the whole put together from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeGuard

import numpy as np

from closedform._typing import FloatMatrix, Floats
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.pipelines import parts
from closedform.pipelines.few_modes import FewModes
from closedform.pipelines.fewer_variables import FewerVariables
from closedform.pipelines.stages import SURROGATE, Stages
from closedform.pipelines.terms_and_rest import TermsAndRest
from closedform.searches.objectives import Values
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
LEAVES, WHOLE = 0.25, 0.10
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
        known: the data in the variables that units allow, which have been searched in.
    """

    stages: Stages
    surrogate: Surrogate
    structure: Separability
    split: bool
    known: Reduced | None = None

    def __post_init__(self) -> None:
        self.fewer = FewerVariables(self.stages)

    def front(self) -> Front | None:
        """What similarity variables and blocks give, searched on as a whole.

        None where there is nothing to gain over searching the data.
        """
        reduced = self._reduced()
        known = self.known is not None and self.known.similarity.groups == reduced.similarity.groups
        similar = self.stages.similarity is not None and not known
        start = self.fewer.by_transforms(reduced) if similar else []
        objective = self.stages.objective
        for others in (self._by_terms, self._by_modes, lambda: self._by_blocks(reduced)):
            if not any(map(objective.reproduced, start)) and not self.stages.done(None):
                start += others()
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
            None if self.stages.linked else self.known,
        )
        if reduced.similarity.groups != self.stages.names:
            self.stages.similarity = reduced.similarity
        return reduced

    def _surrogate_of_fewer(self, Z: Floats, values: Floats, weights: Floats) -> Surrogate:
        names = tuple(f"z{k + 1}" for k in range(Z.shape[1]))
        return self.stages.surrogate_of(Matrix(Z, names), values, weights, REDUCED)

    def _by_terms(self) -> list[Formula]:
        """Of sums whose terms share inputs."""
        rough = self.surrogate.held_out_error > ROUGH
        if self.stages.linked or rough or len(self.stages.names) < 2:
            return []
        return TermsAndRest(self.stages, self.surrogate, self._wholes).formulas()

    def _by_modes(self) -> list[Formula]:
        """Of sums of a few products, where there are no blocks."""
        rough = self.surrogate.held_out_error > ROUGH
        one = isinstance(self.structure.tree, Leaf) and len(self.structure.tree.inputs) > 1
        if self.stages.linked or rough or not one:
            return []
        return FewModes(self.stages, self.surrogate).formulas()

    def _by_blocks(self, reduced: Reduced) -> list[Formula]:
        """Leaves searched on samples, the whole put together and refitted to the data.

        Leaves of the fewer variables where these split, otherwise of the inputs. None found where
        there is one block, and a surrogate too rough to sample.
        """
        if self.split and self.stages.similarity is not None and reduced.similarity.groups:
            return self.fewer.refitted(self._wholes_of_fewer(reduced), TRANSFORMS["identity"])
        tree, transform, values, error = self._blocks()
        if isinstance(tree, Leaf) and error > ROUGH:
            return []
        if self.stages.linked and _terms_alone(tree) and transform is TRANSFORMS["identity"]:
            factors = Product(tree.parts)
            texts = self._wholes(self.stages.X, self.surrogate, factors, _factors(values), error)
            if texts:
                return self.fewer.refitted(texts, transform, of_logarithm=False)
        return self.fewer.refitted(
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
                return self.fewer.short([reduced.similarity.whole(text) for text in wholes])
        return self.fewer.through_transform(reduced, TRANSFORMS["identity"], LEAVES)

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
