"""From a table of data to a formula: surrogate, separability, one search a block, the whole."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from closedform import _core, _device, _inputs, backends, blocks, chunks, mapped_files
from closedform._device import Device
from closedform.formula import EXACT, Formula, Front, pareto, scored
from closedform.links import LINKS, Link
from closedform.progress import Callback, Progress
from closedform.search import INTERRUPTED_SECONDS
from closedform.search import run as run_search
from closedform.selection import choose
from closedform.separability import Leaf, Separability, Tree, separability
from closedform.settings import LARGEST_SIZE, OPERATORS, Settings, checked
from closedform.surrogate import Surrogate
from closedform.targets import Values

Floats = npt.NDArray[np.float64]

HELD_OUT_SHARE = 0.15
MOST_HELD_OUT = 20000
# Rows that constants of a whole are fitted to; its loss is that on all rows in the end.
MOST_REFITTED = 50000
# Shares of the time (or evaluations) of the stages; the direct search gets what is left.
SURROGATE, SEPARABILITY, FIRST_LOOK, LEAVES, REDUCTION, WHOLE = (0.12, 0.10, 0.10, 0.25, 0.02, 0.10)
# A surrogate worse than this (held-out error over the target's spread) says nothing about leaves.
USEFUL = 0.5
# One worse than this is no better to search than the data themselves.
ROUGH = 0.1
# Of the time, kept for the choice between the two ways, and the most of it.
LAST_SHARE = 0.05
LAST_SECONDS = 1.0
# Stages that take no longer however much time there is.
LONGEST_STAGE = 20.0


@dataclass(frozen=True)
class Errors:
    """Errors on rows held out from everything: from every fit and from every choice.

    Attributes:
        rmse: root mean square error, in the target's units.
        nrmse: rmse over the standard deviation of the held-out target.
        mean_relative: mean of |error| / |target|; NaN where a target is 0.
        max_abs: largest absolute error.
    """

    rmse: float
    nrmse: float
    mean_relative: float
    max_abs: float


@dataclass(frozen=True)
class Discovery:
    """What `discover` found.

    Attributes:
        formula: the formula to use.
        front: the Pareto front of both ways together; losses are on the rows searched.
        surrogate, separability: what the structure was read from; None where that stage was not
            reached or not asked for.
        strategy: "per-dimension", "per-block", "global" or "direct".
        errors: held-out errors of "surrogate", "through_surrogate" (formula found by way of the
            surrogate) and "direct" (formula searched on the data alone); None for a way not taken.
        chosen: which of the two formulas `formula` is, decided on the rows searched.
        stopped: "exact", "time", "evaluations" or "interrupted".
    """

    formula: Formula
    front: Front
    surrogate: Surrogate | None
    separability: Separability | None
    strategy: str
    errors: Mapping[str, Errors | None]
    chosen: Literal["through_surrogate", "direct"]
    stopped: str

    def report(self, path: str | Path) -> None:
        """Writes a page with the formula, the front, the errors and the structure."""
        from closedform import report

        report.write(self, path)


def discover(
    X: object,
    y: object = None,
    *,
    weights: object = None,
    time: float = 60.0,
    evaluations: int | None = None,
    operators: Iterable[str] = OPERATORS,
    max_size: int = 30,
    strategy: str = "auto",
    backend: str = "native",
    options: Mapping[str, Any] | None = None,
    threads: int | None = None,
    seed: int = 0,
    device: Device = "cpu",
    callback: Callback | None = None,
) -> Discovery:
    """Finds the formula behind a table.

    A share of the rows is set aside for the errors reported and used for nothing else. A surrogate
    fitted to the others shows whether the function is a sum or product of blocks of inputs; each
    block is then searched on samples of its own, and the whole is put together, all its constants
    fitted to the data. The data are searched directly, too. Of the two formulas the one that
    describes the data shorter is returned (`selection.choose`).

    Args:
        X: (n, d) array or table; or rows in chunks, as `chunks.rows` takes them. A mapped array is
            read where it lies, one in memory copied once.
        y: (n,) target, or the name of a column of a data set; None where it comes with chunks.
        weights: (n,) non-negative weights of the rows, or such a name.
        time: seconds for everything; ends earlier when an exact law is found.
        evaluations: budget of the searches together, as in `search`; with time=math.inf the result
            depends on the seed alone.
        operators, max_size, backend, options, threads, seed: as in `search`.
        device: where what goes over all rows is computed, as in `Surrogate` and `search`.
        strategy: "auto"; "global" searches all inputs at once even where the surrogate splits;
            "direct" makes no surrogate.
        callback: called with a Progress; returning True ends the work, the best so far is kept.

    Raises:
        InputError: arguments that cannot be used, constant columns or target.
    """
    _device.host_only(X, "discover")
    settings = checked(
        operators=operators,
        max_size=max_size,
        time=time,
        evaluations=evaluations,
        backend=backend,
        options=options,
        threads=threads,
        seed=seed,
        callback=callback,
        device=device,
    )
    if strategy not in ("auto", "global", "direct"):
        raise _inputs.InputError(
            f"strategy: {strategy!r} is unknown; use 'auto', 'global' or 'direct'"
        )
    rows = chunks.rows(X, y, weights, min_rows=8)
    _inputs.varying_columns(rows.table)
    _inputs.varying_target(rows.target)
    backends.prepare(settings)
    held_out = _draw_held_out(len(rows.target), seed)
    searched_X, test_X = mapped_files.set_aside(rows.table.values, held_out)
    searched_y, test_y = mapped_files.set_aside(rows.target, held_out)
    run = _Run(
        X=searched_X,
        y=searched_y,
        weights=None if rows.weights is None else mapped_files.set_aside(rows.weights, held_out)[0],
        names=rows.table.names,
        settings=settings,
        device=device,
    )
    surrogate, structure = None, None
    if strategy != "direct":
        surrogate, structure = run.read_structure()
    direct = run.search("search", FIRST_LOOK)
    through = None
    tree = structure.tree if structure is not None and strategy == "auto" else None
    if surrogate is not None and structure is not None and not run.done(direct):
        try:
            through = run.through_surrogate(surrogate, structure, split=tree is not None)
        except KeyboardInterrupt:  # between its searches, which return what they have
            run.stopped = "interrupted"
    if not run.done(through) and not run.done(direct):
        direct = run.search("search on the data", 1.0, start=direct)
    return _conclude(run, surrogate, structure, strategy, direct, through, test_X, test_y)


def _draw_held_out(rows: int, seed: int) -> npt.NDArray[np.intp]:
    count = min(max(1, round(HELD_OUT_SHARE * rows)), MOST_HELD_OUT)
    return np.sort(_inputs.drawn(rows, count, np.random.default_rng(seed)))


def _conclude(
    run: _Run,
    surrogate: Surrogate | None,
    structure: Separability | None,
    strategy: str,
    direct: Front,
    through: Front | None,
    test_X: _inputs.FloatMatrix,
    test_y: Floats,
) -> Discovery:
    """Chooses between the two ways and measures what was found on the rows set aside."""
    run.stopped = run.stopped or direct.stopped  # nothing follows the last search to notice its end
    ways: list[tuple[Literal["through_surrogate", "direct"], Front]] = [("direct", direct)]
    if through is not None:
        ways.insert(0, ("through_surrogate", through))
    bests = [front.best for _, front in ways]
    winner = choose(bests, run.X, run.y, run.weights, run.settings.seed, run.ends())
    formula = bests[winner]
    members = pareto(
        [f for _, front in ways for f in front if f is not formula and f != formula] + [formula],
        run.exact,
    )
    if formula not in members:  # another of its size is closer, but describes the data no better
        members = sorted([*members, formula], key=lambda f: f.complexity)
    errors: dict[str, Errors | None] = {
        "surrogate": None if surrogate is None else _errors(surrogate.predict(test_X), test_y),
        "through_surrogate": None if through is None else _errors(through.best(test_X), test_y),
        "direct": _errors(direct.best(test_X), test_y),
    }
    return Discovery(
        formula=formula,
        front=Front(
            members,
            best=members.index(formula),
            stopped=run.stopped,
            evaluations=run.spent,
            seconds=run.elapsed(),
        ).of_data(run.X, test_X),
        surrogate=surrogate,
        separability=structure,
        strategy=structure.strategy if structure is not None and strategy == "auto" else strategy,
        errors=errors,
        chosen=ways[winner][0],
        stopped=run.stopped,
    )


def _errors(prediction: Floats, y: Floats) -> Errors:
    error = prediction - y
    rmse = float(np.sqrt(np.mean(error**2)))
    spread = float(np.std(y))
    relative = float(np.mean(np.abs(error / y))) if np.all(y != 0) else math.nan
    return Errors(
        rmse=rmse,
        nrmse=rmse / spread if spread > 0 else math.nan,
        mean_relative=relative,
        max_abs=float(np.max(np.abs(error))),
    )


@dataclass
class _Run:
    """The rows that may be searched, what is left of the budget, and the stages on them."""

    X: _inputs.FloatMatrix
    y: Floats
    weights: Floats | None
    names: tuple[str, ...]
    settings: Settings
    device: Device
    spent: int = 0
    stopped: str = ""
    begun: float = field(default_factory=clock.monotonic)

    @cached_property
    def exact(self) -> float:
        """Loss up to which a formula reproduces the target to rounding."""
        return EXACT * _inputs.variance(self.y)

    @cached_property
    def few(self) -> tuple[Floats, Floats, Floats | None]:
        """X, y and weights of a sample in memory, for what goes over the rows many times."""
        chosen = _inputs.drawn(
            len(self.y), MOST_REFITTED, np.random.default_rng(self.settings.seed)
        )
        chosen.sort()
        X = np.ascontiguousarray(self.X[chosen], dtype=np.float64)
        return X, self.y[chosen], None if self.weights is None else self.weights[chosen]

    def elapsed(self) -> float:
        return clock.monotonic() - self.begun

    def left(self) -> float:
        """Seconds the searches still have."""
        kept = min(LAST_SHARE * self.settings.time, LAST_SECONDS)
        return max(0.1, self.settings.time - kept - self.elapsed())

    def ends(self) -> float:
        """When the choice between the two ways has to be made, by time.monotonic."""
        if self.stopped == "interrupted":
            return clock.monotonic() + INTERRUPTED_SECONDS
        return self.begun + self.settings.time

    def stage(self, share: float) -> float:
        """Seconds for a stage that can end early by itself; with no limit, no clock is read."""
        return (
            min(LONGEST_STAGE, share * self.settings.time)
            if math.isfinite(self.settings.time)
            else math.inf
        )

    def done(self, front: Front | None) -> bool:
        """Nothing more to gain: an exact law, or no budget, or somebody said stop."""
        if front is not None and front.best.loss <= self.exact:
            self.stopped = "exact"
        if not self.stopped and self.left() <= 0.1:
            self.stopped = "time"
        if (
            not self.stopped
            and self.settings.evaluations is not None
            and self.spent >= self.settings.evaluations
        ):
            self.stopped = "evaluations"
        return bool(self.stopped)

    def tell(self, phase: str, best: Formula | None = None, message: str = "") -> None:
        remaining = self.left() if math.isfinite(self.settings.time) else None
        loss = None if best is None else best.loss
        progress = Progress(phase, self.elapsed(), remaining, self.spent, best, loss, message)
        if self.settings.callback is not None and self.settings.callback(progress):
            self.stopped = "interrupted"

    def read_structure(self) -> tuple[Surrogate | None, Separability | None]:
        """Surrogate and separability; None for a stage that Ctrl-C cut short."""
        surrogate: Surrogate | None = None
        try:
            self.tell("surrogate")
            surrogate = self._surrogate_of(self.X, self.y, self.weights)
            self.tell(
                "separability", message=f"surrogate: held-out error {surrogate.held_out_error:.2g}"
            )
            if surrogate.held_out_error > USEFUL:
                return surrogate, None
            structure = self._separability_of(surrogate, self.X, self.y, self.weights)
        except KeyboardInterrupt:
            self.stopped = "interrupted"
            return surrogate, None
        return surrogate, structure

    def _surrogate_of(
        self, X: _inputs.FloatMatrix, target: Floats, weights: Floats | None
    ) -> Surrogate:
        return Surrogate(
            time=self.stage(SURROGATE),
            seed=self.settings.seed,
            threads=self.settings.threads or 0,
            device=self.device,
        ).fit(_inputs.Matrix(X, self.names), target, weights=weights)

    def _separability_of(
        self, surrogate: Surrogate, X: _inputs.FloatMatrix, target: Floats, weights: Floats | None
    ) -> Separability:
        return separability(
            surrogate,
            _inputs.Matrix(X, self.names),
            target,
            weights=weights,
            time=self.stage(SEPARABILITY),
            seed=self.settings.seed,
            threads=self.settings.threads or 0,
            device=self.device,
        )

    def search(
        self,
        phase: str,
        share: float,
        *,
        start: Iterable[Formula | str] = (),
        rows: tuple[Floats, Floats] | None = None,
        names: tuple[str, ...] | None = None,
        good_enough: float = 0.0,
        settings: Settings | None = None,
    ) -> Front:
        """One search with a share of the whole budget: of the data, or of other rows.

        good_enough: loss below which looking further copies the surrogate's errors.
        settings: other than the user's.
        """
        budget = self.settings.evaluations
        quota = None
        if budget is not None:
            quota = max(1, min(int(share * budget), budget - self.spent))
        if settings is None:
            settings = self.settings if rows is None else self.settings.of_other_columns()

        def tell(progress: Progress) -> bool:
            best = progress.best if rows is None else None
            message = f"block: {progress.best}" if rows is not None else ""
            before = self.spent
            self.spent += progress.evaluations
            self.tell(phase, best, message)
            self.spent = before
            return self.stopped == "interrupted"

        X, y = (self.X, self.y) if rows is None else rows
        front = run_search(
            _inputs.Matrix(X, names or self.names),
            Values(y, self.weights if rows is None else None),
            replace(
                settings,
                time=min(self.left(), share * self.settings.time),
                evaluations=quota,
                callback=tell,
                good_enough=good_enough,
            ),
            [str(formula) for formula in start],
        )
        self.spent += front.evaluations
        if front.stopped == "interrupted":
            self.stopped = "interrupted"
        return front

    def through_surrogate(
        self, surrogate: Surrogate, structure: Separability, *, split: bool
    ) -> Front | None:
        """Leaves searched on samples, the whole put together and refitted to the data.

        None where there is nothing to gain over searching the data: one block, and a surrogate too
        rough to sample.
        """
        tree, link, values, error = self._blocks(surrogate, structure, split)
        if isinstance(tree, Leaf) and error > ROUGH:
            return None
        leaves = _leaves(tree)
        ranges = [(float(nodes[0]), float(nodes[-1])) for nodes in surrogate.nodes]
        choices: dict[Leaf, list[Formula]] = {}
        for leaf in leaves:
            names = tuple(self.names[i] for i in leaf.inputs)
            rows = blocks.design(self.X, leaf.inputs, ranges, self.settings.seed)
            samples = values(leaf, rows)
            spread = float(np.std(samples))
            if not (np.all(np.isfinite(samples)) and spread > 0):
                return None
            front = self.search(
                f"search {', '.join(names)}",
                LEAVES / len(leaves),
                rows=(rows, samples),
                names=names,
                good_enough=(0.1 * error * spread) ** 2,
            )
            choices[leaf] = blocks.candidates(front, spread, error)
            if self.done(None):
                return None
        self.tell("whole")
        start = self._refitted(blocks.combinations(tree, choices), link)
        if not start or self.done(None):
            return None
        return self.search("whole", WHOLE, start=start)

    def _blocks(
        self, surrogate: Surrogate, structure: Separability, split: bool
    ) -> tuple[Tree, Link, Callable[[Leaf, Floats], Floats], float]:
        """The tree to search by, the link around it, the function of each leaf, and its error."""
        if split and not isinstance(structure.tree, Leaf):
            return structure.tree, LINKS["identity"], structure.leaf_values, structure.error
        if split and structure.link is not None:
            link = LINKS[structure.link]
            X, y, weights = self.few
            target = link.forward(y)
            if link.operators <= set(self.settings.operators) and np.all(np.isfinite(target)):
                linked = self._surrogate_of(X, target, weights)
                behind = self._separability_of(linked, X, target, weights)
                if not isinstance(behind.tree, Leaf):
                    return behind.tree, link, behind.leaf_values, behind.error
        active = tuple(i for i, on in enumerate(structure.active) if on)

        def whole(leaf: Leaf, rows: Floats) -> Floats:
            full = np.tile(structure.anchor, (len(rows), 1))
            full[:, list(leaf.inputs)] = rows
            return surrogate.predict(full)

        return Leaf(active), LINKS["identity"], whole, surrogate.held_out_error

    def _refitted(self, texts: list[str], link: Link) -> list[Formula]:
        """The wholes with all constants fitted to a sample, then reduced; the front of them.

        Behind a link the sum is fitted to the transformed target first: its constant term is not
        known, and 1/sum may have poles before it is.

        A whole begins larger than it ends: only a fit of all leaves together shows which of their
        factors are equal, or one. So there is room for twice the size until it has been reduced.
        """
        room = min(2 * self.settings.max_size + 10, LARGEST_SIZE)
        fitted = []
        X, y, weights = self.few
        linked = link.forward(y)
        for text in texts:
            inner = Formula(text, self.names).refit(X, linked, weights, seconds=self.left())
            if not math.isfinite(inner.loss):
                continue
            formula = Formula(link.inverse(f"({inner.text})"), self.names)
            formula = formula.refit(X, y, weights, seconds=self.left())
            simple = formula.simplified(self.settings.operators)
            if simple.complexity <= room and math.isfinite(formula.loss):
                fitted += scored([simple.text], self.names, X, _core.Goal.values(y, weights))
            if self.left() <= 0.1:
                break
        if not fitted:
            return []
        # Whichever engine searched, reducing is the native one's.
        native = replace(self.settings, backend="native", options={}, max_size=room)
        reduced = self.search("whole", REDUCTION, start=pareto(fitted), settings=native)
        return [formula for formula in reduced if formula.complexity <= self.settings.max_size]


def _leaves(tree: Tree) -> list[Leaf]:
    if isinstance(tree, Leaf):
        return [tree]
    return [leaf for part in tree.parts for leaf in _leaves(part)]
