"""The PySR engine with Julia running, where it starts: run by
tests/python/searches/backends/test_pysr.py."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform.errors import InputError
from closedform.searches.backends import julia_start
from closedform.searches.objectives import Directions

pytestmark = pytest.mark.julia

RNG = np.random.default_rng(0)
X = RNG.uniform(0.5, 2, (1200, 2))
UNARY = ("sin", "exp", "cos", "square", "cube", "inv", "tanh", "abs")
BINARY = "+-*/"


@pytest.fixture(scope="session")
def julia() -> Any:
    return julia_start.start(2)


def random_text(rng: np.random.Generator, depth: int = 0) -> str:
    """An expression of a, b and numbers that both Julia and our parser read."""
    kind = rng.random()
    if depth > 3 or kind < 0.15:
        return str(rng.choice(["a", "b", f"{rng.normal():.17g}"]))
    if kind < 0.5:
        return f"{rng.choice(UNARY)}({random_text(rng, depth + 1)})"
    operator = BINARY[rng.integers(4)]
    return f"({random_text(rng, depth + 1)} {operator} {random_text(rng, depth + 1)})"


@pytest.mark.parametrize("signed", [False, True])
def test_the_objective_is_the_native_one(julia: Any, signed: bool) -> None:
    julia.seval("using SymbolicRegression: Options, Dataset, Node")
    loss = julia.seval(
        """begin
            binary = [+, -, *, /]
            square, cube = SymbolicRegression.square, SymbolicRegression.cube
            unary = [sin, exp, cos, square, cube, inv, tanh, abs]
            options = Options(; binary_operators=binary, unary_operators=unary, save_to_file=false)
            tree(number::Real) = Node{Float64}(; val=number)
            tree(name::Symbol) = Node{Float64}(; feature=name == :a ? 1 : 2)
            function tree(call::Expr)
                names = nameof.(length(call.args) == 2 ? unary : binary)
                return Node(findfirst(==(call.args[1]), names), map(tree, call.args[2:end])...)
            end
            (text, X, objective, rows) -> objective(
                tree(Meta.parse(text)), Dataset(Matrix(X), Vector{Float64}(rows)), options)
        end"""
    )
    rng = np.random.default_rng(int(signed))
    U = rng.normal(size=(300, 2))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    scales, weights = rng.uniform(0.5, 2, U.shape), rng.uniform(0, 2, len(U))
    objective = julia.GradientCosine.Objective(U.T, scales.T, weights, signed)
    compared = 0
    for _ in range(150):
        text = random_text(rng)
        formula = cf.Formula(text, ("a", "b"))
        if not formula.simplified((*UNARY, *BINARY))._expression.inputs_needed:
            continue  # as a - a: its gradient is what rounding leaves
        rows = np.sort(rng.permutation(300)[: rng.integers(1, 301)])
        part = (np.ascontiguousarray(array[rows]) for array in (U, scales, weights))
        goal = Directions(*part, signed).goal
        inputs = np.ascontiguousarray(X[:300][rows])
        native = goal.loss(text, ("a", "b"), inputs)
        ours = loss(text, inputs.T, objective, rows + 1.0)
        if not np.isfinite(native):
            assert not np.isfinite(ours), text
            continue
        compared += 1
        assert ours == pytest.approx(native, rel=1e-10, abs=1e-10), text
    assert compared > 80


def test_its_own_tests(julia: Any) -> None:
    julia.include(str(Path(__file__).with_name("test_gradient_cosine.jl")))


def test_gradients(julia: Any) -> None:
    gradient = np.stack([2 * X[:, 0], 4 * X[:, 1]], axis=1)
    front = cf.search(
        X,
        gradients=gradient,
        symmetries=False,
        operators=("+", "-", "*", "/"),
        backend="pysr",
        threads=2,
        time=60,
        options={"batching": True, "batch_size": 200},
    )
    assert front.stopped == "exact"
    ratio = front.best.gradient(X) / gradient
    assert np.allclose(ratio, ratio.mean(axis=1, keepdims=True), rtol=1e-6)
    assert front.best.complexity <= 9


def test_values_and_names(julia: Any) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=["β", "mass"])
    front = cf.search(
        table, values=3.5 * X[:, 0] * X[:, 1], operators="+ *", backend="pysr", threads=2, time=60
    )
    assert front.stopped == "exact"
    assert front.best.names == ("beta", "mass")  # beta is a function to PySR
    assert front.best.complexity == 5
    assert front.best(table) == pytest.approx(3.5 * X[:, 0] * X[:, 1])


def test_labels(julia: Any) -> None:
    labels = X[:, 0] * X[:, 1] > 1
    front = cf.search(
        X, labels=labels, operators="+ - *", max_size=7, backend="pysr", threads=2, time=10
    )
    assert np.mean((front.best(X) > 0) == labels) > 0.98


def test_one_thread_and_a_seed_repeat(julia: Any) -> None:
    def once() -> list[str]:
        front = cf.search(
            X[:100],
            values=np.sin(X[:100, 0]) + X[:100, 1] ** 2 / 3,
            operators="+ * sin",
            backend="pysr",
            threads=1,
            evaluations=20_000,
            time=float("inf"),
            seed=3,
        )
        assert front.stopped in ("evaluations", "exact")
        return [formula.text for formula in front]

    assert once() == once()


def test_callback_stops_and_is_told(julia: Any) -> None:
    told = []

    def stop(progress: Any) -> bool:
        told.append(progress.best)
        return progress.best is not None and len(told) > 2

    begun = time.monotonic()
    front = cf.search(
        X,
        values=np.exp(np.sin(3 * X[:, 0])) * X[:, 1] ** 2.5,
        backend="pysr",
        threads=2,
        time=120,
        callback=stop,
    )
    assert front.stopped == "interrupted"
    assert time.monotonic() - begun < 60
    assert told[-1] is not None


def test_what_pysr_does_not_know_is_refused(julia: Any) -> None:
    with pytest.raises(InputError, match="'populatons' is no parameter"):
        cf.search(X, values=X[:, 0], backend="pysr", options={"populatons": 3})
    with pytest.raises(InputError, match="threads: Julia was started with 2"):
        cf.search(X, values=X[:, 0], backend="pysr", threads=5)


INTERRUPTED = """
import numpy as np, closedform as cf, os, signal, threading, time
X = np.random.default_rng(0).uniform(0.5, 2, (500, 2))
y = np.exp(np.sin(3 * X[:, 0])) * X[:, 1] ** 2.5
def told(progress):
    if progress.best is not None and not started:
        started.append(threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)))
        started[0].start()
started = []
begun = time.monotonic()
front = cf.search(X, values=y, backend="pysr", threads=2, time=300, callback=told)
print(front.stopped, len(front), time.monotonic() - begun < 200)
"""


def test_ctrl_c_returns_the_best_so_far() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    out, _ = process.communicate(timeout=400)
    stopped, count, early = out.split()[-3:]
    assert (stopped, early) == ("interrupted", "True")
    assert int(count) > 1
    assert process.returncode == 0


def test_discover_and_interpret_end_to_end(julia: Any) -> None:
    y = X[:, 0] ** 2 + np.sin(3 * X[:, 1])
    found = cf.discover(X, y, backend="pysr", threads=2, time=60, operators="+ * sin square")
    assert found.formula(X) == pytest.approx(y, rel=1e-6)

    def slope(rows: Any) -> Any:
        product = rows[:, 0] * rows[:, 1]
        return np.stack([rows[:, 1], rows[:, 0]], axis=1) / np.cosh(product)[:, None] ** 2

    net = cf.network((lambda rows: np.tanh(rows[:, 0] * rows[:, 1]), slope))
    read = cf.interpret(
        net, X, backend="pysr", threads=2, time=30, operators="+ *", symmetries=False
    )
    assert str(read.formula) in ("x1*x2", "x2*x1")
