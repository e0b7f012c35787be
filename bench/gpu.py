"""Every kernel on a GPU: checked against the CPU, timed against it and against its floor.

Times are of whole calls from Python, transfers included. The floor is the largest of what the link
to the device (`--link`, GB/s), the host's memory (measured), the device's (by its data) and the
device's arithmetic need at least; bytes and operations are those beside the kernels, cuda/bodies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from bench import costs, machine
from bench.record import Record
from bench.surrogate_functions import INPUTS, MODES, SEGMENTS, random_surrogate
from bench.timing import medians
from closedform import _core

# Multiply-adds of a multiprocessor a clock in float32 and float64, by compute capability (CUDA C++
# Programming Guide, arithmetic instructions).
RATES = {"7.5": (64, 2), "8.0": (64, 32), "9.0": (128, 64), "10.0": (128, 64)}
OTHER_RATES = (128, 2)
DTYPES: dict[str, type] = {"float32": np.float32, "float64": np.float64}
EXPRESSIONS, WIDTH = 500, 1000

Array = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Case:
    """A call there and here, and what it cannot do without.

    Attributes:
        name: "gpu.what".
        there, here: the same on the device and on the CPU.
        read: bytes that go to the device.
        written: numbers that come back; they are float64 in the host's memory.
        operations: of arithmetic, on the device.
        tolerance: largest difference, in units of the largest number: what cancels is small beside
            it.
        double: whether the arithmetic is float64 whatever X is.
        beside: the same call there with so few rows that its time is that of other work, which is
            left out of the comparison with the floor.
    """

    name: str
    there: Callable[[], Array]
    here: Callable[[], Array]
    read: float
    written: float
    operations: float
    tolerance: float
    double: bool = False
    beside: Callable[[], Array] | None = None


def run(what: str, *, dtype: str, rows: int, link: float, threads: int, seed: int) -> list[Record]:
    """The records of one group of kernels; none, and the reason, where there is no GPU."""
    problem, _ = _core.cuda_problem()
    if problem:
        print(f"   no GPU can be used: {problem}", flush=True)
        return []
    rng = np.random.default_rng(seed)
    cases = CASES[what](DTYPES[dtype], rows, threads, rng)
    return [_record(case, dtype, rows, link, threads) for case in cases]


def _record(case: Case, dtype: str, rows: int, link: float, threads: int) -> Record:
    found, expected = case.there(), case.here()
    error = float(np.abs(found - expected).max() / np.abs(expected).max())
    assert error <= case.tolerance, (case.name, dtype, error)
    works: dict[str, Callable[[], object]] = {"there": case.there, "here": case.here}
    if case.beside is not None:
        works["beside"] = case.beside
    took = medians(works)
    own = took["there"] - took.get("beside", 0.0)
    device = _core.cuda_devices()[0]
    size = np.dtype(DTYPES[dtype]).itemsize
    back = case.written * size
    rates = RATES.get(device["compute_capability"], OTHER_RATES)
    clocks = 2 * device["multiprocessors"] * device["clock"]
    floors = {
        "link": (case.read + back) / (1e9 * link),
        # Both ways through pinned memory: there once more, back as float64.
        "host": (2 * case.read + back + 8 * case.written) / machine.floors(threads).bandwidth,
        "device's memory": (case.read + back) / device["bandwidth"],
        "arithmetic": case.operations
        / (rates[1 if case.double or dtype == "float64" else 0] * clocks),
    }
    bound = max(floors, key=lambda key: floors[key])
    return Record(
        case.name,
        {"dtype": dtype, "rows": rows},
        f"within {error:.0e} of the CPU",
        took["there"],
        peer=f"CPU, {threads} threads",
        theirs=took["here"],
        floor=floors[bound] / own,
        note=f"{own / floors[bound]:.1f} times the floor ({bound}) on {device['name']}",
        again=case.there,
    )


def _eps(dtype: type) -> float:
    return float(np.finfo(dtype).eps)


def _surrogate(dtype: type, rows: int, threads: int, rng: np.random.Generator) -> list[Case]:
    core = random_surrogate(rng)
    X = rng.uniform(size=(rows, INPUTS)).astype(dtype)
    counts = {
        "value": costs.surrogate_value(INPUTS, MODES)[0],
        "gradient": costs.surrogate_gradient(INPUTS, MODES)[0],
        "hessian": costs.surrogate_hessian(INPUTS, MODES)[0],
    }
    return [
        Case(
            f"gpu.surrogate.{name}",
            partial(getattr(core, name), X, on_device=True),
            partial(getattr(core, name), X, threads),
            read=X.nbytes,
            written=rows * INPUTS**order,
            operations=rows * count,
            tolerance=2000 * _eps(dtype),
        )
        for order, (name, count) in enumerate(counts.items())
    ]


def _separability(dtype: type, rows: int, threads: int, rng: np.random.Generator) -> list[Case]:
    core = random_surrogate(rng)
    X = rng.uniform(size=(rows, INPUTS)).astype(dtype)

    def scores(X: Array, on_device: bool) -> Array:
        found = _core.separate(
            core,
            X,
            None,
            None,
            discrete=[False] * INPUTS,
            held_out_error=1e-3,
            segments=SEGMENTS,
            smoothing=1e-8,
            time=1e-3,  # no tree but the first: what is timed is the pass over the rows
            seed=0,
            threads=threads,
            on_device=on_device,
        )
        return found["product_rms"]

    pairs = INPUTS * (INPUTS - 1) // 2
    return [
        Case(
            "gpu.separability",
            lambda: scores(X, True),
            lambda: scores(X, False),
            read=X.nbytes,
            written=0,
            operations=rows * (costs.surrogate_hessian(INPUTS, MODES)[0] + 13 * pairs),
            tolerance=1e5 * _eps(dtype),
            beside=lambda: scores(X[:100], True),
        )
    ]


def _fit(dtype: type, rows: int, threads: int, rng: np.random.Generator) -> list[Case]:
    X = rng.uniform(size=(rows, INPUTS)).astype(dtype)
    y = np.sin(X @ np.arange(INPUTS)) + 0.1 * rng.normal(size=rows)

    def fitted(on_device: bool) -> Array:
        model, _ = _core.fit_surrogate(
            X,
            y,
            None,
            modes=MODES,
            segments=SEGMENTS,
            smoothing=1e-6,
            patch=2,
            degree=2,
            time=np.inf,
            seed=0,
            threads=threads,
            on_device=on_device,
        )
        return model.value(X[:10000])

    pairs = MODES * (MODES + 1) // 2
    sweep = INPUTS * (MODES * (INPUTS - 1) * 9 + 19 * pairs + 10 * MODES)
    return [
        Case(
            "gpu.fit",
            lambda: fitted(True),
            lambda: fitted(False),
            read=X.nbytes + rows * 3 * 8,
            written=0,
            operations=rows * sweep,  # at least one
            tolerance=1e-6,
            double=True,
        )
    ]


def _network(dtype: type, rows: int, threads: int, rng: np.random.Generator) -> list[Case]:
    kind = _core.NetworkFloat32 if dtype is np.float32 else _core.NetworkFloat64
    sizes = [INPUTS, WIDTH, WIDTH, 1]
    net = kind(
        [
            (
                (rng.normal(size=(o, i)) / np.sqrt(i)).astype(dtype),
                np.zeros(o, dtype),
                "elu" if o > 1 else "identity",
                1.0,
            )
            for i, o in pairwise(sizes)
        ]
    )
    X = rng.normal(size=(rows, INPUTS)).astype(dtype)
    products = 2 * sum(i * o for i, o in pairwise(sizes))
    return [
        Case(
            f"gpu.network.{name}",
            partial(getattr(net, name), X, "neuron", 2, 0, on_device=True),
            partial(getattr(net, name), X, "neuron", 2, 0, threads),
            read=X.nbytes,
            written=rows * width,
            operations=rows * passes * products,
            tolerance=2000 * _eps(dtype),
        )
        for name, passes, width in (("value", 1, 1), ("gradient", 2, INPUTS))
    ]


def _expressions(dtype: type, rows: int, threads: int, rng: np.random.Generator) -> list[Case]:
    """Losses of a batch, in float64 and, for ranking, in the precision of X."""
    names = ["x", "y", "z"]
    X = rng.uniform(0.5, 2, (rows, 3)).astype(dtype)
    a, b = rng.uniform(0.5, 1.5, (2, EXPRESSIONS))
    texts = [
        f"{p!r}*exp(-x)*sin({q!r}*y)/(z + 1.5)" for p, q in zip(a.tolist(), b.tolist(), strict=True)
    ]
    work = costs.OPERATIONS["exp"] + costs.OPERATIONS["sin"] + 6  # of an expression's operators
    y = rng.normal(size=rows)
    U = rng.normal(size=(rows, 3))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    signs = np.where(y > 0, 1.0, -1.0)
    goals = {
        "values": (_core.Goal.values(y, None), 2, work),
        "directions": (_core.Goal.gradients(U, None, None, False), 4, 3 * work),
        "labels": (_core.Goal.labels(signs, None), 2, work),
    }
    return [
        Case(
            f"gpu.expressions.{name}{'.rough' if rough else ''}",
            lambda goal=goal, rough=rough: np.array(
                goal.losses_on_device(texts, names, X, rough=rough)
            ),
            lambda goal=goal: np.array(goal.losses(texts, names, X, threads)),
            read=X.nbytes + rows * others * 8,
            written=0,
            operations=rows * EXPRESSIONS * operations,
            tolerance=2000 * _eps(dtype if rough else np.float64),
            double=not rough,
        )
        for name, (goal, others, operations) in goals.items()
        for rough in (False, True)
        if not rough or dtype is np.float32  # of float64 it is the same
    ]


def _search(dtype: type, rows: int, threads: int, rng: np.random.Generator) -> list[Case]:
    """A whole search with the same budget: the losses of what it finds on all rows."""
    X = rng.uniform(0.5, 2, (rows, 3)).astype(dtype)
    y = np.exp(-X[:, 0].astype(np.float64)) * X[:, 1] / (1 + X[:, 2]) + 0.01 * rng.normal(size=rows)
    goal = _core.Goal.values(y, None)
    names, operators = ["x", "y", "z"], ["+", "*", "/", "exp"]

    def best(on_device: bool) -> Array:
        found = _core.search(
            X, goal, names, operators, 20, np.inf, 40000, threads, 0, [], None, 0.0, on_device
        )
        return np.array([min(loss for _, loss in found["front"])])

    return [
        Case(
            "gpu.search",
            lambda: best(True),
            lambda: best(False),
            read=X.nbytes + rows * 2 * 8,
            written=0,
            operations=0,  # the evolution is the CPU's
            tolerance=0.01,  # among more candidates a better one may be
        )
    ]


CASES: dict[str, Callable[[type, int, int, np.random.Generator], list[Case]]] = {
    "surrogate": _surrogate,
    "separability": _separability,
    "fit": _fit,
    "network": _network,
    "expressions": _expressions,
    "search": _search,
}
