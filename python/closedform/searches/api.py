"""Symbolic search for values, gradients or labels, as a Pareto front of size against loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from closedform import _core
from closedform._choices import Device, Missing, NoiseKind
from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.constraints import Constraints
from closedform.formulas.front import Front
from closedform.searches import interruption
from closedform.searches.backends import dispatch
from closedform.searches.blas_threads import single_blas_thread
from closedform.searches.budget import Budget
from closedform.searches.directions import search_directions, unit_rows
from closedform.searches.everywhere import densities_of, on_all_rows
from closedform.searches.evidence import told_form
from closedform.searches.grouped import search_groups
from closedform.searches.noise_choice import LONGEST_LOOK, LOOKING, planned
from closedform.searches.noise_plan import PLAIN, NoisePlan
from closedform.searches.noise_plan import check as check_noise
from closedform.searches.objectives import Directions, Labels, Values
from closedform.searches.orientation import oriented
from closedform.searches.origins import with_origins, written_front
from closedform.searches.progress import Callback
from closedform.searches.rules import Rules
from closedform.searches.settings import (
    OPERATORS,
    Operators,
    Settings,
    Start,
    arguments_of,
    check_gradients_can,
    checked_settings,
    on_cluster,
)
from closedform.searches.telling import found, telling
from closedform.searches.templates import read as read_template
from closedform.searches.templates import search_template
from closedform.searches.values import search_values
from closedform.tables import chunks, cluster, scalars
from closedform.tables.checks import Matrix
from closedform.tables.chunks import Data
from closedform.tables.cluster import Partitions
from closedform.tables.column_errors import column_errors
from closedform.tables.groups import Groups
from closedform.tables.rows import spreads


def search(
    X: object,
    *,
    values: object = None,
    gradients: object = None,
    labels: object = None,
    weights: object = None,
    noise: NoiseKind = "absolute",
    sigma: object = None,
    sigma_X: object = None,
    groups: object = None,
    template: str | None = None,
    units: Mapping[str, str] | str | None = None,
    constant_units: str | Sequence[str] = "dimensionless",
    limits: Mapping[str, Any] | None = None,
    constraints: Mapping[str, Any] | None = None,
    missing: Missing = "error",
    signed: bool = False,
    symmetries: bool = True,
    operators: Operators = OPERATORS,
    complexities: Mapping[str, int] | None = None,
    max_size: int = 30,
    time: float = 60.0,
    evaluations: int | None = None,
    backend: str = "native",
    options: Mapping[str, Any] | None = None,
    threads: int | None = None,
    seed: int = 0,
    start: Start | None = None,
    stop_loss: float | None = None,
    device: Device = "auto",
    callback: Callback | None = None,
    progress: bool = True,
    client: object = None,
) -> Front:
    """Searches expressions of the columns of X for exactly one of values, gradients or labels.

    - `values`: minimises the mean squared error.
    - `gradients`: minimises the mean squared distance `|u - v|^2`, per row and not per component,
      of the unit gradients u given and v of the expression, under one global sign (Wetzel, arXiv
      2401.04978). Both are in units of each column's standard deviation s_j: v_j is in proportion
      to s_j dT/dx_j, so that no choice of units decides the answer. Outer monotone functions, scale
      and offset are free and are left out of the formulas, whose sign is that of u. A zero gradient
      matches a zero one only.
    - `labels`: minimises the mean hinge loss max(0, 1 - t T(x)), t = 1 or -1.

    The search ends at the first of: `time`, `evaluations`, Ctrl-C or a callback that returns True
    (the best so far is kept), or an expression that is exact to rounding and has no smaller equal.
    With `evaluations` and time=math.inf the result depends on the seed alone, for any number of
    threads (on one instruction set).

    Args:
        X: (n, d) array or table; float64 and float32 C-contiguous arrays, in memory or mapped, are
            not copied. Or the path of a CSV or Parquet file, or rows in chunks, as `chunks.gather`
            takes them. Or, with values, a Dask DataFrame or Array, as in `discover`. Arrays, here
            and below, may lie on a GPU (CuPy, torch, JAX): they are copied to the host's memory
            once, 2 ms for a million rows of 10 float64, whatever `device` says.
        values: (n,) numbers to reproduce, or the name of a column of a data set; None for those
            that come with chunks (X, values).
        gradients: (n, d) gradients by the inputs, of any length: only their directions count.
        labels: (n,) of two different values; the larger one is where expressions are to be > 0. Or
            the name of a column of a data set.
        weights: (n,) non-negative weights of the rows, or such a name; None for equal ones.
        noise: with values, how they scatter: "absolute" (of one size), "relative" (in proportion to
            the value), "log" (in the logarithm; asinh where values have both signs), "mixed" (a
            part of each), "robust" (single rows may be far off), "counts" (Poisson), or "auto",
            what the rows show (`closedform.formulas.noise`). It weighs the rows of the search, and
            formulas are chosen by their density under it.
        sigma: with values, (n,) standard errors of them, or such a name: instead of noise.
        sigma_X: with values, standard errors of the inputs: one number, one for each column, (n, d)
            numbers, or by column's name one number or (n,) of them. Formulas are then fitted and
            chosen in the end by total least squares (`closedform.searches.input_errors`), with
            errors of the target as sigma says, or of one size that is fitted.
        groups: with values, the column of a table, or (n,) names: one form for all groups, whose
            constants are each group's own unless sharing them describes the data shorter. Formulas
            are `GroupedFormula`, with a value and a standard error by group, and errors at rows
            left out.
        template: with values, the form of the whole, such as "f(x1, x2)*g(x3) + p[0]": unknown
            functions of inputs, or of expressions of them, each as often as wanted; numbers p[0],
            p[1], ...; operators; derivatives: "f(x) + D(f, 1)" by f's first argument where f first
            stands, "D(f, 1)(2*x)" elsewhere. Their expressions, of at most max_size nodes together,
            are searched at once, and `formula.parts` has them. Derivatives may bring operators that
            were not asked for. With groups too, constants are each group's own in this form. With
            groups or a template neither sigma_X nor constraints; native.
        units: of the inputs and, as "y" or by the name of its column, of the target, by name or by
            the label of a column: what pint reads, such as "kg m/s^2" (needs closedform[units]); or
            "attrs" for `X.attrs["units"]` of a pandas table. An input without one is a pure number.
            No formula adds what is not alike, or takes a function of what is no pure number, and
            all are of the target's unit; such candidates are not evaluated. With a template that is
            asked of the whole.
        constant_units: what constants may be of, beside exponents: "dimensionless", "free" (any
            unit; one for each constant, wherever a template has its function), or a sequence of
            units beside pure numbers.
        limits: to the form of formulas: "depth" (nodes from the root to a leaf), "constants"
            (measured numbers), "operands" (nodes of an operator's: {"pow": (None, 1)}), "nesting"
            (of one operator inside another: {"sin": {"sin": 0}}), "forbidden" (inputs that an
            operator may not be a function of: {"exp": ["x2"]}). With a template they are limits to
            each unknown function, but constants are those of all functions and numbers together;
            an argument that has a forbidden input in it is one.
        constraints: what formulas of values are to be like in the ranges of the data: "increasing",
            "decreasing", "convex", "concave" (inputs: ["x1"]), "positive" (True), "bounds"
            ((0, None)), "symmetric" (pairs: [("x1", "x2")]), "zero_at_zero" (True), "values" (pairs
            ({"x1": 0}, 1.5), or ({"x1": 0}, (low, high)), whatever the other inputs are), and
            "limits" (pairs ({"x1": math.inf}, 0), met to a thousandth of the target's spread). No
            formula of a front violates one (a warning says so where none was found that keeps
            them); `formula.checked` says which are proven by interval arithmetic and which were
            looked at at points.
        missing: "error" refuses rows with a missing value (NaN, null, an empty cell); "drop" leaves
            them out, and the logger "closedform" says how many.
        signed: with gradients, tells T from -T (the paper's loss): a sign then costs its nodes
            during the search.
        symmetries: with gradients, merges inputs first that the gradients show to matter only
            together (`symmetries.find`); what was merged is in `front.symmetries`.
        operators: names out of + - * / sin cos tan exp log sqrt square cube abs pow tanh inv erf
            atan asin acos sinh cosh log10 sign max min >. The last is a step, 1 where its left
            operand is larger, else 0: for values and labels alone, it has no gradient. Your own by
            name, each an expression of one or two operands, which are the names in it by the
            alphabet: {"sinc": "sin(x)/x"}, beside the usual ones, or among names:
            ["+", "*", {"sinc": "sin(x)/x"}]. They are searched with exact derivatives and as one
            node, printed by name, kept in what is saved, and written out in what is exported.
        complexities: what operators, inputs (by name) and numbers ("constant") count, 1 to 255,
            where not 1: {"exp": 2, "x3": 3}. The size of a formula is their sum.
        max_size: most nodes of an expression, 1 to 255.
        time: seconds; math.inf for no limit (then give `evaluations`).
        evaluations: passes of a candidate over the search's sample of at most 512 rows, the unit of
            work that does not depend on the machine.
        backend: "native", or "pysr" for SymbolicRegression.jl, which needs Julia (README).
        options: passed on to the backend; native takes `checkpoint` (a path the best front so far
            is written to, every 5 seconds, and the front at the end) and `resume` (a path that the
            state is written to; where it is there, the search goes on from it, and with
            `evaluations` to the same result as one that was never interrupted); pysr whatever
            PySRRegressor takes and the other arguments do not say.
        threads: None for all cores.
        seed: of every random choice.
        start: formulas to begin with: a Front, such as one that was saved, formulas, or texts, in
            the names of the columns. They are refitted; those with other operators, or that break a
            rule, are left out. With groups their constants are every group's own. With a template
            they are formulas found in one (their `parts`), or mappings from functions to
            expressions: {"f": "sin(x1)*x2", "g": "a1**2"}, in the inputs that a function is first
            given, or in its arguments a1, a2, ...
        stop_loss: loss of a formula at which the search ends; None for that of an exact one.
        device: "cpu"; "cuda", a GPU, for what goes over all rows; or "auto", a GPU where one can be
            used and rows are many (131,072). With a cluster, each worker's. The GPU computes losses
            on all rows, of a whole batch of expressions at a time: of everything the islands found
            whenever they exchange it (in the precision of X, and if its memory holds the rows) and
            of what is left at the end (in float64). Of values it also scores the evolution's
            candidates, many at a time and on up to 8192 rows instead of 512: the same for a seed
            and evaluations, but not what the CPU finds. Otherwise the evolution, on samples of at
            most 8192 rows, and the last fits of constants are the CPU's and the same; so a GPU is
            worth it for many rows. Native only.
        callback: called about twice a second with a Progress; returning True ends the search.
        progress: whether a terminal (standard error) or a notebook shows how far it is.
        client: of dask.distributed, whose workers search, as in `discover`.

    Returns:
        The front. Losses are computed from the formulas' texts on all rows. `front.best`, for
        values, describes the data shortest (`description_length`; among those that are exact the
        simplest), for labels likewise, for gradients it is the steepest drop (`steepest_drop`);
        theirs are compared without their signs, which are written last and then cost nodes.
        For values `formula.constants` has standard errors, and `front.rivals` are those that the
        data cannot tell from the best.

    Raises:
        InputError: arguments that cannot be used; the message names the one and says what to do.

    Example:
        >>> import numpy as np
        >>> import closedform as cf
        >>> X = np.random.default_rng(0).uniform(1, 2, (50, 2))
        >>> print(cf.search(X, values=X[:, 0] / X[:, 1], time=10).best)
        x1/x2
    """
    objectives = {"values": values, "gradients": gradients, "labels": labels}
    given = [name for name, objective in objectives.items() if objective is not None]
    with_chunks = not given and chunks.is_chunked(X)  # values that come with X
    if len(given) != 1 and not with_chunks:
        raise InputError(
            f"values, gradients, labels: {' and '.join(given) or 'none'} given; give exactly one"
        )
    settings = checked_settings(arguments_of(locals()), callback, device)
    check_noise(noise, sigma, sigma_X)
    settings = on_cluster(settings, client := cluster.client_of(client, X))
    signed = scalars.flag(signed, "signed")
    symmetries = scalars.flag(symmetries, "symmetries")
    progress = scalars.flag(progress, "progress")
    if missing != "error" and (gradients is not None or labels is not None):
        raise InputError("missing: rows are dropped for values alone; drop them first")
    if constraints is not None and (gradients is not None or labels is not None):
        raise InputError("constraints: are of values; a search for gradients or labels has none")
    others = {"sigma_X": sigma_X, "units": units, "limits": limits, "constraints": constraints}
    settings = told_form(groups, template, values, others, settings)
    plain = noise == "absolute" and sigma is None and sigma_X is None
    if (gradients is not None or labels is not None) and not plain:
        raise InputError("noise: is of values; a search for gradients or labels has none")

    asked = _Asked(
        X, weights, settings, units, constant_units, limits, constraints, missing, progress
    )
    partitions = None
    if gradients is not None:
        front, data, settings = _for_gradients(asked, gradients, signed, symmetries)
    elif labels is not None:
        front, data, settings = _for_labels(asked, labels)
    else:
        form = _Form(noise, sigma, sigma_X, groups, template)
        front, data, settings, partitions = _for_values(asked, values, form, client)
    ranges = [] if partitions is None else [partitions.ranges.T]
    front = front.of_data(data.inputs.labels, data.inputs.values, *ranges)
    if settings.rules is not None:
        front = settings.rules.told(settings.rules.kept(front))
    found("search", front.best, front.stopped)
    if settings.checkpoint is not None:
        settings.checkpoint.conclude(front)
    return front


@dataclass(frozen=True)
class _Asked:
    """What a search is told, whatever it is after, under the names of its arguments."""

    X: object
    weights: object
    settings: Settings
    units: Mapping[str, str] | str | None
    constant_units: str | Sequence[str]
    limits: Mapping[str, Any] | None
    constraints: Mapping[str, Any] | None
    missing: Missing
    progress: bool

    def worded(self, data: Data) -> Data:
        return replace(data, inputs=self.settings.worded(data.inputs))

    def ready(self, data: Data, target: object, template: _core.Template | None = None) -> Settings:
        """The settings with the rules of the columns, for an engine that is ready."""
        names = (target, "y") if isinstance(target, str) else ("y",)
        attributes = getattr(self.X, "attrs", None)
        table = data.inputs
        rules = Rules.read(
            self.units,
            self.constant_units,
            self.limits,
            table.names,
            names,
            attributes,
            table.labels,
        )
        shape = None
        if self.constraints is not None and data.y is not None:
            shape = Constraints.read(self.constraints, table.names, table.values, data.y)
        settings = replace(self.settings, rules=rules.completed(shape, template))
        dispatch.prepare(settings)
        return settings

    @contextmanager
    def running(self, settings: Settings, data: Data, target: str = "y") -> Iterator[Settings]:
        """While it runs, signals are held, and whoever listens is told."""
        heard = telling("search", settings, data.inputs, self.progress, target)
        with interruption.held(), single_blas_thread(), heard as callback:
            yield replace(settings, callback=callback)


@dataclass(frozen=True)
class _Form:
    """What a search for values is told besides."""

    noise: NoiseKind
    sigma: object
    sigma_X: object
    groups: object
    template: str | None

    @property
    def known(self) -> bool:
        """How the target alone scatters is said."""
        return (self.noise != "auto" or self.sigma is not None) and self.sigma_X is None


def _for_gradients(
    asked: _Asked, gradients: object, signed: bool, symmetries: bool
) -> tuple[Front, Data, Settings]:
    check_gradients_can(asked.settings)
    data = asked.worded(chunks.gather(asked.X, None, asked.weights))
    scales = spreads(data.inputs.values, data.weights)
    rows = unit_rows(gradients, data.inputs, scales)
    settings = asked.ready(data, None)
    target = Directions(rows, scales, data.weights, signed)
    with asked.running(settings, data, "T") as mine:
        front = search_directions(data.inputs, target, mine, symmetries=symmetries)
    return oriented(front, data.inputs.values, target, settings), data, settings


def _for_labels(asked: _Asked, labels: object) -> tuple[Front, Data, Settings]:
    # It needs scikit-learn, which takes a second to import.
    from closedform.searches.labels import search_labels, signs_of

    column = labels if isinstance(labels, str) else None
    data = asked.worded(chunks.gather(asked.X, column, asked.weights, y_name="labels"))
    signs = signs_of(data.y if column else labels, len(data.inputs.values))
    settings = asked.ready(data, None)
    with asked.running(settings, data, "T") as mine:
        front = search_labels(data.inputs, Labels(signs, data.weights), mine)
    return front, data, settings


def _for_values(
    asked: _Asked, values: object, form: _Form, client: object
) -> tuple[Front, Data, Settings, Partitions | None]:
    X, split = asked.X, None
    if form.groups is not None:
        X, split = Groups.read(X, form.groups)
    data, partitions = cluster.gathered(
        X,
        values,
        asked.weights,
        form.sigma,
        client=client,
        y_name="values",
        missing=asked.missing,
    )
    data = asked.worded(data)
    if split is not None:
        split = split.check(len(data.inputs.values) + data.dropped).at(data.kept)
    if data.y is None:
        raise InputError(
            "values, gradients, labels: none given, and X brings no values; give exactly one"
        )
    errors = column_errors(form.sigma_X, data.inputs, data.kept)
    template = None if form.template is None else read_template(form.template, data.inputs.names)
    settings = asked.ready(data, values, template)
    with asked.running(settings, data) as mine:
        ends = monotonic() + settings.time
        if split is not None:
            front, _ = search_groups(data.inputs, data, split, form.noise, mine, template)
        elif template is not None:
            front, _ = search_template(data.inputs, data, template, form.noise, mine)
        else:
            front, plan = _of_values(data.inputs, data.y, data, form.noise, errors, mine)
            if partitions is not None and form.known:
                densities = densities_of(front, plan.main, data)
                front = on_all_rows(front, partitions, ends, densities)
    return front, data, settings, partitions


def _of_values(
    table: Matrix,
    y: Floats,
    data: Data,
    noise: NoiseKind,
    sigma_X: Floats | None,
    settings: Settings,
) -> tuple[Front, NoisePlan]:
    budget = Budget(settings.time, settings.evaluations, None)
    plan = PLAIN
    searched = with_origins(table, settings)
    with budget.interruptible():
        plan = planned(
            noise,
            searched,
            y,
            data.weights,
            sigma=data.sigma,
            sigma_X=sigma_X,
            seconds=budget.seconds(LOOKING, LONGEST_LOOK),
            seed=settings.seed,
            threads=settings.threads or 0,
        )
    objective = Values.of(y, data.weights, plan.noises, plan.precision, table.values)
    front = search_values(searched, objective, replace(settings, time=budget.left()))
    return written_front(front, searched), plan
