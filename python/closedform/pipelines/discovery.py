"""From a table of data to a formula: surrogate, structure, searches of its parts, the whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError
from closedform.formulas.front import Front, pareto
from closedform.pipelines.results import Discovery, Errors
from closedform.pipelines.stages import LEAST_SECONDS, Stages
from closedform.pipelines.through_surrogate import ThroughSurrogate
from closedform.searches import interruption
from closedform.searches.backends import dispatch
from closedform.searches.budget import Budget, last_stage
from closedform.searches.description_length import shortest_description
from closedform.searches.objectives import Values
from closedform.searches.progress import Callback
from closedform.searches.settings import OPERATORS, arguments_of, checked_settings
from closedform.surrogates.model import Surrogate
from closedform.surrogates.separability import Separability
from closedform.tables import checks, chunks, devices, spool
from closedform.tables.devices import Device
from closedform.tables.rows import sample_rows, variance

LEAST_ROWS = 8
HELD_OUT_SHARE = 0.15
MOST_HELD_OUT = 20000


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
    device: Device = "cpu",
    threads: int | None = None,
    seed: int = 0,
    callback: Callback | None = None,
) -> Discovery:
    """Finds the formula behind a table.

    A share of the rows is set aside for the errors reported and used for nothing else. The others
    are searched for a while; an exact law ends it there. Otherwise a surrogate fitted to them shows
    whether the function is one of fewer variables (`similarity`), which is then searched in those,
    and whether it is a sum or product of blocks of inputs (`separability`); each block is searched
    on samples of its own, and the whole is put together, all its constants fitted to the data. Then
    the data are searched directly again. Of the two formulas the one that describes the data
    shorter is returned (`description_length.shortest_description`).

    Args:
        X: (n, d) array or table; or rows in chunks, as `chunks.gather` takes them. A mapped array
            is read where it lies, one in memory copied once.
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
    devices.host_only(X, "discover")
    settings = checked_settings(arguments_of(locals()), callback, device)
    if strategy not in ("auto", "global", "direct"):
        raise InputError(f"strategy: {strategy!r} is unknown; use 'auto', 'global' or 'direct'")
    data = chunks.gather(X, y, weights, min_rows=LEAST_ROWS)
    checks.varying_columns(data.inputs)
    checks.varying_target(data.target)
    dispatch.prepare(settings)
    held_out = _draw_held_out(data.target, data.weights, seed)
    searched_X, test_X = spool.set_aside(data.inputs.values, held_out)
    searched_y, test_y = spool.set_aside(data.target, held_out)
    searched_w, test_w = None, None
    if data.weights is not None:
        searched_w, test_w = spool.set_aside(data.weights, held_out)
    kept = last_stage(settings.time)
    run = Stages(
        X=searched_X,
        y=searched_y,
        weights=searched_w,
        names=data.inputs.names,
        labels=data.inputs.labels,
        settings=settings,
        device=device,
        budget=Budget(settings.time, evaluations, callback, kept, LEAST_SECONDS),
    )
    with interruption.held():
        found = _discovered(run, strategy, _Test(test_X, test_y, test_w))
        if settings.checkpoint is not None:
            settings.checkpoint.conclude(found.front)
    return found


def _discovered(run: Stages, strategy: str, test: _Test) -> Discovery:
    surrogate, structure, through = None, None, None
    direct = run.first_look()
    if strategy != "direct" and not run.done(direct):
        surrogate, structure = run.read_structure()
    split = strategy == "auto"
    if surrogate is not None and structure is not None and not run.done(direct):
        with run.budget.interruptible():  # its searches return what they have
            through = ThroughSurrogate(run, surrogate, structure, split).front()
    if not run.done(through) and not run.done(direct):
        direct = run.search("search on the data", 1.0, direct)
    return _conclude(run, surrogate, structure, strategy, direct, through, test)


@dataclass(frozen=True)
class _Test:
    """The rows set aside; every one of them weighs something."""

    X: FloatMatrix
    y: Floats
    weights: Floats | None


def _draw_held_out(y: Floats, weights: Floats | None, seed: int) -> npt.NDArray[np.intp]:
    """A share of the rows that weigh anything: the others say nothing, of errors neither."""
    weighted = None if weights is None else np.flatnonzero(weights)
    rows = len(y) if weighted is None else len(weighted)
    if rows < LEAST_ROWS:
        raise InputError(f"weights: only {rows} rows have any; at least {LEAST_ROWS} are needed")
    count = min(max(1, round(HELD_OUT_SHARE * rows)), MOST_HELD_OUT)
    drawn = sample_rows(rows, count, np.random.default_rng(seed))
    return np.sort(drawn if weighted is None else weighted[drawn])


def _conclude(
    run: Stages,
    surrogate: Surrogate | None,
    structure: Separability | None,
    strategy: str,
    direct: Front,
    through: Front | None,
    test: _Test,
) -> Discovery:
    """Chooses between the two ways and measures what was found on the rows set aside."""
    budget = run.budget
    # Nothing follows the last search to notice its end.
    budget.stopped = budget.stopped or direct.stopped
    ways: list[tuple[Literal["through_surrogate", "direct"], Front]] = [("direct", direct)]
    if through is not None:
        ways.insert(0, ("through_surrogate", through))
    bests = [front.best for _, front in ways]
    objective = Values(run.y, run.weights)
    winner = shortest_description(bests, run.X, objective, run.settings.seed, budget.ends())
    formula = bests[winner]
    members = pareto(
        [f for _, front in ways for f in front if f is not formula and f != formula] + [formula],
        run.exact,
    )
    if formula not in members:  # another of its size is closer, but describes the data no better
        members = sorted([*members, formula], key=lambda f: f.complexity)
    errors: dict[str, Errors | None] = {
        "surrogate": None if surrogate is None else _errors(surrogate.predict(test.X), test),
        "through_surrogate": None if through is None else _errors(through.best(test.X), test),
        "direct": _errors(direct.best(test.X), test),
    }
    return Discovery(
        formula=formula,
        front=Front(
            members,
            best=members.index(formula),
            stopped=budget.stopped,
            evaluations=budget.spent,
            seconds=budget.elapsed(),
        ).of_data(run.labels, run.X, test.X),
        surrogate=surrogate,
        separability=structure,
        similarity=run.similarity,
        strategy=_strategy(surrogate, structure, strategy),
        errors=errors,
        chosen=ways[winner][0],
        stopped=budget.stopped,
    )


def _strategy(surrogate: Surrogate | None, structure: Separability | None, asked: str) -> str:
    if surrogate is None:
        return "direct"
    return structure.strategy if structure is not None and asked == "auto" else "global"


def _errors(prediction: Floats, test: _Test) -> Errors:
    y, weights = test.y, test.weights
    error = prediction - y
    rmse = float(np.sqrt(np.average(error**2, weights=weights)))
    deviation = math.sqrt(variance(y, weights))
    relative = np.average(np.abs(error / y), weights=weights) if np.all(y != 0) else math.nan
    return Errors(
        rmse=rmse,
        nrmse=rmse / deviation if deviation > 0 else math.nan,
        mean_relative=float(relative),
        max_abs=float(np.max(np.abs(error))),
    )
