"""Engines of symbolic regression behind one signature: ours, and the peers.

Every engine gets the same rows, operators, seconds, threads and seed. A peer is judged by the best
of all it offers, each formula put through the last stage that ours go through (constants fitted in
float64, reduced, rounded, shortened), on nobody's clock; ours by the one formula it returns.
"""

from __future__ import annotations

import math
import re
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np

import closedform as cf
from bench.peers import missing
from bench.problem import Floats, Problem, judge
from bench.record import Value
from closedform.formulas.sympy_forms import shorter
from closedform.searches.backends import native
from closedform.searches.objectives import Values
from closedform.searches.settings import LARGEST_SIZE, Arguments, checked_settings
from closedform.tables.checks import Matrix

OPERATORS = ("+", "-", "*", "/", "sin", "cos", "exp", "log", "square")
OURS = "closedform"
OFFERED = ("pyoperon", "gplearn")  # peers that `offered` knows
WIDE = (*OPERATORS, "sqrt", "cube", "pow")  # closedform's defaults; a peer gets those it has
MAX_SIZE = 40  # V8, the largest of its set, has 29 nodes
TIDYING = 5.0  # seconds for a peer's formulas together, not counted as its time
NEAR = 1e-4  # shortening takes seconds for a long formula, and one farther off has no use for it


class Drawn(Protocol):
    """Rows to learn from, with names."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def training(self, seed: int) -> tuple[Floats, Floats]:
        """X (n, d) and y (n,)."""


@dataclass(frozen=True)
class Rows:
    """A table of a benchmark as engines take it."""

    names: tuple[str, ...]
    X: Floats
    y: Floats

    def training(self, seed: int) -> tuple[Floats, Floats]:
        """The rows, whatever the seed: they have been drawn."""
        del seed
        return self.X, self.y


@dataclass(frozen=True)
class Budget:
    """What every engine gets.

    Attributes:
        seconds: for one problem.
        operators: names as closedform knows them.
    """

    seconds: float
    threads: int
    seed: int
    operators: tuple[str, ...] = OPERATORS


@dataclass(frozen=True)
class Outcome:
    """What one engine made of one problem."""

    exact: bool
    seconds: float
    error: float
    formula: cf.Formula


def discover(problem: Problem, budget: Budget) -> Outcome:
    X, y = problem.training(budget.seed)
    begun = time.perf_counter()
    found = cf.discover(X, y, **_common(budget))
    return _outcome(problem, [found.formula], time.perf_counter() - begun)


def pysr(problem: Problem, budget: Budget) -> Outcome:
    """Through cf.search, whose last stage its formulas go through as ours do."""
    _warm_up(budget.threads)
    X, y = problem.training(budget.seed)
    begun = time.perf_counter()
    front = cf.search(X, values=y, backend="pysr", **_common(budget))
    return _outcome(problem, front, time.perf_counter() - begun)


@cache
def _warm_up(threads: int) -> None:
    """Starts Julia and lets it compile, which is on nobody's clock."""
    X = np.random.default_rng(0).uniform(1, 2, (50, 2))
    cf.search(X, values=X.sum(axis=1), backend="pysr", time=1.0, threads=threads)


def _common(budget: Budget) -> dict[str, object]:
    return {
        "time": budget.seconds,
        "threads": budget.threads,
        "seed": budget.seed,
        "operators": budget.operators,
        "max_size": MAX_SIZE,
    }


def pyoperon(problem: Problem, budget: Budget) -> Outcome:
    """It does not stop at an exact fit: its time is the first of 1, 2, 4, ... s that suffices."""
    seconds = min(1, math.ceil(budget.seconds))
    while True:
        begun = time.perf_counter()
        _, texts = pyoperon_front(problem, budget, seconds)
        taken = time.perf_counter() - begun
        outcome = _of_peer(problem, texts, budget, taken)
        if outcome.exact or seconds >= budget.seconds:
            return outcome
        seconds = min(2 * seconds, math.ceil(budget.seconds))


def pyoperon_front(
    problem: Drawn, budget: Budget, seconds: int, largest: int = MAX_SIZE
) -> tuple[str, list[str]]:
    """The formula it chooses, and all of its front, after so many seconds."""
    from pyoperon.sklearn import SymbolicRegressor

    names = {"+": "add", "-": "sub", "*": "mul", "/": "div"}
    symbols = [names.get(name, name) for name in budget.operators if name != "cube"]
    X, y = problem.training(budget.seed)
    model = SymbolicRegressor(
        allowed_symbols=",".join(["constant", "variable", *symbols]),
        objectives=["mse", "length"],
        optimizer_iterations=10,
        max_length=largest,
        generations=10**9,
        max_evaluations=10**12,
        max_time=seconds,
        n_threads=budget.threads,
        random_state=budget.seed,
    ).fit(X, y)
    trees = [model.model_, *(entry["tree"] for entry in model.pareto_front_)]
    chosen, *front = (
        _renamed(model.get_model_string(tree, precision=12), "X", 1, problem) for tree in trees
    )
    return chosen, front


def bingo(problem: Problem, budget: Budget) -> Outcome:
    from bingo.symbolic_regression.symbolic_regressor import SymbolicRegressor

    X, y = problem.training(budget.seed)
    known = {"+", "-", "*", "/", "sin", "cos", "exp", "log", "sqrt"}
    begun = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells of every overflow of a candidate
        model = SymbolicRegressor(
            stack_size=MAX_SIZE,
            operators=[name for name in budget.operators if name in known],
            max_time=budget.seconds,
            random_state=budget.seed,
        ).fit(X, y)
    taken = time.perf_counter() - begun
    front = [*model.get_pareto_front(), model.get_best_individual()]
    texts = [str(member).replace(")(", ")*(") for member in front]
    renamed = [_renamed(text, "X_", 0, problem) for text in texts]
    return _of_peer(problem, renamed, budget, taken)


def gplearn(problem: Problem, budget: Budget) -> Outcome:
    begun = time.perf_counter()
    text = gplearn_formula(problem, budget)
    return _of_peer(problem, [text], budget, time.perf_counter() - begun)


def gplearn_formula(problem: Drawn, budget: Budget) -> str:
    """Generation after generation until it is exact or the time is over."""
    from gplearn.functions import make_function
    from gplearn.genetic import SymbolicRegressor

    def bounded_exp(x: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return np.minimum(np.exp(x), 1e100)

    own = {
        "exp": make_function(function=bounded_exp, name="exp", arity=1),
        "square": make_function(function=lambda x: x * x, name="square", arity=1),
    }
    names = {"+": "add", "-": "sub", "*": "mul", "/": "div"}
    X, y = problem.training(budget.seed)
    model = SymbolicRegressor(
        population_size=1000,
        function_set=[
            own.get(name, names.get(name, name))
            for name in budget.operators
            if name not in ("cube", "pow")
        ],
        parsimony_coefficient="auto",
        stopping_criteria=1e-12,
        warm_start=True,
        n_jobs=budget.threads,
        random_state=budget.seed,
    )
    begun = time.perf_counter()
    generations = 0
    while time.perf_counter() - begun < budget.seconds:
        generations += 1
        model.set_params(generations=generations)
        model.fit(X, y)
        if len(model.run_details_["generation"]) < generations:
            break  # exact
    return _renamed(_infix(str(model._program)), "X", 0, problem)


PEERS: dict[str, Callable[[Problem, Budget], Outcome]] = {
    "pyoperon": pyoperon,
    "PySR": pysr,
    "bingo": bingo,
    "gplearn": gplearn,
}


def _infix(prefix: str) -> str:
    """add(X0, mul(X1, 2)) as (X0 + (X1 * 2))."""
    signs = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
    scope: dict[str, object] = {
        name: lambda a, b, sign=sign: f"({a} {sign} {b})" for name, sign in signs.items()
    }
    for name in ("sin", "cos", "exp", "log", "sqrt", "square"):
        scope[name] = lambda a, name=name: f"{name}({a})"
    text: str = eval(re.sub(r"X\d+", r"'\g<0>'", prefix), {"__builtins__": {}}, scope)
    return str(text)


def _renamed(text: str, stem: str, first: int, problem: Drawn) -> str:
    """Columns named by a stem and a number as the problem names them; the longest first."""
    for j in reversed(range(len(problem.names))):
        text = text.replace(f"{stem}{j + first}", f"\0{j}\0")
    for j, name in enumerate(problem.names):
        text = text.replace(f"\0{j}\0", name)
    return text


def _tidied(
    texts: Iterable[str], problem: Drawn, budget: Budget, error: Callable[[cf.Formula], float]
) -> Iterator[cf.Formula]:
    """What a peer's formulas come to in the last stage ours go through; those near the truth, like
    ours, shortened as well."""
    X, y = problem.training(budget.seed)
    settings = checked_settings(
        Arguments(
            operators=budget.operators,
            max_size=LARGEST_SIZE,
            time=TIDYING,
            threads=budget.threads,
            seed=budget.seed,
        )
    )
    finished = native.finish(Matrix(X, problem.names), Values(y, None), settings, list(texts))
    for text, _ in finished.entries:
        formula = cf.Formula(text, problem.names)
        yield formula
        if error(formula) < NEAR:
            short = shorter(formula, budget.operators)
            if short is not None:
                yield cf.Formula(short, problem.names).refit(X, y, snap=True)


def offered(peer: str, data: Drawn, budget: Budget) -> list[cf.Formula]:
    """All that pyoperon or gplearn has after `budget.seconds`, each through our last stage."""
    X, y = data.training(budget.seed)

    def error(formula: cf.Formula) -> float:
        with np.errstate(all="ignore"):
            return float(np.sqrt(np.mean((formula(X) - y) ** 2) / np.mean(y**2)))

    if peer == "gplearn":
        texts = [gplearn_formula(data, budget)]
    else:
        chosen, front = pyoperon_front(data, budget, math.ceil(budget.seconds))
        texts = [chosen, *front]
    constant = cf.Formula(repr(float(np.mean(y))), data.names)  # where none has a value
    return list(_tidied(texts, data, budget, error)) or [constant]


def rows(X: Floats, y: Floats) -> Rows:
    """Of an array, with the names that arrays have."""
    return Rows(tuple(f"x{j + 1}" for j in range(X.shape[1])), X, y)


def asked(engine: str, evaluations: int, time: float) -> dict[str, Value]:
    """The parameters of a record: of the two budgets the one that the engine has."""
    budget: dict[str, Value] = {"evaluations": evaluations} if engine == OURS else {"time": time}
    return {"engine": engine} | budget


def left_out(engine: str) -> str:
    """Why an engine cannot be run, in one line; "" where it can."""
    return "" if engine == OURS else missing(engine)


def answers(
    engine: str,
    data: Rows,
    evaluations: int,
    budget: Budget,
    units: Mapping[str, str] | None = None,
) -> list[cf.Formula]:
    """Ours: the formula chosen and the front, after so many evaluations, whatever the time, told
    the units where they are given. A peer's: all that it offers after `budget.seconds`."""
    if engine != OURS:
        return offered(engine, data, budget)
    found = cf.discover(
        data.X,
        data.y,
        units=units,
        time=math.inf,
        evaluations=evaluations,
        threads=budget.threads,
        seed=budget.seed,
    )
    return [found.formula, *found.front]


def _of_peer(problem: Problem, texts: Iterable[str], budget: Budget, seconds: float) -> Outcome:
    tidied = _tidied(texts, problem, budget, lambda formula: judge(problem, formula)[1])
    return _outcome(problem, tidied, seconds)


def _outcome(problem: Problem, formulas: Iterable[cf.Formula], seconds: float) -> Outcome:
    """The exact one of several formulas, or the nearest."""
    judged = [(*judge(problem, formula), formula) for formula in formulas]
    exact, error, formula = min(
        judged, key=lambda j: (not j[0], j[1] if j[1] == j[1] else math.inf)
    )
    return Outcome(exact, seconds, error, formula)
