"""One piece of the guard's work, in a process of its own; prints its Outcome as a line of JSON.

    python -m bench.guard_work fit '{"folder": ..., "rows": 10000000, "threads": 2, "seed": 0}'

It runs under whatever build of closedform Python finds, of this commit or another: so it calls the
public interface and nothing else. The answer is asserted before a figure is given.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import closedform as cf
from bench.memory import ResidentMemory
from bench.neurons import rules
from bench.problem import judge
from bench.vladislavleva import PROBLEMS

Floats = npt.NDArray[np.float64]

INPUTS = 4  # of the mapped rows, in [0, 1]
LAW, TREE = "sin(3*x1)*exp(x2) + x3*x4", "sum(product(x1, x2), product(x3, x4))"
MODES, SEGMENTS, SMOOTHING = 4, 10, 1e-6  # given: the work does not depend on what is chosen
ENOUGH = 1e-2  # a surrogate's error over the target's spread
FEW = 20_000  # rows a surrogate is fitted to where the fit is not what is measured
BLOCK = 100_000  # rows differentiated at a time
LATENCY_INPUTS, LATENCY_MODES, V1 = 10, 14, "exp(-(x1 - 1)**2)/(1.2 + (x2 - 2.5)**2)"

OPERATORS, MAX_SIZE = ("+", "-", "*", "/", "sin", "cos", "exp", "log", "square"), 40
# Searches have evaluations to spend and no end of time: what is found, and with how much work, is
# the same on a machine that others use too.
EVALUATIONS = 2_000_000
RULE_ROWS, RULE_DRAWS = 1000, 3


@dataclass(frozen=True)
class Task:
    """What is asked for.

    Attributes:
        folder: with the mapped rows, `X` and `y`; "" for work that has rows of its own.
        rows: how many those are.
    """

    folder: str
    rows: int
    threads: int
    seed: int

    def mapped(self) -> tuple[Floats, Floats]:
        folder = Path(self.folder)
        X = np.memmap(folder / "X", np.float64, "r", shape=(self.rows, INPUTS))
        return X, np.memmap(folder / "y", np.float64, "r", shape=(self.rows,))


@dataclass(frozen=True)
class Figure:
    """A number measured.

    Attributes:
        processor: seconds of all processors together that it took; 0 where they were not taken.
    """

    value: float
    unit: str
    processor: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What a piece of work gave.

    Attributes:
        answer: what was asserted, or found.
        figures: by what they are of.
        found: names of what was found, where the work is to find things.
    """

    answer: str
    figures: Mapping[str, Figure]
    found: tuple[str, ...] = ()

    @classmethod
    def from_plain(cls, entry: Mapping[str, Any]) -> Outcome:
        figures = {of: Figure(**figure) for of, figure in entry["figures"].items()}
        return cls(entry["answer"], figures, tuple(entry["found"]))


class Stopwatch:
    """Seconds in its blocks, by the clock and of all processors together."""

    def __init__(self) -> None:
        self.seconds = self.processor = 0.0

    def __enter__(self) -> None:
        self._begun = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._begun[0]
        self.processor += time.process_time() - self._begun[1]


def law(X: Floats) -> Floats:
    """LAW at rows, by numpy and nothing of ours."""
    values: Floats = np.sin(3 * X[:, 0]) * np.exp(X[:, 1]) + X[:, 2] * X[:, 3]
    return values


def fresh(rows: int) -> Floats:
    return np.random.default_rng(99).uniform(0.02, 0.98, (rows, INPUTS))


def error(of: Callable[[Floats], Floats]) -> float:
    """Over the law's spread, at fresh rows."""
    Z = fresh(5000)
    truth = law(Z)
    return float(np.sqrt(np.mean((of(Z) - truth) ** 2)) / truth.std())


def over_rows(task: Task, work: Callable[[Floats, Floats, Stopwatch], str]) -> Outcome:
    """Millions of mapped rows a second of what `work` puts under the watch, and the memory of all
    it does."""
    X, y = task.mapped()
    watch = Stopwatch()
    with ResidentMemory() as memory:
        answer = work(X, y, watch)
    rate = Figure(task.rows / watch.seconds / 1e6, "M rows a second", watch.processor)
    return Outcome(answer, {"speed": rate, "memory": Figure(memory.grown, "MiB")})


def surrogate_of(task: Task, X: Floats, y: Floats, watch: Stopwatch | None = None) -> cf.Surrogate:
    surrogate = cf.Surrogate(
        MODES,
        SEGMENTS,
        smoothing=SMOOTHING,
        time=math.inf,
        seed=task.seed,
        threads=task.threads,
    )
    with watch or Stopwatch():
        surrogate.fit(X, y)
    assert error(surrogate.predict) < ENOUGH, surrogate
    return surrogate


def fit(task: Task) -> Outcome:
    def work(X: Floats, y: Floats, watch: Stopwatch) -> str:
        return f"error {error(surrogate_of(task, X, y, watch).predict):.1e}"

    return over_rows(task, work)


def hessian(task: Task) -> Outcome:
    def work(X: Floats, y: Floats, watch: Stopwatch) -> str:
        surrogate = surrogate_of(task, X[:FEW], y[:FEW])
        off = far_from_differences(surrogate)
        with watch:
            for start in range(0, task.rows, BLOCK):
                surrogate.hessian(X[start : start + BLOCK])
        return f"within {off:.0e} of differences"

    return over_rows(task, work)


def far_from_differences(surrogate: cf.Surrogate, h: float = 1e-5) -> float:
    """The Hessian's median distance from its gradient's differences, over its largest entry.

    Where a step crosses a node the difference is none: the second derivative jumps there.
    """
    Z, steps = fresh(200), h * np.eye(INPUTS)
    ours = surrogate.hessian(Z)
    columns = [(surrogate.gradient(Z + s) - surrogate.gradient(Z - s)) / (2 * h) for s in steps]
    off = np.abs(ours - np.stack(columns, axis=-1)).max(axis=(1, 2)) / np.abs(ours).max()
    assert np.mean(off < 1e-6) > 0.98, np.sort(off)[-5:]
    return float(np.median(off))


def separability(task: Task) -> Outcome:
    def work(X: Floats, y: Floats, watch: Stopwatch) -> str:
        surrogate = surrogate_of(task, X[:FEW], y[:FEW])
        with watch:
            found = cf.separability(
                surrogate, X, y, time=math.inf, seed=task.seed, threads=task.threads
            )
        assert str(found) == TREE, found
        return TREE

    return over_rows(task, work)


def search(task: Task) -> Outcome:
    def work(X: Floats, y: Floats, watch: Stopwatch) -> str:
        with watch:
            best = cf.search(X, values=y, operators=OPERATORS, **_budget(task)).best
        assert error(best) < 1e-9, best
        assert best.complexity <= cf.Formula(LAW, best.names).complexity, best
        return str(best)

    return over_rows(task, work)


def _budget(task: Task) -> dict[str, Any]:
    return {
        "time": math.inf,
        "evaluations": EVALUATIONS,
        "threads": task.threads,
        "seed": task.seed,
    }


def vladislavleva(name: str, task: Task) -> Outcome:
    problem = next(problem for problem in PROBLEMS if problem.name == name)
    X, y = problem.training(task.seed)
    watch = Stopwatch()
    with watch:
        found = cf.discover(X, y, operators=OPERATORS, max_size=MAX_SIZE, **_budget(task))
    exact = judge(problem, found.formula)[0]
    figure = Figure(watch.seconds, "seconds", watch.processor)
    return Outcome(str(found.formula), {"time": figure}, (name,) if exact else ())


def seven_rules(task: Task) -> Outcome:
    """From unit gradients; found are those whose every draw gives the minimal form."""
    watch, found = Stopwatch(), []
    for rule in rules.RULES:
        wrong = ""
        for draw in range(RULE_DRAWS):
            X, _ = rule.draw(RULE_ROWS, task.seed + draw)
            U = rule.unit_gradients(X)
            with watch:
                best = cf.search(X, gradients=U, operators=rules.OPERATORS, **_budget(task)).best
            wrong = wrong or rules.same_concept(best, rule)
        if not wrong:
            found.append(rule.name)
    figure = Figure(watch.seconds, "seconds", watch.processor)
    return Outcome("minimal form", {"time": figure}, tuple(found))


def latency(task: Task) -> Outcome:
    """One row through the C interface, of a surrogate and of a formula."""
    rng = np.random.default_rng(task.seed)
    X = rng.uniform(0, 1, (FEW, LATENCY_INPUTS))
    y = np.sin(X @ rng.normal(size=LATENCY_INPUTS)) + X[:, 0] * X[:, 1]
    surrogate = cf.Surrogate(
        LATENCY_MODES, SEGMENTS, smoothing=SMOOTHING, time=math.inf, threads=task.threads
    ).fit(X, y)
    formula = cf.Formula(V1, ("x1", "x2"))
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        program = compiled(Path(folder))
        for name, model, value in (
            ("surrogate", surrogate, surrogate.predict),
            ("formula", formula, formula),
        ):
            saved = Path(folder, name)
            model.save(saved)
            said = subprocess.run([program, saved], check=True, capture_output=True, text=True)
            lines = (line.split() for line in said.stdout.splitlines())
            numbers = {words[0]: np.array(words[1:], dtype=np.float64) for words in lines}
            row = numbers["row"][None]
            expected = [np.ravel(f(row)) for f in (value, model.gradient, model.hessian)]
            np.testing.assert_allclose(
                numbers["numbers"], np.concatenate(expected), rtol=1e-12, atol=1e-12
            )
            first, all_three = 1e6 * numbers["seconds"]
            figures[f"{name}'s value"] = Figure(first, "us")
            figures[f"{name}'s value, gradient, Hessian"] = Figure(all_three, "us")
    return Outcome("Python's numbers", figures)


def compiled(folder: Path) -> Path:
    """latency.c with the library that the package brings.

    Raises:
        FileNotFoundError: there is no compiler, or the package runs from its source tree.
    """
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise FileNotFoundError("no C compiler; install gcc or set CC")
    libraries = Path(cf.get_cmake_dir()).parents[1]
    library = next(libraries.glob("libclosedform_c.*"))
    source, program = Path(__file__).with_name("latency.c"), folder / "latency"
    flags = ["-std=gnu99", "-O2", f"-I{cf.get_include()}", f"-Wl,-rpath,{libraries}"]
    subprocess.run([compiler, *flags, "-o", program, source, library], check=True)
    return program


LAWS = tuple(problem.name for problem in PROBLEMS)
WORKS: dict[str, Callable[[Task], Outcome]] = {
    "fit": fit,
    "hessian": hessian,
    "separability": separability,
    "search": search,
    "latency": latency,
    "rules": seven_rules,
    **{name: partial(vladislavleva, name) for name in LAWS},
}


def main() -> None:
    work, task = WORKS[sys.argv[1]], Task(**json.loads(sys.argv[2]))
    # What is loaded at a first call belongs to start-up, which is measured by itself.
    cf.search(np.eye(9), values=np.arange(9.0), evaluations=100, time=math.inf, threads=1)
    outcome = work(task)
    print(json.dumps({**asdict(outcome), "package": cf.__file__, "build": cf.build_info()}))


if __name__ == "__main__":
    main()
