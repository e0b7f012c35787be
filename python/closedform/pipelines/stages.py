"""The stages of `discover`: searches and fits one after another, within one budget."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from time import monotonic

import numpy as np

from closedform._choices import Device, NoiseKind
from closedform._typing import FloatMatrix, Floats
from closedform.formulas.formula import Formula, scored
from closedform.formulas.front import Front, pareto
from closedform.pipelines.provenance import Provenance
from closedform.searches.backends import dispatch
from closedform.searches.budget import Budget
from closedform.searches.noise_choice import LONGEST_LOOK, LOOKING, planned
from closedform.searches.noise_plan import PLAIN, NoisePlan
from closedform.searches.objectives import Values
from closedform.searches.origins import with_origins
from closedform.searches.progress import Progress
from closedform.searches.settings import Settings
from closedform.searches.values import chosen_front, search_values
from closedform.surrogates.everywhere import Everywhere
from closedform.surrogates.model import Surrogate
from closedform.surrogates.separability import Separability, separated
from closedform.surrogates.similarity import Similarity
from closedform.tables import checks, chunks
from closedform.tables.checks import Matrix
from closedform.tables.cluster import Partitions
from closedform.tables.rows import sample_rows
from closedform.tables.spool import Moved

# Rows that constants of a whole are fitted to; its loss is that on all rows in the end.
MOST_REFITTED = 50000
# Shares of the time (or evaluations) of the stages; the direct search gets what is left.
FIRST_LOOK, SURROGATE, SEPARABILITY = 0.15, 0.20, 0.10
# A surrogate worse than this (held-out error over the target's standard deviation) says nothing
# about leaves.
USEFUL = 0.5
LEAST_SECONDS = 0.1  # of a search, where none are left
# Stages that take no longer however much time there is.
LONGEST_STAGE = 20.0
LONGEST_SURROGATE = 40.0
LONGEST_FIRST_LOOK = 5.0


@dataclass
class Stages:
    """The rows that may be searched, what is left of the budget, and the stages on them."""

    X: FloatMatrix
    y: Floats
    counts: Floats | None
    names: tuple[str, ...]
    labels: tuple[str, ...] | None
    settings: Settings
    device: Device
    budget: Budget
    provenance: Provenance
    plan: NoisePlan = PLAIN
    similarity: Similarity | None = None
    partitions: Partitions | None = None  # where the rows are a sample of those on a cluster
    moved: Moved | None = None  # of the rows, where others were set aside

    def __post_init__(self) -> None:
        # What is searched, and the columns of its formulas: the user's and some counted from an
        # origin. Surrogates see the user's alone.
        self.table = with_origins(Matrix(self.X, self.names), self.settings)
        self._settle(PLAIN)

    def _settle(self, plan: NoisePlan) -> None:
        self.plan = plan
        # What is searched for at the rows, and the target that structure is looked for in: its
        # logarithm where errors are in proportion, for a sum over decades says nothing of the
        # small ones.
        self.objective = self._objective(plan)
        self.linked = plan.logarithmic and bool(self.y.min() > 0)
        self.structured = Values.of(np.log(self.y), self.counts) if self.linked else self.objective

    def _objective(self, plan: NoisePlan) -> Values:
        objective = Values.of(self.y, self.counts, plan.noises, plan.precision, self.X)
        return replace(objective, moved=self.moved)

    def unlinked(self, values: Floats) -> Floats:
        """The target from the one that structure is looked for in."""
        return np.exp(values) if self.linked else values

    def few(self, objective: Values) -> tuple[Floats, Floats, Floats | None]:
        """X, y and weights of a sample in memory, for what goes over the rows many times."""
        chosen = sample_rows(len(self.y), MOST_REFITTED, np.random.default_rng(self.settings.seed))
        chosen.sort()
        X = np.ascontiguousarray(self.X[chosen], dtype=np.float64)
        weights = objective.weights
        return X, objective.y[chosen], None if weights is None else weights[chosen]

    def done(self, front: Front | None) -> bool:
        """Nothing more to gain: an exact law, or no budget, or somebody said stop."""
        if front is not None and self.objective.reproduced(front.best):
            self.budget.stopped = "exact"
        elif front is not None and min(one.loss for one in front) <= self.settings.good_enough:
            self.budget.stopped = "good enough"
        return self.budget.used_up()

    def look_at_noise(self, kind: NoiseKind, sigma: Floats | None, sigma_X: Floats | None) -> None:
        """Settles how the target scatters."""
        self.budget.tell("noise")
        plan = self.plan
        with self.budget.interruptible():
            plan = planned(
                kind,
                self.table,
                self.y,
                self.counts,
                sigma=sigma,
                sigma_X=sigma_X,
                seconds=self.budget.seconds(LOOKING, LONGEST_LOOK),
                seed=self.settings.seed,
                threads=self.settings.threads or 0,
            )
        self._settle(plan)
        self.budget.tell("noise", message=plan.reason)

    def read_structure(self) -> tuple[Surrogate | None, Separability | None]:
        """Surrogate and separability; None for a stage that Ctrl-C cut short."""
        surrogate: Surrogate | None = None
        structure: Separability | None = None
        with self.budget.interruptible():
            self.budget.tell("surrogate")
            table = Matrix(self.X, self.names, self.labels)
            target = self.structured
            if checks.nearly_constant(target.y, target.weights):  # what varies is held out
                return None, None
            weighed = target.weights is not target.counts  # by what the sample alone has
            surrogate = self.surrogate_of(
                table, target.y, target.weights, SURROGATE, None if weighed else self.partitions
            )
            error = surrogate.held_out_error
            self.budget.tell("separability", message=f"surrogate: held-out error {error:.2g}")
            if error <= USEFUL:
                structure = self.separability_of(
                    surrogate, self.X, target.y, target.weights, self.partitions
                )
        return surrogate, structure

    def surrogate_of(
        self,
        table: Matrix,
        target: Floats,
        weights: Floats | None,
        share: float,
        partitions: Partitions | None = None,
    ) -> Surrogate:
        """A surrogate, fitted within a share of the time.

        partitions: of all rows, whose inputs and target, or its logarithm, these are.
        """
        seconds = self.budget.seconds(share, LONGEST_SURROGATE)
        return Surrogate(
            time=seconds,
            seed=self.settings.seed,
            threads=self.settings.threads or 0,
            device=self.device,
        ).fit_sample(
            chunks.gather(table, target, weights),
            self._everywhere(partitions, seconds),
            None if self.settings.cluster is None else self.settings.cluster.client,
        )

    def _everywhere(self, partitions: Partitions | None, seconds: float) -> Everywhere | None:
        if partitions is None:
            return None
        return Everywhere(partitions, monotonic() + seconds, self.linked)

    def separability_of(
        self,
        surrogate: Surrogate,
        X: FloatMatrix,
        target: Floats,
        weights: Floats | None,
        partitions: Partitions | None = None,
    ) -> Separability:
        """What the surrogate of these rows splits into.

        partitions: of all rows, whose inputs these are.
        """
        seconds = self.budget.seconds(SEPARABILITY, LONGEST_STAGE)
        return separated(
            surrogate,
            chunks.gather(Matrix(X, surrogate.names), target, weights),
            self._everywhere(partitions, seconds),
            time=seconds,
            seed=self.settings.seed,
            threads=self.settings.threads or 0,
            device=self.device,
        )

    def first_look(self) -> Front:
        """A search of the data, long enough for small laws."""
        return self.search("search", self._look)

    def second_look(self, first: Front) -> Front:
        """Once it is known how the target may scatter: a short search with each way, and the way
        that describes the data shortest with what was found is the one to go on with."""
        found = list(first)
        plans = self.plan.looked_at()
        for plan in plans:
            objective = self._objective(plan)
            found += self._searched("search", self._look / len(plans), objective, found)
        front, choice = chosen_front(found, self.table, self.objective, self.settings)
        self._settle(self.plan.led_by(choice.chosen.noise.kind))
        return front

    @property
    def _look(self) -> float:
        limited = math.isfinite(self.settings.time)
        longest = LONGEST_FIRST_LOOK / self.settings.time if limited else 1.0
        return min(FIRST_LOOK, longest)

    def search(self, phase: str, share: float, start: Iterable[Formula] = ()) -> Front:
        """A search of the data with a share of the whole budget."""
        return self._searched(phase, share, self.objective, start)

    def _searched(
        self, phase: str, share: float, objective: Values, start: Iterable[Formula]
    ) -> Front:
        settings = self._settings(phase, share, self.settings, shown=True)
        texts = [formula.text for formula in start]
        if texts and self.budget.interrupted():
            return Front(self._as_they_are(texts, self.table, objective), stopped="interrupted")
        front = search_values(self.table, objective, settings, texts)
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
        if texts and self.budget.interrupted():
            return self._as_they_are(texts, table, objective)
        found = dispatch.search(table, objective, settings, texts)
        self.budget.spend(found.evaluations, found.reason)
        return [Formula(text, table.names, loss) for text, loss in found.entries]

    def _as_they_are(self, texts: Sequence[str], table: Matrix, objective: Values) -> list[Formula]:
        """What a search would begin with, of a run that is to conclude."""
        found = scored(texts, table.names, table.values, objective.goal, self.settings.threads or 0)
        return pareto(found) or found

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
