"""From a table of data to a formula: surrogate, structure, searches of its parts, the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from closedform._choices import Device, Missing, NoiseKind
from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.constraints import Constraints
from closedform.formulas.front import Front
from closedform.formulas.noise import Robust, check_target
from closedform.pipelines.everywhere import concluded
from closedform.pipelines.exchanged_terms import ExchangedTerms
from closedform.pipelines.fewer_inputs import searched_in_fewer_inputs
from closedform.pipelines.fewer_variables import searched_by_units
from closedform.pipelines.given_form import GivenForm, discover_form
from closedform.pipelines.held_out import Errors, HeldOut, Rows
from closedform.pipelines.provenance import provenance, sample_of
from closedform.pipelines.results import Discovery, Way
from closedform.pipelines.stages import LEAST_SECONDS, Stages
from closedform.pipelines.through_surrogate import ThroughSurrogate
from closedform.pipelines.verdict import judge
from closedform.searches import interruption, telling
from closedform.searches.backends import dispatch
from closedform.searches.blas_threads import single_blas_thread
from closedform.searches.budget import Budget, last_stage
from closedform.searches.evidence import told_form
from closedform.searches.judged import FEW_ROWS
from closedform.searches.noise_plan import check as check_noise
from closedform.searches.origins import written, written_front
from closedform.searches.progress import Callback
from closedform.searches.rules import Rules
from closedform.searches.settings import (
    OPERATORS,
    Operators,
    Start,
    arguments_of,
    checked_settings,
    on_cluster,
)
from closedform.searches.templates import read as read_template
from closedform.searches.values import chosen_front
from closedform.surrogates.model import Surrogate
from closedform.surrogates.separability import Separability
from closedform.tables import checks, chunks, cluster, scalars, spool
from closedform.tables.chunks import Data
from closedform.tables.cluster import Partitions
from closedform.tables.column_errors import column_errors
from closedform.tables.frames import column_name, frame_of
from closedform.tables.groups import Groups
from closedform.tables.rows import sample_rows

STRATEGIES = ("auto", "global", "direct")
LEAST_ROWS = 4
HELD_OUT_SHARE = 0.15  # where there are rows enough
MOST_HELD_OUT = 20000
# Shares of the time (or evaluations): kept for terms that are exchanged at the end, and to look at
# what came of them.
EXCHANGED, JOINED = 0.17, 0.02


def discover(
    X: object,
    y: object = None,
    *,
    weights: object = None,
    noise: NoiseKind = "auto",
    sigma: object = None,
    sigma_X: object = None,
    groups: object = None,
    template: str | None = None,
    units: Mapping[str, str] | str | None = None,
    constant_units: str | Sequence[str] = "dimensionless",
    limits: Mapping[str, Any] | None = None,
    constraints: Mapping[str, Any] | None = None,
    missing: Missing = "error",
    time: float = 60.0,
    evaluations: int | None = None,
    operators: Operators = OPERATORS,
    complexities: Mapping[str, int] | None = None,
    max_size: int = 30,
    strategy: str = "auto",
    backend: str = "native",
    options: Mapping[str, Any] | None = None,
    device: Device = "auto",
    threads: int | None = None,
    seed: int = 0,
    start: Start | None = None,
    stop_loss: float | None = None,
    callback: Callback | None = None,
    progress: bool = True,
    client: object = None,
) -> Discovery:
    """Finds the formula behind a table.

    A share of the rows is set aside for the errors reported and used for nothing else; below 30
    rows none is, and each row is left out once. The others are searched for a while; an exact law
    ends it there. Otherwise it is settled how the target scatters (`noise_choice.planned`), of more
    than five inputs those that the first formulas use are searched by themselves
    (`fewer_inputs.searched_in_fewer_inputs`), and a surrogate, of the logarithm where errors are in
    proportion to the values, shows whether the function is one of fewer variables (`similarity`),
    which is then searched in those, and whether it is a sum or product of blocks of inputs
    (`separability`) or a sum of a few products (`few_modes`); each block is searched on samples of
    its own, and the whole is put together, all its constants fitted to the data. Then the data are
    searched directly again, and before and after it terms of few inputs are exchanged against what
    the others leave (`exchanged_terms`). Of all formulas the one that describes the data shortest
    is returned (`description_length.shortest_description`), and a verdict on it: a law, an
    approximation, or none (`verdict.judge`).

    Args:
        X: (n, d) array or table; the path of a CSV or Parquet file; or rows in chunks, as
            `chunks.gather` takes them. A mapped array is read where it lies, one in memory (here
            and below of a GPU's, too, as in `search`) copied once. Or a Dask DataFrame or Array,
            whose partitions stay where they are: 200,000 rows drawn from all of them are searched,
            and constants, losses (where errors are of one size) and held-out errors are in the end
            those of all rows.
        y: (n,) target, or the name of a column of X; None where it comes with chunks. A column of a
            table gives it its name in what is shown.
        weights: (n,) how often each row counts, none negative, or such a name. How precisely its
            target is known is said by sigma or noise.
        noise: how the target scatters around the law: "absolute" (of one size), "relative" (in
            proportion to the value), "log" (in the logarithm; asinh where values have both signs),
            "mixed" (a part of each), "robust" (single rows may be far off), "counts" (Poisson), or
            "auto": what the rows show.
        sigma: (n,) standard errors of the target, or such a name: instead of noise.
        sigma_X: standard errors of the inputs: one number, one for each column, (n, d) numbers, or
            by column's name one number or (n,) of them, as in `search`.
        groups, template: a form of the whole, as in `search`, which is then searched in the rows
            directly; `Discovery.template` is the structure that was found without.
        units, constant_units, limits, constraints: what units are told and kept, limits to the
            form, and what formulas are to be like, as in `search`; by the surrogate's way
            candidates are looked at once they are put together.
        missing: "error" refuses rows with a missing value (NaN, null, an empty cell); "drop" leaves
            them out, and the logger "closedform" says how many.
        time: seconds for everything; ends earlier when an exact law is found.
        evaluations: budget of the searches together, as in `search`; with time=math.inf the result
            depends on the seed alone.
        operators, complexities, max_size, backend, options: as in `search`.
        threads, seed, start, stop_loss: as in `search`.
        device: where what goes over all rows is computed, as in `Surrogate` and `search`.
        strategy: "auto"; "global" searches all inputs at once even where the surrogate splits;
            "direct" makes no surrogate.
        callback: called with a Progress; returning True ends the work, the best so far is kept.
        progress: whether a terminal (standard error) or a notebook shows how far it is.
        client: of dask.distributed, whose workers search: `options={"colonies": 8}` of them, on
            whose number alone, not on that of the workers, results depend. None for this process;
            for Dask's data, the current client.

    Raises:
        InputError: arguments that cannot be used, constant columns or target.

    Example:
        >>> import numpy as np
        >>> import closedform as cf
        >>> X = np.random.default_rng(0).uniform(1, 2, (50, 2))
        >>> cf.discover(X, X[:, 0] / X[:, 1], time=10)
        Discovery('x1/x2', law)
    """
    _check_one_target(y)
    settings = checked_settings(arguments_of(locals()), callback, device)
    scalars.choice(strategy, "strategy", STRATEGIES)
    progress = scalars.flag(progress, "progress")
    check_noise(noise, sigma, sigma_X)
    settings = on_cluster(settings, client := cluster.client_of(client, X))
    others = {"sigma_X": sigma_X, "units": units, "limits": limits, "constraints": constraints}
    settings = told_form(groups, template, y, others, settings)
    attributes = getattr(X, "attrs", None)
    own = None
    if groups is not None:
        X, own = Groups.read(X, groups)
    sampled = None  # where whoever asks has not all of them
    partitions = _partitions(X, y, weights, sigma, sigma_X, client, missing, seed)
    if partitions is None:
        data = chunks.gather(X, y, weights, sigma, min_rows=LEAST_ROWS, missing=missing)
        held_out = _draw_held_out(data.target, data.weights, seed)
    else:
        data, held = partitions.sample(cluster.SAMPLE, seed)
        sampled = partitions if sum(partitions.rows) > len(held) else None
        held_out = np.flatnonzero(held)
    data = replace(data, inputs=settings.worded(data.inputs))
    if own is not None:
        own = own.check(len(data.inputs.values) + data.dropped).at(data.kept)
    read = None if template is None else read_template(template, data.inputs.names)
    form = GivenForm(own, read)
    errors = column_errors(sigma_X, data.inputs, data.kept)
    checks.varying_columns(data.inputs)
    checks.varying_target(data.target, data.weights)
    check_target(noise, data.target)
    called = (y, "y") if isinstance(y, str) else ("y",)
    table = data.inputs
    rules = Rules.read(units, constant_units, limits, table.names, called, attributes, table.labels)
    shape = Constraints.read(constraints, data.inputs.names, data.inputs.values, data.target)
    settings = replace(settings, rules=rules.completed(shape, form.template))
    dispatch.prepare(settings)
    target = column_name(y, "y")
    told = "auto" if sigma is None else "sigma"
    asked = {"noise": told if noise == "auto" else noise, "strategy": strategy, "device": device}
    heard = telling.telling("discover", settings, data.inputs, progress, target)
    if own is not None or template is not None:
        groups_of = [] if own is None else [f"groups of {own.name}"]
        asked["form"] = ", ".join([*groups_of, *([] if template is None else [template])])
        origin = provenance(target, data, (0, 0), settings, asked)
        with interruption.held(), single_blas_thread(), heard as callback:
            mine = replace(settings, callback=callback)
            found = discover_form(data, form, noise, mine, held_out, origin)
            if settings.checkpoint is not None:
                settings.checkpoint.conclude(found.front)
        telling.found("discover", found.formula, found.stopped)
        return found
    searched, tested = _set_aside(data, errors, held_out)
    kept = last_stage(settings.time)
    run = Stages(
        X=searched.X,
        y=searched.y,
        counts=searched.counts,
        names=data.inputs.names,
        labels=data.inputs.labels,
        settings=settings,
        device=device,
        budget=Budget(settings.time, evaluations, callback, kept, LEAST_SECONDS),
        provenance=provenance(target, data, (len(searched.y), len(tested.y)), settings, asked),
        partitions=sampled,
        moved=spool.Moved.of(len(data.target), held_out),
    )
    with interruption.held(), single_blas_thread(), heard as run.budget.callback:
        found = _discovered(run, strategy, noise, searched, tested)
        if partitions is not None:
            ends = run.budget.begun + settings.time
            found = concluded(found, partitions, searched, settings, ends)
        found = replace(found, outliers=_outliers(found, data))
        if settings.checkpoint is not None:
            settings.checkpoint.conclude(found.front)
    telling.found("discover", found.formula, found.stopped)
    return found


def _check_one_target(y: object) -> None:
    frame = None if isinstance(y, str) else frame_of(y, name="y")
    columns = 1 if frame is None else len(frame.columns)
    if isinstance(y, np.ndarray) and y.ndim == 2:
        columns = y.shape[1]
    if columns > 1:
        raise InputError(f"y: has {columns} columns; give one, or all of them to discover_system")


def _partitions(
    X: object,
    y: object,
    weights: object,
    sigma: object,
    sigma_X: object,
    client: object,
    missing: Missing,
    seed: int,
) -> Partitions | None:
    """Rows on a cluster, a share of those of every partition set aside; None for others."""
    if not cluster.is_distributed(X):
        return None
    if sigma_X is not None:
        raise InputError("sigma_X: is not for rows on a cluster; give X.compute()")
    found = Partitions.of(
        X,
        y,
        weights,
        sigma,
        client=client,
        missing=missing,
        held_out=HELD_OUT_SHARE,
        seed=seed,
    )
    if sum(found.rows) < FEW_ROWS:
        raise InputError(
            f"X: {sum(found.rows)} rows on a cluster are few; give X.compute(), which leaves each "
            "out in turn"
        )
    return found


def _discovered(
    run: Stages, strategy: str, noise: NoiseKind, searched: Rows, tested: Rows
) -> Discovery:
    surrogate, structure, through = None, None, None
    sigma, sigma_X = searched.sigma, searched.sigma_X
    known = noise != "auto" or sigma is not None or sigma_X is not None
    if known:
        run.look_at_noise(noise, sigma, sigma_X)
    direct, by_units = run.first_look(), None
    if strategy != "direct" and not run.done(direct):
        direct, by_units = searched_by_units(run, direct)
    if not known and not run.done(direct):
        run.look_at_noise(noise, sigma, sigma_X)
        if len(run.plan.noises) > 1:
            direct = run.second_look(direct)
    if strategy != "direct" and not run.done(direct):
        direct = searched_in_fewer_inputs(run, direct)
    if strategy != "direct" and not run.done(direct):
        surrogate, structure = run.read_structure()
    split = strategy == "auto"
    if surrogate is not None and structure is not None and not run.done(direct):
        with run.budget.interruptible():  # its searches return what they have
            through = ThroughSurrogate(run, surrogate, structure, split, by_units).front()
    if not run.done(through) and not run.done(direct):
        direct = _searched_to_the_end(run, split, direct, through)
    return _conclude(run, surrogate, structure, strategy, direct, through, searched, tested)


def _searched_to_the_end(run: Stages, split: bool, front: Front, through: Front | None) -> Front:
    """The data searched with all that is left; where `split`, terms are exchanged before and
    after."""
    phase = "search on the data"
    if not split or run.linked or len(run.names) < 2:
        return run.search(phase, 1.0, front)
    terms = ExchangedTerms(run)
    for share in (EXCHANGED, 0.0):
        with run.budget.interruptible():
            found = terms.formulas([*(through or ()), *front])
            front = run.search("whole", JOINED, [*front, *found]) if found else front
        if run.done(front):
            break
        left = run.budget.share_left() - share
        front = run.search(phase, left, front) if left > 0.0 else front
        if run.done(front):
            break
    return front


def _draw_held_out(y: Floats, weights: Floats | None, seed: int) -> npt.NDArray[np.intp]:
    """A share of the rows that weigh anything: the others say nothing, of errors neither. None of
    few: the formula needs them all."""
    weighted = None if weights is None else np.flatnonzero(weights)
    rows = len(y) if weighted is None else len(weighted)
    if rows < LEAST_ROWS:
        raise InputError(f"weights: only {rows} rows have any; at least {LEAST_ROWS} are needed")
    if rows < FEW_ROWS:
        return np.zeros(0, dtype=np.intp)
    count = min(max(1, round(HELD_OUT_SHARE * rows)), MOST_HELD_OUT)
    drawn = sample_rows(rows, count, np.random.default_rng(seed))
    return np.sort(drawn if weighted is None else weighted[drawn])


def _set_aside(
    data: Data, sigma_X: Floats | None, held_out: npt.NDArray[np.intp]
) -> tuple[Rows, Rows]:
    """The rows to search, and those to measure errors at."""
    searched_X, test_X = spool.set_aside(data.inputs.values, held_out)
    pairs = [
        (None, None) if column is None else spool.set_aside(column, held_out)
        for column in (data.weights, data.sigma)
    ]
    searched_y, test_y = spool.set_aside(data.target, held_out)
    (searched_w, test_w), (searched_s, test_s) = pairs
    of_searched = of_test = sigma_X
    if sigma_X is not None and sigma_X.ndim == 2:
        of_searched, of_test = spool.set_aside(sigma_X, held_out)
    searched = Rows(searched_X, searched_y, searched_w, searched_s, of_searched)
    return searched, Rows(test_X, test_y, test_w, test_s, of_test)


def _conclude(
    run: Stages,
    surrogate: Surrogate | None,
    structure: Separability | None,
    strategy: str,
    direct: Front,
    through: Front | None,
    searched: Rows,
    tested: Rows,
) -> Discovery:
    """Chooses among the formulas of both ways and measures what was found."""
    budget = run.budget
    # Nothing follows the last search to notice its end.
    budget.stopped = budget.stopped or direct.stopped
    found = [*(through or ()), *direct]
    front, choice = chosen_front(found, run.table, run.objective, run.settings, budget.ends())
    source = choice.chosen.source
    chosen: Way = (
        "direct" if through is None or source not in list(through) else "through_surrogate"
    )
    front = written_front(front, run.table)
    front.stopped, front.evaluations, front.seconds = budget.stopped, budget.spent, budget.elapsed()
    few = len(tested.y) == 0
    rows = searched if few else tested
    measure = HeldOut(choice.chosen.noise, choice.chosen.parameters, rows, leave_out=few)
    errors: dict[str, Errors | None] = {
        "surrogate": None
        if surrogate is None or few
        else measure.of_values(run.unlinked(surrogate.predict(rows.X))),
        "through_surrogate": None
        if through is None
        else measure.of_formula(
            front.best if chosen == "through_surrogate" else written(through.best, run.table)
        ),
        "direct": measure.of_formula(
            front.best if chosen == "direct" else written(direct.best, run.table)
        ),
    }
    front = front.of_data(run.labels, run.X, *([] if few else [tested.X]))
    if run.settings.rules is not None:
        front = run.settings.rules.told(run.settings.rules.kept(front))
    return Discovery(
        formula=front.best,
        front=front,
        verdict=judge(choice, front.best, run.X, run.objective, errors, budget.ends()),
        noise=replace(run.plan.led_by(choice.chosen.noise.kind), fitted=choice.chosen.parameters),
        surrogate=surrogate,
        separability=structure,
        similarity=run.similarity,
        strategy=_strategy(surrogate, structure, strategy),
        errors=errors,
        chosen=chosen,
        stopped=budget.stopped,
        provenance=run.provenance.ended(budget),
        sample=sample_of(Rows(run.X, run.y, None, None), tested, run.settings.seed),
    )


def _outliers(found: Discovery, data: Data) -> tuple[int, ...]:
    """Rows of the table that a robust model hardly believes."""
    noise = found.noise.main
    if not isinstance(noise, Robust):
        return ()
    f = found.formula._expression.evaluate(data.inputs.values)
    far = np.flatnonzero(noise.lets_go(data.target, f, found.noise.fitted))
    return tuple((far if data.kept is None else data.kept[far]).tolist())


def _strategy(surrogate: Surrogate | None, structure: Separability | None, asked: str) -> str:
    if surrogate is None:
        return "direct"
    return structure.strategy if structure is not None and asked == "auto" else "global"
