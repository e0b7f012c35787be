"""`cf.search` by both engines, one after the other on the same rows: what each finds, and when.

    python bench/backends.py [--time 60] [--threads 2] [--seed 0] [--problems 1 2 V1]

The seven rules of Wetzel from exact unit gradients of 1,000 rows, without symmetries (they would
solve most of them before an engine starts), and V1 to V8 from their values. A problem counts as
found where the formula returned is the truth on fresh rows at the truth's size (`same_concept` of
neurons/rules.py, `judge` of peers.py). Julia starts, and compiles for one short search, before the
first clock does. An engine ends when it has an exact formula or when its time is over; what it
returns has gone through the same last stage.

Ends with status 1 where PySR misses rules 1, 2 or 3 within their 60 seconds, or cannot be run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from neurons.rules import OPERATORS as RULE_OPERATORS
from neurons.rules import RULES, Rule, same_concept
from peers import MAX_SIZE, OPERATORS, judge
from vladislavleva import PROBLEMS, Problem

import closedform as cf
from closedform.backends import julia_start

BACKENDS = ("native", "pysr")
ROWS = 1000
MUST_BE_FOUND, WITHIN = ("1", "2", "3"), 60.0


@dataclass(frozen=True)
class Outcome:
    """What one engine made of one problem; `wrong` is empty where it found the truth."""

    wrong: str
    seconds: float
    formula: cf.Formula


def on_rule(rule: Rule, backend: str, options: argparse.Namespace) -> Outcome:
    X, _ = rule.draw(ROWS, options.seed)
    U = rule.unit_gradients(X)
    begun = time.perf_counter()
    front = cf.search(
        X, gradients=U, symmetries=False, operators=RULE_OPERATORS, **common(backend, options)
    )
    seconds = time.perf_counter() - begun
    return Outcome(same_concept(front.best, rule), seconds, front.best)


def on_values(problem: Problem, backend: str, options: argparse.Namespace) -> Outcome:
    X, y = problem.training(options.seed)
    begun = time.perf_counter()
    front = cf.search(
        X, values=y, operators=OPERATORS, max_size=MAX_SIZE, **common(backend, options)
    )
    seconds = time.perf_counter() - begun
    exact, error = judge(problem, front.best)
    return Outcome("" if exact else f"error {error:.1e}", seconds, front.best)


def common(backend: str, options: argparse.Namespace) -> dict[str, object]:
    return {
        "backend": backend,
        "time": options.time,
        "threads": options.threads,
        "seed": options.seed,
    }


def warm(options: argparse.Namespace) -> float:
    """Starts Julia and lets it compile both objectives; seconds."""
    X = np.random.default_rng(0).uniform(1, 2, (50, 2))
    begun = time.perf_counter()
    short = {"backend": "pysr", "time": 1.0, "threads": options.threads}
    cf.search(X, gradients=np.ones((50, 2)) / np.sqrt(2), symmetries=False, **short)
    cf.search(X, values=X.sum(axis=1), **short)
    return time.perf_counter() - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", type=float, default=60.0, help="seconds for each search")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    every = [rule.name for rule in RULES] + [problem.name for problem in PROBLEMS]
    parser.add_argument("--problems", nargs="+", choices=every, default=every)
    options = parser.parse_args()

    usable, line = julia_start.status()
    print(line)
    if not usable:
        return 1
    print(f"Julia's start and first compilation: {warm(options):.0f} s")
    runs: dict[str, Callable[[str, argparse.Namespace], Outcome]] = {
        rule.name: partial(on_rule, rule) for rule in RULES
    }
    runs |= {problem.name: partial(on_values, problem) for problem in PROBLEMS}
    missed = False
    print(f"{'':3} {'engine':7} found  seconds  nodes  formula")
    for name in options.problems:
        outcomes = {}
        for backend in BACKENDS:
            got = outcomes[backend] = runs[name](backend, options)
            print(
                f"{name:3} {backend:7} {'no' if got.wrong else 'yes':5} {got.seconds:8.2f} "
                f"{got.formula.complexity:6}  {str(got.formula)[:110]}"
                f"{f'  ({got.wrong})' if got.wrong else ''}",
                flush=True,
            )
        native, pysr = (outcomes[backend] for backend in BACKENDS)
        if not native.wrong and not pysr.wrong:
            ratio = pysr.seconds / native.seconds
            print(f"{name:3} PySR's time over the native engine's: {ratio:.1f}")
        missed |= name in MUST_BE_FOUND and (bool(pysr.wrong) or pysr.seconds > WITHIN)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
