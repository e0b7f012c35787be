"""The PySR engine: SymbolicRegression.jl through juliacall, with our gradient-cosine objective.

PySR does the searching. Its hall of fame is read from the file that SymbolicRegression keeps up to
date, so that a search that is stopped or breaks off loses nothing, and goes through the native
engine's last stage, as what that finds itself does: constants are fitted to all rows and rounded
where the loss allows, forms made simple, and of what the loss leaves free (sign, scale, offset) the
plainest is taken. Interface facts: PySR 1.5.10 and 2.7.2.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import numpy as np

from closedform import _core
from closedform.errors import InputError
from closedform.searches.backends import julia_start, native
from closedform.searches.backends.found import Found
from closedform.searches.backends.hall_of_fame import HallOfFame
from closedform.searches.objectives import Directions, Labels, Objective, Values
from closedform.searches.rules import LARGEST, Rules
from closedform.searches.settings import Settings
from closedform.tables.checks import Matrix
from closedform.tables.words import NUMBER, Words

BINARY = {"+": "+", "-": "-", "*": "*", "/": "/", "pow": "^", "max": "max", "min": "min"}
SMALLEST_MAXSIZE = 7  # PySR refuses less
LARGEST_SEED = 2**32 - 1  # of its random_state
WITHOUT_END = 10**8  # iterations: the budget ends the search
REPORT_SECONDS = 0.5
BATCH_ROWS = 100
INTERRUPTS = ("InterruptException", "KeyboardInterrupt")  # Ctrl-C, as an error of Julia's

# What the arguments of `search` say, or what this engine has to decide, by PySRRegressor's names.
SAID = {
    "binary_operators": "operators",
    "unary_operators": "operators",
    "operators": "operators",
    "maxsize": "max_size",
    "timeout_in_seconds": "time",
    "max_evals": "evaluations",
    "random_state": "seed",
    "deterministic": "seed and threads=1",
    "parallelism": "threads",
    "procs": "threads",
    "elementwise_loss": "values or labels",
    "loss_function": "gradients",
    "loss_function_expression": "gradients",
    "early_stop_condition": "callback",
    "maxdepth": "limits",
    "constraints": "limits",
    "nested_constraints": "limits",
    "dimensionless_constants_only": "constant_units",
    "complexity_of_operators": "complexities",
    "complexity_of_constants": "complexities",
    "complexity_of_variables": "complexities",
}
REFUSED = {
    "expression_spec": "only plain expressions are read back",
    "type_spec": "only real numbers are searched",
    "cluster_manager": "the search runs in this process",
    "warm_start": "every search is one fit",
    "select_k_features": "leave the columns out of X instead",
    "denoise": "the losses would be those of other data",
    "temp_equation_file": "give output_directory to keep the file",
    "delete_tempfiles": "give output_directory to keep the file",
}
SIGNATURES = {
    "loss_function": "tree, dataset, options",
    "early_stop_condition": "loss, complexity",
}
# Units of the SI as DynamicQuantities.jl reads them, by pint's names.
SI = {
    "kilogram": "kg",
    "meter": "m",
    "second": "s",
    "ampere": "A",
    "kelvin": "K",
    "mole": "mol",
    "candela": "cd",
}
_number = count()


def prepare(settings: Settings) -> None:
    """Starts Julia and checks what can be checked before there are data.

    Raises:
        InputError: Julia does not start (`julia_start.start`), or a setting cannot be mapped.
    """
    check(settings)
    julia_start.start(settings.threads)
    import pysr

    known = inspect.signature(pysr.PySRRegressor.__init__).parameters
    for name in settings.options:
        if name not in known:
            raise InputError(f"options: {name!r} is no parameter of this version's PySRRegressor")


def check(settings: Settings) -> None:
    """Refuses by name what PySR cannot do or is said elsewhere; needs no Julia.

    Raises:
        InputError: names the argument or the option.
    """
    if settings.words is not None and settings.words.own:
        raise InputError(
            f"operators: {next(iter(settings.words.own))!r} is your own, not for PySR; leave "
            'it out, or use backend="native"'
        )
    for name in settings.operators:
        if _core.OPERATORS[name].operands == 2 and name not in BINARY:
            raise InputError(
                f'operators: {name!r} is not for PySR; leave it out, or use backend="native"'
            )
    if settings.seed > LARGEST_SEED:
        raise InputError(f"seed: PySR takes 0 to {LARGEST_SEED}")
    for name in settings.options:
        if name in SAID:
            raise InputError(f"options: {name!r} is what the argument {SAID[name]} says; give that")
        if name in REFUSED:
            raise InputError(f"options: {name!r} is not supported; {REFUSED[name]}")
        if name in ("checkpoint", "resume"):
            raise InputError(f"options: {name!r} is the native engine's; give output_directory")


def arguments(objective: Objective, settings: Settings) -> dict[str, Any]:
    """The settings as parameters of PySRRegressor; the objective of directions is not among them.

    The user's options come last and may change what is only a default here.
    """
    mapped: dict[str, Any] = {
        "binary_operators": [BINARY[name] for name in settings.operators if name in BINARY],
        "unary_operators": [name for name in settings.operators if name not in BINARY],
        "maxsize": max(settings.max_size, SMALLEST_MAXSIZE),
        "niterations": WITHOUT_END,
        "precision": 64,
        "progress": False,
        "verbosity": 0,
        "input_stream": "devnull",
    }
    if settings.evaluations is not None:
        mapped["max_evals"] = settings.evaluations
    if settings.threads == 1:
        mapped |= {
            "parallelism": "serial",
            "deterministic": True,
            "random_state": settings.seed,
        }
    else:
        mapped["parallelism"] = "multithreading"
    if isinstance(objective, Directions):
        # Simplified members would keep the loss of what they were.
        mapped["should_simplify"] = False
        if len(objective.U) > BATCH_ROWS:
            # A gradient costs ten values: more candidates on fewer rows find the rules sooner.
            mapped |= {"batching": True, "batch_size": BATCH_ROWS}
    elif isinstance(objective, Labels):
        mapped["elementwise_loss"] = "L1HingeLoss()"
    else:
        mapped["elementwise_loss"] = "L2DistLoss()"
    if settings.rules is not None:
        mapped |= _limits(settings.rules)
    if settings.words is not None:
        mapped |= _counts(settings.words)
    return mapped | dict(settings.options)


def _limits(rules: Rules) -> dict[str, Any]:
    """Rules as far as PySR has them; the others are looked at in what it finds."""
    mapped: dict[str, Any] = {}
    if rules.units is not None:
        mapped["dimensionless_constants_only"] = len(rules.units.constants) == 1
    if rules.limits is None:
        return mapped
    limits = rules.limits
    if limits.depth < LARGEST:
        mapped["maxdepth"] = limits.depth
    if limits.operands:
        sizes = {name: tuple(_size(n) for n in own) for name, own in limits.operands.items()}
        mapped["constraints"] = {
            BINARY.get(name, name): own if name in BINARY else own[0] for name, own in sizes.items()
        }
    if limits.nesting:
        mapped["nested_constraints"] = {
            BINARY.get(outer, outer): {BINARY.get(inner, inner): most for inner, most in of.items()}
            for outer, of in limits.nesting.items()
        }
    return mapped


def _counts(words: Words) -> dict[str, Any]:
    """What operators and numbers count."""
    mapped: dict[str, Any] = {}
    operators = {name: count for name, count in words.counts.items() if name in _core.OPERATORS}
    if operators:
        mapped["complexity_of_operators"] = {
            BINARY.get(name, name): count for name, count in operators.items()
        }
    if NUMBER in words.counts:
        mapped["complexity_of_constants"] = words.counts[NUMBER]
    return mapped


def counts_of(words: Words | None, names: Sequence[str]) -> dict[str, Any]:
    """What `PySRRegressor.fit` is told of what inputs count."""
    if words is None or not set(words.counts) & set(names):
        return {}
    return {"complexity_of_variables": [words.counts.get(name, 1) for name in names]}


def _size(most: int) -> int:
    return -1 if most == LARGEST else most


def units_of(rules: Rules | None, names: Sequence[str]) -> dict[str, Any]:
    """What `PySRRegressor.fit` is told of units.

    Raises:
        InputError: a base unit that SymbolicRegression does not know.
    """
    units = None if rules is None else rules.units
    if units is None:
        return {}

    def written(exponents: Sequence[float]) -> str:
        powers = []
        for base, exponent in zip(units.dimensions, exponents, strict=True):
            if base not in SI:
                raise InputError(f"units: {base} is not for PySR, which knows those of the SI")
            if exponent:
                powers.append(f"{SI[base]}^({Fraction(exponent).limit_denominator(60)})")
        return "*".join(powers).replace("/", "//")

    told: dict[str, Any] = {"X_units": [written(units.inputs[name]) for name in names]}
    if units.target is not None:
        told["y_units"] = written(units.target)
    return told


def search(
    table: Matrix, objective: Objective, settings: Settings, start: Sequence[str] = ()
) -> Found:
    """Runs PySR; the formulas of `start` join what it finds.

    The evaluations of the result are those asked for, where they ended the search, else 0: PySR
    does not tell.

    Raises:
        InputError: a value of an option that PySR refuses.
    """
    import pysr

    began = monotonic()
    main = julia_start.start(settings.threads)
    parameters = arguments(objective, settings)
    begun = native.begun(table, settings)
    # Its objective of gradients has no units: those are looked at in what it finds.
    units = {} if isinstance(objective, Directions) else units_of(settings.rules, table.names)
    told = units | counts_of(settings.words, table.names)
    labels = pysr_labels(table.names, pysr.export_sympy.sympy_mappings)
    with TemporaryDirectory(prefix="closedform-") as scratch:
        parameters.setdefault("output_directory", scratch)
        parameters.setdefault("run_id", f"search{next(_number)}")
        path = Path(parameters["output_directory"]) / parameters["run_id"] / "hall_of_fame.csv"
        hall = HallOfFame(path, table, labels, objective, settings, began)
        bound = {"early_stop_condition": _watch(main, hall)}
        weights = objective.weights
        if isinstance(objective, Directions):
            bound["loss_function"] = _objective(main, objective)
            # Row numbers: a batch then says which rows it is of (GradientCosine.jl).
            y, weights = np.arange(1.0, len(table.values) + 1), None
        else:
            y = objective.y if isinstance(objective, Values) else objective.t
        with _bound(main, bound) as texts:
            try:
                regressor = pysr.PySRRegressor(**parameters, **texts)
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", message="The search was interrupted")
                    regressor.fit(table.values, y, weights=weights, variable_names=labels, **told)
                # PySR 2.1 and later end in good order at Ctrl-C, earlier ones raise.
                if getattr(regressor, "interrupted_", False):
                    hall.reason = hall.reason or "interrupted"
            except BaseException as error:
                stopped = isinstance(error, KeyboardInterrupt) or any(
                    name in str(error) for name in INTERRUPTS
                )
                if not stopped:
                    raise
                hall.reason = hall.reason or "interrupted"
        found = hall.texts()
    if hall.error is not None:
        raise hall.error
    # Where nobody here said stop, PySR's own budget was spent.
    reason = hall.reason or "evaluations"
    left = max(settings.time - (monotonic() - began), 0.1)
    finished = native.finish(
        table, objective, replace(settings, time=left), [*begun, *start, *table.names, *found]
    )
    passes = settings.evaluations or 0
    return Found(
        finished.entries, reason, passes if reason == "evaluations" else 0, monotonic() - began
    )


def pysr_labels(names: Sequence[str], taken: Container[str] = ()) -> list[str]:
    """What PySR is to call the columns: their own names where it takes all, else x1, x2, ...

    taken: names that mean something else to PySR, besides all of sympy's.
    """
    import sympy

    own = all(
        name.isascii() and name.isidentifier() and name not in taken and not hasattr(sympy, name)
        for name in names
    )
    return list(names) if own else [f"x{k + 1}" for k in range(len(names))]


def _objective(main: Any, objective: Directions) -> Any:
    factors = objective.factors
    scales = None if factors is None else factors.T
    return main.GradientCosine.Objective(objective.U.T, scales, objective.weights, objective.signed)


def _watch(main: Any, hall: HallOfFame) -> Any:
    # From PySR 2.2 on the search runs without Python's lock.
    make = main.seval(
        "(look, seconds) -> SearchWatch.Watch(() -> PythonCall.GIL.lock(() -> "
        "PythonCall.pyconvert(Bool, look())), seconds)"
    )
    return make(hall.look, REPORT_SECONDS)


@contextmanager
def _bound(main: Any, functions: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Julia texts that call the functions: PySR takes no others.

    The functions are variables of Main while this lasts. A text names its variable: PySR writes
    its options, text and all that it holds on to, into every fitted model.
    """
    names = {key: f"closedform_{key}_{next(_number)}" for key in functions}
    for key, name in names.items():
        main.seval(f"value -> (global {name} = value; nothing)")(functions[key])
    try:
        yield {
            key: f"({SIGNATURES[key]}) -> {name}({SIGNATURES[key]})" for key, name in names.items()
        }
    finally:
        for name in names.values():
            main.seval(f"{name} = nothing")
