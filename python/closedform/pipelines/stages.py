"""The stages of `discover`: searches and fits one after another, within one budget."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from closedform import _core
from closedform._typing import FloatMatrix, Floats
from closedform.formulas.formula import EXACT, Formula, Front, pareto, scored
from closedform.pipelines import parts
from closedform.searches.backends import dispatch
from closedform.searches.budget import Budget
from closedform.searches.objectives import Values
from closedform.searches.progress import Progress
from closedform.searches.settings import LARGEST_SIZE, Settings
from closedform.searches.values import run as run_search
from closedform.surrogates import similarity
from closedform.surrogates.model import Surrogate
from closedform.surrogates.separability import Leaf, Separability, Tree, separability
from closedform.surrogates.similarity import Reduced, Similarity
from closedform.surrogates.transforms import TRANSFORMS, Transform
from closedform.tables.checks import Matrix
from closedform.tables.devices import Device
from closedform.tables.rows import sample_rows, variance

# Rows that constants of a whole are fitted to; its loss is that on all rows in the end.
MOST_REFITTED = 50000
# Shares of the time (or evaluations) of the stages; the direct search gets what is left.
FIRST_LOOK, SURROGATE, SEPARABILITY = 0.15, 0.12, 0.10
REDUCED = 0.04  # for every fit in fewer variables
SIMILAR, TRANSFORMED, LEAVES, REDUCTION, WHOLE = 0.10, 0.03, 0.25, 0.02, 0.10
# Formulas of other variables that are refitted to the data.
FEW = 20
# A surrogate worse than this (held-out error over the target's standard deviation) says nothing
# about leaves.
USEFUL = 0.5
# One worse than this is no better to search than the data themselves.
ROUGH = 0.1
LEAST_SECONDS = 0.1  # of a search, where none are left
# Stages that take no longer however much time there is.
LONGEST_STAGE = 20.0
LONGEST_FIRST_LOOK = 5.0


@dataclass
class Stages:
    """The rows that may be searched, what is left of the budget, and the stages on them."""

    X: FloatMatrix
    y: Floats
    weights: Floats | None
    names: tuple[str, ...]
    settings: Settings
    device: Device
    budget: Budget
    similarity: Similarity | None = None

    @cached_property
    def exact(self) -> float:
        """Loss up to which a formula reproduces the target to rounding."""
        return EXACT * variance(self.y)

    @cached_property
    def few(self) -> tuple[Floats, Floats, Floats | None]:
        """X, y and weights of a sample in memory, for what goes over the rows many times."""
        chosen = sample_rows(len(self.y), MOST_REFITTED, np.random.default_rng(self.settings.seed))
        chosen.sort()
        X = np.ascontiguousarray(self.X[chosen], dtype=np.float64)
        return X, self.y[chosen], None if self.weights is None else self.weights[chosen]

    def done(self, front: Front | None) -> bool:
        """Nothing more to gain: an exact law, or no budget, or somebody said stop."""
        if front is not None and front.best.loss <= self.exact:
            self.budget.stopped = "exact"
        return self.budget.used_up()

    def read_structure(self) -> tuple[Surrogate | None, Separability | None]:
        """Surrogate and separability; None for a stage that Ctrl-C cut short."""
        surrogate: Surrogate | None = None
        structure: Separability | None = None
        with self.budget.interruptible():
            self.budget.tell("surrogate")
            table = Matrix(self.X, self.names)
            surrogate = self._surrogate_of(table, self.y, self.weights, SURROGATE)
            error = surrogate.held_out_error
            self.budget.tell("separability", message=f"surrogate: held-out error {error:.2g}")
            if error <= USEFUL:
                structure = self._separability_of(surrogate, self.X, self.y, self.weights)
        return surrogate, structure

    def _surrogate_of(
        self, table: Matrix, target: Floats, weights: Floats | None, share: float
    ) -> Surrogate:
        return Surrogate(
            time=self.budget.seconds(share, LONGEST_STAGE),
            seed=self.settings.seed,
            threads=self.settings.threads or 0,
            device=self.device,
        ).fit(table, target, weights=weights)

    def _separability_of(
        self, surrogate: Surrogate, X: FloatMatrix, target: Floats, weights: Floats | None
    ) -> Separability:
        return separability(
            surrogate,
            Matrix(X, surrogate.names),
            target,
            weights=weights,
            time=self.budget.seconds(SEPARABILITY, LONGEST_STAGE),
            seed=self.settings.seed,
            threads=self.settings.threads or 0,
            device=self.device,
        )

    def first_look(self) -> Front:
        """A search of the data, long enough for small laws."""
        limited = math.isfinite(self.settings.time)
        longest = LONGEST_FIRST_LOOK / self.settings.time if limited else 1.0
        return self.search("search", min(FIRST_LOOK, longest))

    def search(self, phase: str, share: float, start: Iterable[Formula] = ()) -> Front:
        """A search of the data with a share of the whole budget."""
        settings = self._settings(phase, share, self.settings, shown=True)
        table, objective = Matrix(self.X, self.names), Values(self.y, self.weights)
        front = run_search(table, objective, settings, [formula.text for formula in start])
        self.budget.spend(front.evaluations, front.stopped)
        return front

    def formulas(
        self,
        phase: str,
        share: float,
        table: Matrix,
        objective: Values,
        settings: Settings,
        start: Iterable[Formula] = (),
    ) -> list[Formula]:
        """A search of other rows, or on the way: as the engine leaves them, smallest first."""
        settings = self._settings(phase, share, settings, shown=False)
        texts = [formula.text for formula in start]
        found = dispatch.search(table.values, table.names, objective, settings, texts)
        self.budget.spend(found.evaluations, found.reason)
        return [Formula(text, table.names, loss) for text, loss in found.entries]

    def _settings(self, phase: str, share: float, settings: Settings, *, shown: bool) -> Settings:
        """Those of one search; `shown`: its formulas are of the data."""

        def told(progress: Progress) -> Progress:
            if shown:
                best, message = progress.best, ""
            else:
                best, message = None, f"block: {progress.best}"
            loss = None if best is None else best.loss
            return replace(progress, phase=phase, best=best, loss=loss, message=message)

        return replace(
            settings,
            time=self.budget.seconds(share),
            evaluations=self.budget.quota(share, int),
            callback=self.budget.listener(told),
        )

    def through_surrogate(
        self, surrogate: Surrogate, structure: Separability, *, split: bool
    ) -> Front | None:
        """What similarity variables and blocks give, searched on as a whole.

        None where there is nothing to gain over searching the data.
        """
        reduced = self._reduced(surrogate)
        start = [] if self.similarity is None else self._by_transforms(reduced)
        if not self._exact(start) and not self.done(None):
            start += self._by_blocks(reduced, surrogate, structure, split=split)
        return self.search("whole", WHOLE, start) if start else None

    def _exact(self, formulas: list[Formula]) -> bool:
        return any(formula.loss <= self.exact for formula in formulas)

    def _reduced(self, surrogate: Surrogate) -> Reduced:
        """The data in the fewest variables that do."""
        self.budget.tell("similarity")
        operators = self.settings.operators
        reduced = similarity.reduce(*self.few, surrogate, self._surrogate_of_fewer, operators)
        if reduced.similarity.groups != self.names:
            self.similarity = reduced.similarity
        return reduced

    def _by_transforms(self, reduced: Reduced) -> list[Formula]:
        """Formulas in those variables, of the target and of its transforms."""
        if not reduced.similarity.groups:
            return self._refitted([reduced.similarity.whole("1.0")], TRANSFORMS["identity"])
        X, y, weights = self.few
        goal = _core.Goal.values(y, weights)
        found: list[Formula] = []
        for name, transform in TRANSFORMS.items():
            if self._exact(found) or self.done(None):
                break
            share = SIMILAR if name == "identity" else TRANSFORMED
            found += scored(self._through_transform(reduced, transform, share), self.names, X, goal)
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
        fits = transform.operators <= set(self.settings.operators)
        if not (fits and (transform.signed or np.all(values > 0))):
            return []
        if not (np.all(np.isfinite(transformed)) and np.all(np.isfinite(weights))):
            return []
        groups, variables = reduced.similarity.groups, reduced.similarity.variables
        found = self.formulas(
            f"search {', '.join(groups)}",
            share,
            Matrix(reduced.Z, variables),
            Values(transformed, weights),
            self.settings.of_other_columns(),
        )
        inverses = [transform.inverse(f"({formula.text})") for formula in found]
        return self._short([reduced.similarity.whole(f"{sign}({text})") for text in inverses])

    def _short(self, texts: list[str]) -> list[str]:
        """Those that are not too long for an expression, written in the inputs."""
        short = []
        for text in texts:
            with contextlib.suppress(ValueError):
                short.append(Formula(text, self.names).text)
        return short

    def _surrogate_of_fewer(self, Z: Floats, values: Floats, weights: Floats) -> Surrogate:
        names = tuple(f"z{k + 1}" for k in range(Z.shape[1]))
        return self._surrogate_of(Matrix(Z, names), values, weights, REDUCED)

    def _by_blocks(
        self, reduced: Reduced, surrogate: Surrogate, structure: Separability, *, split: bool
    ) -> list[Formula]:
        """Leaves searched on samples, the whole put together and refitted to the data.

        Leaves of the fewer variables where these split, otherwise of the inputs. None found where
        there is one block, and a surrogate too rough to sample.
        """
        if split and self.similarity is not None and reduced.similarity.groups:
            return self._refitted(self._wholes_of_fewer(reduced), TRANSFORMS["identity"])
        tree, transform, values, error = self._blocks(surrogate, structure, split)
        if isinstance(tree, Leaf) and error > ROUGH:
            return []
        return self._refitted(self._wholes(self.X, surrogate, tree, values, error), transform)

    def _wholes_of_fewer(self, reduced: Reduced) -> list[str]:
        """Texts of the whole in the fewer variables, by blocks or, where there is one, at once."""
        if len(reduced.similarity.groups) > 1:
            Z, values, weights = reduced.Z, reduced.values, reduced.weights
            model = self._surrogate_of_fewer(Z, values, weights)
            behind = self._separability_of(model, Z, values, weights)
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
        leaves = _leaves(tree)
        ranges = [(float(nodes[0]), float(nodes[-1])) for nodes in surrogate.nodes]
        choices: dict[Leaf, list[Formula]] = {}
        for leaf in leaves:
            inputs = tuple(surrogate.names[i] for i in leaf.inputs)
            rows = parts.design(X, leaf.inputs, ranges, self.settings.seed)
            samples = values(leaf, rows)
            deviation = float(np.std(samples))
            if not (np.all(np.isfinite(samples)) and deviation > 0):
                return []
            front = self.formulas(
                f"search {', '.join(inputs)}",
                LEAVES / len(leaves),
                Matrix(rows, inputs),
                Values(samples, None),
                replace(
                    self.settings.of_other_columns(), good_enough=(0.1 * error * deviation) ** 2
                ),
            )
            choices[leaf] = parts.candidates(front, deviation, error)
            if self.done(None):
                return []
        self.budget.tell("whole")
        return parts.combinations(tree, choices)

    def _blocks(
        self, surrogate: Surrogate, structure: Separability, split: bool
    ) -> tuple[Tree, Transform, Callable[[Leaf, Floats], Floats], float]:
        """The tree to search by, the transform around it, each leaf's function, and its error."""
        if split and not isinstance(structure.tree, Leaf):
            return structure.tree, TRANSFORMS["identity"], structure.leaf_values, structure.error
        if split and structure.link is not None:
            transform = TRANSFORMS[structure.link]
            X, y, weights = self.few
            target = transform.forward(y)
            if transform.operators <= set(self.settings.operators) and np.all(np.isfinite(target)):
                table = Matrix(X, self.names)
                transformed = self._surrogate_of(table, target, weights, SURROGATE)
                behind = self._separability_of(transformed, X, target, weights)
                if not isinstance(behind.tree, Leaf):
                    return behind.tree, transform, behind.leaf_values, behind.error
        active = tuple(i for i, on in enumerate(structure.active) if on)

        def whole(leaf: Leaf, rows: Floats) -> Floats:
            full = np.tile(structure.anchor, (len(rows), 1))
            full[:, list(leaf.inputs)] = rows
            return surrogate.predict(full)

        return Leaf(active), TRANSFORMS["identity"], whole, surrogate.held_out_error

    def _refitted(self, texts: list[str], transform: Transform) -> list[Formula]:
        """The wholes with all constants fitted to a sample, then reduced; the front of them.

        Behind a transform the sum is fitted to the transformed target first: its constant term is
        not known, and 1/sum may have poles before it is.

        A whole begins larger than it ends: only a fit of all leaves together shows which of their
        factors are equal, or one. So there is room for twice the size until it has been reduced.
        """
        room = min(2 * self.settings.max_size + 10, LARGEST_SIZE)
        fitted = []
        X, y, weights = self.few
        transformed = transform.forward(y)
        for text in texts:
            inner = Formula(text, self.names).refit(
                X, transformed, weights, seconds=self.budget.left()
            )
            if not math.isfinite(inner.loss):
                continue
            formula = Formula(transform.inverse(f"({inner.text})"), self.names)
            formula = formula.refit(X, y, weights, seconds=self.budget.left())
            simple = formula.simplified(self.settings.operators)
            if simple.complexity <= room and math.isfinite(formula.loss):
                fitted += scored([simple.text], self.names, X, _core.Goal.values(y, weights))
            if self.budget.left() <= LEAST_SECONDS:
                break
        if not fitted:
            return []
        # Whichever engine searched, reducing is the native one's.
        native = replace(self.settings, backend="native", options={}, max_size=room)
        table, objective = Matrix(self.X, self.names), Values(self.y, self.weights)
        reduced = self.formulas("whole", REDUCTION, table, objective, native, pareto(fitted))
        return [formula for formula in reduced if formula.complexity <= self.settings.max_size]


def _leaves(tree: Tree) -> list[Leaf]:
    if isinstance(tree, Leaf):
        return [tree]
    return [leaf for part in tree.parts for leaf in _leaves(part)]
