"""What every search is told besides its data: operators, size, budget, engine, who listens."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias, get_args

from closedform import _core
from closedform.errors import InputError
from closedform.formulas import noise
from closedform.formulas.formula import Formula
from closedform.searches.checkpoint import Checkpoint
from closedform.searches.progress import Callback
from closedform.searches.rules import Rules
from closedform.tables import devices, scalars

OPERATORS = ("+", "-", "*", "/", "sin", "cos", "exp", "log", "sqrt", "square", "cube", "pow")
KNOWN_OPERATORS = frozenset(_core.OPERATORS)
MOST_EVALUATIONS = 2**62
LARGEST_SIZE = 255  # nodes of a tape, cpp/include/closedform/expression/expression.hpp
BACKENDS = ("native", "pysr")
# How a target scatters around what it follows (`noise`).
NoiseKind: TypeAlias = Literal["auto"] | noise.Kind
KINDS: tuple[NoiseKind, ...] = ("auto", *get_args(noise.Kind))
# Options of the engines that hold formulas of the user's columns, or say something of each.
COLUMN_OPTIONS = frozenset(
    {"start", "guesses", "complexity_of_variables", "output_directory", "run_id"}
)


@dataclass(frozen=True)
class Settings:
    """The settings of one search, checked (`checked_settings`).

    Attributes:
        operators: names, without repeats.
        max_size: most nodes of an expression.
        time: seconds; math.inf for no limit.
        evaluations: passes of a candidate over the search's sample of rows; None for no limit.
        backend: the engine, one of BACKENDS.
        options: of that engine.
        threads: None for all cores.
        seed: of every random choice.
        callback: told about twice a second; returning True ends the search.
        good_enough: loss at which to stop; 0 for none.
        on_device: whether what goes over all rows is computed on a GPU.
        rules: that formulas keep; None for none.
        template: whose unknown functions are searched; None where the whole is.
        checkpoint: of the fronts in the user's columns; None for none.
    """

    operators: tuple[str, ...]
    max_size: int
    time: float
    evaluations: int | None
    backend: str
    options: Mapping[str, Any]
    threads: int | None
    seed: int
    callback: Callback | None
    good_enough: float = 0.0
    on_device: bool = False
    checkpoint: Checkpoint | None = None
    rules: Rules | None = None
    template: _core.Template | None = None

    def allows(self, formula: Formula) -> bool:
        """Whether a formula keeps the rules; its size and operators are not looked at."""
        return self.rules is None or self.rules.allow(formula)

    def of_other_columns(self) -> Settings:
        """Without what speaks of the user's columns, for a search of other inputs."""
        kept = {key: value for key, value in self.options.items() if key not in COLUMN_OPTIONS}
        return replace(self, options=kept, checkpoint=None, rules=None, template=None)


@dataclass(kw_only=True, eq=False, repr=False)
class Arguments:
    """What users tell every search and both pipelines besides the data: see `search`."""

    time: float = 60
    evaluations: int | None = None
    operators: Iterable[str] = OPERATORS
    max_size: int = 30
    backend: str = "native"
    options: Mapping[str, Any] | None = None
    threads: int | None = None
    seed: int = 0


def arguments_of(given: Mapping[str, Any]) -> Arguments:
    """Those among all that a function was given by name: its `locals()`, before it has others."""
    return Arguments(**{part.name: given[part.name] for part in fields(Arguments)})


def checked_settings(
    given: Arguments, callback: Callback | None = None, device: str = "cpu"
) -> Settings:
    """Settings that make sense; the options are checked by their engine.

    Raises:
        InputError: names the argument.
    """
    chosen = _operators(given.operators)
    max_size = scalars.whole(given.max_size, "max_size", 1, LARGEST_SIZE)
    time = scalars.seconds(given.time, "time")
    if given.evaluations is None and math.isinf(time):
        raise InputError("time: no limit and no evaluations given; give one of them")
    evaluations, threads = given.evaluations, given.threads
    if evaluations is not None:
        evaluations = scalars.whole(evaluations, "evaluations", 1, MOST_EVALUATIONS)
    if threads is not None:
        threads = scalars.whole(threads, "threads", 1, scalars.MOST_THREADS)
    seed = scalars.seed(given.seed)
    if callback is not None and not callable(callback):
        raise InputError(f"callback: a {type(callback).__name__} cannot be called; give a function")
    options = scalars.mapping(given.options, "options", "the engine's options")
    scalars.choice(given.backend, "backend", BACKENDS)
    where = devices.checked(device)
    # PySR has its own files, and refuses this option itself.
    path = options.pop("checkpoint", None) if given.backend == "native" else None
    if given.backend == "pysr" and where == "cuda":
        raise InputError(
            'device: "cuda" is not for PySR, which searches on the CPU; use device="auto", which '
            'leaves what is not PySR\'s to a GPU, or backend="native"'
        )
    return Settings(
        operators=chosen,
        max_size=max_size,
        time=time,
        evaluations=evaluations,
        backend=given.backend,
        options=options,
        threads=threads,
        seed=seed,
        callback=callback,
        on_device=given.backend == "native" and devices.on_gpu(where),
        checkpoint=None if path is None else Checkpoint(path),
    )


def check_gradients_can(settings: Settings) -> None:
    """Refuses operators that a search on gradients could not go by.

    Raises:
        InputError: names the first.
    """
    for name in settings.operators:
        if _core.OPERATORS[name].values_only:
            raise InputError(
                f"operators: {name!r} has no gradient; leave it out of a search on gradients"
            )


def _operators(operators: Iterable[str]) -> tuple[str, ...]:
    if isinstance(operators, str):
        operators = operators.replace(",", " ").split()
    chosen = tuple(dict.fromkeys(scalars.texts(operators, "operators")))
    for name in chosen:
        if name not in KNOWN_OPERATORS:
            raise InputError(
                f"operators: {name!r} is unknown; known are {' '.join(sorted(KNOWN_OPERATORS))}"
            )
    if not chosen:
        raise InputError("operators: none given; give at least one, such as + or *")
    return chosen
