"""What every search is told besides its data: operators, size, budget, engine, who listens."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeAlias

from closedform import _core
from closedform._choices import BACKENDS, Device
from closedform.errors import InputError
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.searches.checkpoint import Checkpoint
from closedform.searches.guessed import Guessed
from closedform.searches.journal import Journal
from closedform.searches.progress import Callback
from closedform.searches.rules import Rules
from closedform.tables import devices, scalars
from closedform.tables.checks import Matrix
from closedform.tables.cluster import Cluster
from closedform.tables.words import NUMBER, Words

OPERATORS = ("+", "-", "*", "/", "sin", "cos", "exp", "log", "sqrt", "square", "cube", "pow")
KNOWN_OPERATORS = frozenset(_core.OPERATORS)
MOST_EVALUATIONS = 2**62
LARGEST_SIZE = 255  # nodes of a tape, cpp/include/closedform/expression/expression.hpp
COLONIES, MOST_COLONIES = 8, 10_000  # on a cluster, unless it is said, and at most
# Names, the user's own operators by name as texts, or both (`search`).
Operators: TypeAlias = Iterable[str | Mapping[str, str]] | Mapping[str, str]
# Formulas to begin with; with a template they can be its functions' expressions, by their names.
Begin: TypeAlias = str | Formula | Mapping[str, str | float | Formula]
Start: TypeAlias = Front | Begin | Iterable[Begin]
# Options of the engines that hold formulas of the user's columns, or say something of each.
COLUMN_OPTIONS = frozenset({"guesses", "output_directory", "run_id"})


@dataclass(frozen=True)
class Settings:
    """The settings of one search, checked (`checked_settings`).

    Attributes:
        operators: names, without repeats, but the user's own.
        max_size: most nodes of an expression.
        time: seconds; math.inf for no limit.
        evaluations: passes of a candidate over the search's sample of rows; None for no limit.
        backend: the engine, one of BACKENDS.
        options: of that engine.
        threads: None for all cores.
        seed: of every random choice.
        callback: told about twice a second; returning True ends the search.
        start: formulas to begin with, in the user's columns.
        good_enough: loss at which to stop; 0 for none.
        device: where what goes over all rows is computed; "auto" is decided where they lie, of a
            cluster's colony by its worker.
        rules: that formulas keep; None for none.
        words: operators of the user's own, and what words count; None for none.
        journal: of what has been done in a run that can be gone on with; None for none.
        template: whose unknown functions are searched; None where the whole is.
        checkpoint: of the fronts in the user's columns; None for none.
        cluster: whose workers search; None for this process.
        guessed: what this run's searches have guessed of rows so far.
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
    start: tuple[Begin, ...] = ()
    good_enough: float = 0.0
    device: Device = "cpu"
    checkpoint: Checkpoint | None = None
    journal: Journal | None = None
    rules: Rules | None = None
    words: Words | None = None
    cluster: Cluster | None = None
    template: _core.Template | None = None
    guessed: Guessed = field(default_factory=Guessed, compare=False, repr=False)

    @property
    def every_operator(self) -> tuple[str, ...]:
        """Names of operators, the user's own among them."""
        return (*self.operators, *(() if self.words is None else self.words.own))

    def worded(self, table: Matrix) -> Matrix:
        """The table, its names with the words of formulas of them."""
        return table if self.words is None else replace(table, names=self.words.of(table.names))

    def allows(self, formula: Formula) -> bool:
        """Whether a formula keeps the rules; its size and operators are not looked at."""
        return self.rules is None or self.rules.allow(formula)

    def of_other_columns(self) -> Settings:
        """Without what speaks of the user's columns, for a search of other inputs."""
        kept = {key: value for key, value in self.options.items() if key not in COLUMN_OPTIONS}
        words = None if self.words is None else self.words.of_other_inputs()
        return replace(
            self,
            options=kept,
            start=(),
            good_enough=0.0,
            checkpoint=None,
            journal=None,
            rules=None,
            words=words,
            template=None,
        )


@dataclass(kw_only=True, eq=False, repr=False)
class Arguments:
    """What users tell every search and both pipelines besides the data: see `search`."""

    time: float = 60
    evaluations: int | None = None
    operators: Operators = OPERATORS
    complexities: Mapping[str, int] | None = None
    max_size: int = 30
    backend: str = "native"
    options: Mapping[str, Any] | None = None
    threads: int | None = None
    seed: int = 0
    start: Start | None = None
    stop_loss: float | None = None


def arguments_of(given: Mapping[str, Any]) -> Arguments:
    """Those among all that a function was given by name: its `locals()`, before it has others."""
    return Arguments(**{part.name: given[part.name] for part in fields(Arguments)})


def checked_settings(
    given: Arguments, callback: Callback | None = None, device: str = "auto"
) -> Settings:
    """Settings that make sense; the options are checked by their engine.

    Raises:
        InputError: names the argument.
    """
    chosen, own = _operators(given.operators)
    words = Words.read(own, given.complexities)
    max_size = scalars.whole(given.max_size, "max_size", 1, LARGEST_SIZE)
    number = 1 if words is None else words.counts.get(NUMBER, 1)
    if number > max_size:  # a constant is always an answer
        raise InputError(f"max_size: {max_size} is less than the {number} that a number counts")
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
    native = given.backend == "native"
    path = options.pop("checkpoint", None) if native else None
    state = options.pop("resume", None) if native else None
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
        start=tuple(given_formulas(given.start)),
        good_enough=0.0 if given.stop_loss is None else _positive(given.stop_loss),
        device=where if given.backend == "native" else "cpu",
        checkpoint=None if path is None else Checkpoint(path),
        journal=None if state is None else Journal(state),
        words=words,
    )


def on_cluster(settings: Settings, client: Any) -> Settings:
    """The same, by colonies on the workers of a client (`cluster.client_of`), where there is one.

    Raises:
        InputError: colonies without workers, or of another engine's.
    """
    options = dict(settings.options)
    number = options.pop("colonies", None)
    if client is None:
        if number is not None and settings.backend == "native":
            raise InputError("options: colonies are searched by a client's workers; give client")
        return settings
    if settings.backend != "native":
        raise InputError('client: its workers run the native engine; use backend="native"')
    if settings.journal is not None:
        raise InputError("options: resume is of a search in one process; leave out client")
    number = scalars.whole(COLONIES if number is None else number, "colonies", 1, MOST_COLONIES)
    return replace(settings, options=options, cluster=Cluster(client, number))


def _positive(loss: float) -> float:
    if not (value := scalars.real(loss, "stop_loss")) > 0:
        raise InputError(f"stop_loss: {loss} is not positive; give a loss, or None")
    return value


def given_formulas(start: object) -> list[Begin]:
    """Formulas to begin with, texts of some, and mappings from a template's functions.

    Raises:
        InputError: something else.
    """
    if start is None:
        return []
    if isinstance(start, (str, Formula, Mapping)):
        start = (start,)
    several = isinstance(start, Iterable) and not isinstance(start, bytes)
    formulas: list[Begin] = []
    for one in start if several else [start]:  # type: ignore[attr-defined]
        if not isinstance(one, (str, Formula, Mapping)):
            raise InputError(
                f"start: must be a Front, formulas or texts of some, not {type(one).__name__}"
            )
        formulas.append(one)
    return formulas


def check_gradients_can(settings: Settings) -> None:
    """Refuses operators that a search on gradients could not go by.

    Raises:
        InputError: names the first.
    """
    own = {} if settings.words is None else settings.words.own
    used = {name: {name} for name in settings.operators} | {
        name: set(_core.Expression(*definition).operators) for name, definition in own.items()
    }
    for name, parts in used.items():
        if any(_core.OPERATORS[part].values_only for part in parts):
            raise InputError(
                f"operators: {name!r} has no gradient; leave it out of a search on gradients"
            )


def _operators(operators: Operators) -> tuple[tuple[str, ...], dict[str, str]]:
    """Names of those there are, and the user's own by name; own ones alone are beside the usual."""
    if isinstance(operators, Mapping):
        operators = [*OPERATORS, operators]
    elif isinstance(operators, str):
        operators = operators.replace(",", " ").split()
    elif not isinstance(operators, Iterable):
        operators = scalars.texts(operators, "operators")
    parts = list(operators)
    own: dict[str, str] = {}
    for part in parts:
        if isinstance(part, Mapping):
            own |= scalars.mapping(part, "operators", "texts by name")
    named = [part for part in parts if not isinstance(part, Mapping)]
    chosen = tuple(dict.fromkeys(scalars.texts(named, "operators")))
    for name in chosen:
        if name not in KNOWN_OPERATORS:
            raise InputError(
                f"operators: {name!r} is unknown; known are {' '.join(sorted(KNOWN_OPERATORS))}"
            )
    if not chosen and not own:
        raise InputError("operators: none given; give at least one, such as + or *")
    return chosen, own
