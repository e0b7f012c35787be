"""Search for the directions of gradients: symmetries first, then the problem they leave."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError
from closedform.formulas.formula import Formula, scored
from closedform.formulas.front import Front, pareto
from closedform.formulas.merging import Merging
from closedform.searches.backends import dispatch, native
from closedform.searches.budget import Budget
from closedform.searches.objectives import Directions, unit_in
from closedform.searches.pairs import merge_blocks
from closedform.searches.progress import Progress
from closedform.searches.settings import Settings
from closedform.searches.steepest_drop import MOST_ROWS, PARALLEL, steepest_drop
from closedform.searches.symmetries import find
from closedform.tables import checks
from closedform.tables.checks import Matrix
from closedform.tables.rows import sample_rows

# Shares of the time and of the evaluations for merged problems whose merges are not proven: what
# they find, the search of the problem as it is begins with.
TENTATIVE, CERTAIN = 0.35, 0.25
SYMMETRIES = 0.2  # for finding the merges
BLOCK, BLOCKS = 0.05, 0.25  # for the search of one separable block, and of all of them


def unit_rows(gradients: object, table: Matrix, scales: Floats) -> Floats:
    """Checked gradients in the units `scales` of the columns over their norms, (n, d) float64; rows
    of zeros stay zero.

    Raises:
        InputError: another shape than X, values that are not finite, zeros only, or one input.
    """
    G = checks.matrix(gradients, name="gradients", min_rows=1).values
    if G.shape != table.values.shape:
        raise InputError(
            f"gradients: has shape {G.shape}, X has {table.values.shape}; give one row for each"
        )
    if G.shape[1] == 1:
        raise InputError(
            "gradients: of one input are 1 or -1 whatever the expression; search `values` instead"
        )
    U = unit_in(scales, G.astype(np.float64, copy=False))
    if not U.any():
        raise InputError(
            "gradients: are zero at every row by all columns of X that vary; give rows where "
            "something varies"
        )
    return np.ascontiguousarray(U)


def search_directions(
    table: Matrix, objective: Directions, settings: Settings, *, symmetries: bool
) -> Front:
    """`search` for gradients on arguments that have been checked, by an engine that is ready.

    Along tangents symmetries are not looked for: their tests need the gradient by every input.

    Where every merge of inputs holds to rounding, only the merged problem is searched. Where merges
    are uncertain, merged problems are searched for a share of the time, and then the problem as it
    is, beginning with what they found: a wrong merge costs time, not truth.
    """
    table = settings.worded(table)
    U, weights, seed = objective.U, objective.weights, settings.seed
    merging: Merging | None = None
    budget = Budget(settings.time, settings.evaluations, settings.callback)
    if symmetries and objective.tangents is None and objective.U.ndim == 2:
        merging = find(
            table.values,
            U,
            weights,
            names=table.names,
            operators=settings.operators,
            scales=objective.scales,
            seed=seed,
            time=budget.seconds(SYMMETRIES),
        )
    stages = _DirectionSearch(table.names, settings, budget)
    if merging is not None and merging.exact and len(merging.texts) > 2:
        merging = merge_blocks(
            merging, weights, table.names, stages.search_block, stages.left_for_blocks
        )
    complete = merging is not None and _complete(merging, table.names, settings.max_size)
    for problem, share in _problems(merging, complete):
        if not stages.done:
            stages.search_merged(problem, share, objective)
    # Nothing is lost by a search of the merged problem alone, if what it found can be kept.
    if complete and stages.all_fit():
        stages.done, stages.reason = True, stages.reason or "exact"

    entries = stages.search_as_it_is(table, objective)
    texts = [text for text, _ in entries]
    formulas = scored(
        texts,
        table.names,
        table.values,
        objective.goal,
        settings.threads or 0,
        settings.device,
    )
    # A constant has no direction: it is the answer only where nothing has one of any use.
    members = pareto((f for f in formulas if f._expression.inputs_needed), PARALLEL)
    members = members or [Formula("1", table.names, 1.0)]
    return Front(
        members,
        best=_best(members, table.values, objective, seed),
        stopped=stages.reason,
        evaluations=budget.spent,
        seconds=budget.elapsed(),
        symmetries=merging,
    )


def _complete(merging: Merging, names: tuple[str, ...], max_size: int) -> bool:
    """Whether the merged problem alone will do: true merges, and room for all the inputs left."""
    texts = merging.texts
    if not (merging.exact and merging.merges) or 2 * len(texts) - 1 > max_size:
        return False
    sizes = [Formula(text, names).complexity for text in texts]
    return sum(sizes) + len(sizes) - 1 <= max_size


def _problems(merging: Merging | None, complete: bool) -> list[tuple[Merging, float]]:
    """Merged problems worth a search, with their shares of the budget."""
    if merging is None:
        return []
    if complete:
        return [(merging, 1.0)]
    problems = [(merging.tentative, TENTATIVE)] if merging.tentative is not None else []
    return problems + ([(merging, CERTAIN)] if merging.merges else [])


def _best(members: Sequence[Formula], X: FloatMatrix, objective: Directions, seed: int) -> int:
    for index, formula in enumerate(members):
        if formula.loss <= PARALLEL:
            return index
    rows = sample_rows(len(X), MOST_ROWS, np.random.default_rng(seed))
    sample = np.ascontiguousarray(X[rows], dtype=np.float64)
    return steepest_drop(members, sample, objective.at(rows))


@dataclass
class _DirectionSearch:
    """Searches one after another, within one budget.

    Attributes:
        found: texts in the original names, for the next stage to begin with.
        done: nothing is left to search; only the last stage's finishing remains.
    """

    names: tuple[str, ...]
    settings: Settings
    budget: Budget
    found: list[str] = field(default_factory=list)
    done: bool = False
    reason: str = ""

    def search_merged(self, problem: Merging, share: float, objective: Directions) -> None:
        """Adds to `found` what the merged inputs give."""
        if len(problem.texts) == 1:
            # The input left is the answer: nothing to search.
            mean = np.average(problem.U[:, 0], weights=objective.weights)
            falls = objective.signed and mean < 0
            self.found += [f"-({problem.texts[0]})" if falls else problem.texts[0]]
            if problem.loss <= PARALLEL and self.all_fit():
                self.done, self.reason = True, "exact"
            return
        placeholders = tuple(f"z{k + 1}" for k in range(len(problem.texts)))
        expansion = dict(zip(placeholders, problem.texts, strict=True))
        merged = replace(objective, U=problem.U, scales=problem.S)
        entries = self._search(Matrix(problem.Z, placeholders), merged, share, expansion)
        self.found += [_expanded(text, expansion) for text, _ in entries]
        # An exact formula that is too long is none.
        self.done = self.done and (self.reason == "interrupted" or self.all_fit())

    def left_for_blocks(self) -> float:
        """Seconds; 0 where none of the time or of the evaluations are left."""
        if self.done or not self.budget.within(BLOCKS):
            return 0.0
        return self.budget.seconds(BLOCKS)

    def search_block(self, table: Matrix, objective: Directions) -> list[tuple[str, float]]:
        """What two inputs alone give; reports its progress in z1 and z2 by no formula."""
        entries = self._search(table, objective, BLOCK, None)
        if self.reason != "interrupted":
            self.done = False  # an exact block is not the end
        return entries

    def search_as_it_is(self, table: Matrix, objective: Directions) -> list[tuple[str, float]]:
        """The last stage: goes on from `found`, refits it on all rows and makes it simple."""
        # One input alone is the front's beginning, also where nothing is left to search.
        start = [*self._fitting(self.found), self._best_input(objective)]
        if self.done:
            settings = replace(self.settings, time=self.budget.left())
            return native.finish(table, objective, settings, start).entries
        return self._search(table, objective, 1.0, {}, start)

    def _best_input(self, objective: Directions) -> str:
        """Whose own gradient, the same everywhere, is nearest to those given."""
        U = objective.vectors
        if U.ndim == 3:
            U = np.linalg.norm(U, axis=1)
        U = U if objective.signed else np.abs(U)
        return self.names[int(np.argmax(np.average(U, axis=0, weights=objective.weights)))]

    def all_fit(self) -> bool:
        """Whether everything found can be kept, written in the original inputs."""
        return len(self._fitting(self.found)) == len(self.found)

    def _fitting(self, texts: Sequence[str]) -> list[str]:
        formulas = [
            Formula(text, self.names).simplified(self.settings.every_operator) for text in texts
        ]
        return [
            formula.text for formula in formulas if formula.complexity <= self.settings.max_size
        ]

    def _search(
        self,
        table: Matrix,
        objective: Directions,
        share: float,
        expansion: Mapping[str, str] | None,
        start: Sequence[str] = (),
    ) -> list[tuple[str, float]]:
        """A search of the original inputs (an empty `expansion`), or of others, with a share."""

        def shown(progress: Progress) -> Progress:
            best = progress.best
            if expansion is None:
                best = None  # of a block: it is not what was asked for
            elif best is not None and expansion:
                best = Formula(_expanded(best.text, expansion), self.names, best.loss)
            return replace(progress, best=best)

        mine = self.settings if table.names == self.names else self.settings.of_other_columns()
        mine = replace(
            mine,
            time=self.budget.seconds(share),
            evaluations=self.budget.quota(share),
            callback=self.budget.listener(shown),
        )
        found = dispatch.search(mine.worded(table), objective, mine, start)
        self.budget.spend(found.evaluations, found.reason)
        self.reason = found.reason
        self.done = self.reason in ("exact", "good enough", "interrupted")
        return found.entries


def _expanded(text: str, expansion: Mapping[str, str]) -> str:
    return re.sub(r"\bz\d+\b", lambda name: f"({expansion[name.group()]})", text)
