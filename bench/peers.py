"""`search` and `discover` against pyoperon on V1 to V8: same rows, operators, time and threads.

    python bench/peers.py [--time 30] [--threads 2] [--seed 0] [--problems V1 V6]

A formula is exact when its values at 1,000 fresh points in the training ranges are within 1e-6 of
the truth (root mean square, relative to the truth's), and it has at most 1.5 times the truth's
nodes. Ours is judged by the one formula returned. pyoperon, whose wheel computes in float32, is
judged by the best of its whole front, each formula's constants fitted again in float64 and the
formula shortened by the code that shortens ours. It does not stop at an exact fit, so it is run
with 1, 2, 4, ... seconds and its time is that of the first budget that sufficed.

Ends with status 1 when a full run of at least 30 s has fewer than 6 exact through `discover`, or
needs more than a tenth of pyoperon's time where that is exact.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from vladislavleva import PROBLEMS, Floats, Problem

import closedform as cf
from closedform.shorten import shorter

OPERATORS = ("+", "-", "*", "/", "sin", "cos", "exp", "log", "square")
MAX_SIZE = 40  # V8, the largest, has 29 nodes
NEEDED, FASTER = 6, 10


@dataclass(frozen=True)
class Outcome:
    """What one engine made of one problem."""

    exact: bool
    seconds: float
    error: float
    formula: cf.Formula


def judge(problem: Problem, formula: cf.Formula) -> tuple[bool, float]:
    """Whether a formula is the truth, and its relative error at fresh points."""
    X = problem.uniform(1000, seed=12345)
    truth = problem.truth(X)
    with np.errstate(all="ignore"):
        error = float(np.sqrt(np.mean((formula(X) - truth) ** 2) / np.mean(truth**2)))
    size = cf.Formula(problem.text, problem.names).complexity
    return error <= 1e-6 and formula.complexity <= 1.5 * size, error


def outcome(problem: Problem, formulas: Iterable[cf.Formula], seconds: float) -> Outcome:
    """The exact one of several formulas, or the nearest."""
    judged = [(*judge(problem, formula), formula) for formula in formulas]
    exact, error, formula = min(
        judged, key=lambda j: (not j[0], j[1] if j[1] == j[1] else math.inf)
    )
    return Outcome(exact, seconds, error, formula)


def ours(find: Callable[..., cf.Formula], problem: Problem, options: argparse.Namespace) -> Outcome:
    X, y = problem.training(options.seed)
    start = time.perf_counter()
    formula = find(X, y, options)
    return outcome(problem, [formula], time.perf_counter() - start)


def by_discover(X: Floats, y: Floats, options: argparse.Namespace) -> cf.Formula:
    return cf.discover(X, y, **common(options)).formula


def by_search(X: Floats, y: Floats, options: argparse.Namespace) -> cf.Formula:
    return cf.search(X, values=y, **common(options)).best


def common(options: argparse.Namespace) -> dict[str, object]:
    budget = {"time": options.time, "threads": options.threads, "seed": options.seed}
    return {"operators": OPERATORS, "max_size": MAX_SIZE, **budget}


def by_pyoperon(problem: Problem, options: argparse.Namespace) -> Outcome:
    from pyoperon.sklearn import SymbolicRegressor

    X, y = problem.training(options.seed)
    budget = 1
    while True:
        start = time.perf_counter()
        model = SymbolicRegressor(
            allowed_symbols="add,sub,mul,div,constant,variable,sin,cos,exp,log,square",
            objectives=["mse", "length"],
            optimizer_iterations=10,
            max_length=MAX_SIZE,
            generations=10**9,
            max_evaluations=10**12,
            max_time=budget,
            n_threads=options.threads,
            random_state=options.seed,
        ).fit(X, y)
        seconds = time.perf_counter() - start
        trees = [entry["tree"] for entry in model.pareto_front_]
        texts = [model.get_model_string(tree, precision=12).replace("X", "x") for tree in trees]
        result = outcome(problem, tidied(texts, problem, X, y), seconds)
        if result.exact or budget >= options.time:
            return result
        budget = min(2 * budget, math.ceil(options.time))


def tidied(texts: list[str], problem: Problem, X: Floats, y: Floats) -> Iterator[cf.Formula]:
    """Formulas with constants fitted in float64; those near the truth shortened as well."""
    for text in texts:
        formula = cf.Formula(text, problem.names).refit(X, y, snap=True)
        yield formula
        # Shortening takes seconds for a long formula, and the far ones have no use for it.
        if judge(problem, formula)[1] < 1e-4:
            short = shorter(formula, OPERATORS)
            if short is not None:
                yield cf.Formula(short, problem.names).refit(X, y, snap=True)


def engines() -> dict[str, Callable[[Problem, argparse.Namespace], Outcome]]:
    found: dict[str, Callable[[Problem, argparse.Namespace], Outcome]] = {
        "discover": lambda problem, options: ours(by_discover, problem, options),
        "search": lambda problem, options: ours(by_search, problem, options),
    }
    try:
        import pyoperon  # noqa: F401
    except ImportError as error:
        print(f"pyoperon is left out: {error}")
    else:
        found["pyoperon"] = by_pyoperon
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", type=float, default=30.0, help="seconds for each problem")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--problems", nargs="+", default=[problem.name for problem in PROBLEMS])
    options = parser.parse_args()

    compared = engines()
    chosen = [problem for problem in PROBLEMS if problem.name in options.problems]
    results: dict[str, dict[str, Outcome]] = {engine: {} for engine in compared}
    print(f"{'':4} {'engine':9} exact  seconds    error  nodes  formula")
    for problem in chosen:
        for engine, run in compared.items():
            got = results[engine][problem.name] = run(problem, options)
            print(
                f"{problem.name:4} {engine:9} {'yes' if got.exact else 'no':5} {got.seconds:8.2f} "
                f"{got.error:8.1e} {got.formula.complexity:6}  {str(got.formula)[:120]}",
                flush=True,
            )
    return verdict(results, full=len(chosen) == len(PROBLEMS) and options.time >= 30)


def verdict(results: dict[str, dict[str, Outcome]], *, full: bool) -> int:
    """Prints counts and ratios of time; 1 when a full run misses what must hold."""
    missed = False
    for engine, outcomes in results.items():
        print(f"{engine}: {sum(got.exact for got in outcomes.values())} of {len(outcomes)} exact")
    for name, peer in results.get("pyoperon", {}).items():
        mine = results["discover"][name]
        if peer.exact:
            ratio = peer.seconds / mine.seconds
            print(f"{name}: pyoperon's time / discover's = {ratio:.1f}")
            missed |= not mine.exact or ratio < FASTER
    missed |= sum(got.exact for got in results["discover"].values()) < NEEDED
    return int(full and missed)


if __name__ == "__main__":
    sys.exit(main())
