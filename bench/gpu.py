"""Every kernel on a GPU: checked against the CPU, timed against it and against its floor.

Times are of whole calls from Python, transfers included; ".there": of calls whose rows lie on the
device already; ".kernels": how long kernels ran in such a call, as torch's profiler saw them;
".first": of a call before which no memory is kept from earlier ones. The floor is the largest of
what the link to the device, the host's memory, the device's and the device's arithmetic need at
least, all of them measured in the same process (`--link`, GB/s, where there is no nvcc to measure
it with); bytes and operations are those beside the kernels, cuda/*/*_body.hpp. An answer that is
wrong is a record of its own, so that the others are still told.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from bench import costs, machine
from bench.gpu_machine import ceilings, kernels_of, moved, new_pages
from bench.record import Record, Target, Value
from bench.surrogate_functions import INPUTS, MODES, SEGMENTS, random_surrogate
from bench.timing import medians
from closedform import _core

DTYPES: dict[str, type] = {"float32": np.float32, "float64": np.float64}
EXPRESSIONS, WIDTH, ROUNDS = 500, 1000, 3
KERNEL = "run_body"  # in the names of all kernels of ours, cuda/runtime/cuda_block.cuh
TORCH_TARGET = Target("ratio", 0.9)

NOISE, SEEDS, LONGEST, MOST = 0.01, 3, 15.0, 10**8  # of a search to the law
SEARCHED: dict[str, Callable[..., Array]] = {
    "product": lambda x, y, z: np.exp(-x) * y / (1 + z),
    "sum": lambda x, y, z: np.exp(-x * z) * y / (1 + z * x) + 0.3 * y,
    "two_terms": lambda x, y, z: x * y / (0.5 + x + z) + 0.4 * np.exp(-y * z),
}

Array = npt.NDArray[np.floating]
Work = Callable[[], Array]


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
        placed: makes the call whose rows lie on the device; gives None where that cannot be.
        torch: makes torch's call for the same on the same device, rows there.
        rounds: of timing.
        kernels: whether kernels are timed.
        kernel: in the names of those that are.
    """

    name: str
    there: Work
    here: Work
    read: float
    written: float
    operations: float
    tolerance: float
    double: bool = False
    placed: Callable[[], Work | None] | None = None
    torch: Callable[[], Work | None] | None = None
    rounds: int = ROUNDS
    kernels: bool = True
    kernel: str = KERNEL


def run(what: str, *, dtype: str, rows: int, link: float, threads: int, seed: int) -> list[Record]:
    """The records of one group of kernels; none, and the reason, where there is no GPU."""
    problem, _ = _core.cuda_problem()
    if problem:
        print(f"   no GPU can be used: {problem}", flush=True)
        return []
    rng = np.random.default_rng(seed)
    records: list[Record] = []
    for case in CASES[what](DTYPES[dtype], rows, threads, rng):
        try:
            records += _records(case, dtype, rows, link, threads)
        except (RuntimeError, MemoryError) as error:  # noqa: PERF203 (a DeviceError, or CUDA's)
            records.append(_wrong(case, dtype, rows, math.inf, str(error)))
    return records


def run_machine(*, link: float, threads: int, seed: int) -> list[Record]:
    """What the GPU does at best: what every floor is made of."""
    problem, _ = _core.cuda_problem()
    if problem:
        print(f"   no GPU can be used: {problem}", flush=True)
        return []
    best = ceilings(1e9 * link)
    device = _core.cuda_devices()[0]
    how = "measured" if best.measured else "by its data sheet"
    rates = {
        "memory": best.memory,
        "to_device": best.to_device,
        "to_host": best.to_host,
        "float32": best.single,
        "float64": best.double,
        "host_memory": machine.bandwidth(threads),
        "new_pages": new_pages(threads),
    }
    print(f"   matrix products: {_core.cuda_matrix_library() or 'our own'}", flush=True)
    return [
        Record(f"gpu.machine.{name}", {}, f"{how}; {device['name']}", rate / 1e9, unit="G/s")
        for name, rate in rates.items()
    ]


def _records(case: Case, dtype: str, rows: int, link: float, threads: int) -> list[Record]:
    expected = case.here()
    works: dict[str, Work] = {"there": case.there}
    placed = case.placed() if case.placed is not None else None
    if placed is not None:
        works["placed"] = placed
    torch = case.torch() if case.torch is not None else None
    if torch is not None:
        works["torch"] = torch
    errors = {key: _error(work(), expected) for key, work in works.items()}
    for key, error in errors.items():
        if not error <= case.tolerance:
            return [_wrong(case, dtype, rows, error, f"{key} is not the CPU's")]
    first = _first(case.there)
    took = medians({**works, "here": case.here}, case.rounds)
    floors = _floors(case, dtype, link, threads)
    answer = f"within {errors['there']:.0e} of the CPU"
    parameters: dict[str, Value] = {"dtype": dtype, "rows": rows}
    records = [
        Record(
            case.name,
            parameters,
            answer,
            took["there"],
            peer=f"CPU, {threads} threads",
            theirs=took["here"],
            again=case.there,
            **_of_floor(took["there"], floors),
        ),
        Record(
            f"{case.name}.first",
            parameters,
            answer,
            first,
            peer="later calls",
            theirs=took["there"],
        ),
    ]
    within = {key: floors[key] for key in ("memory", "arithmetic")}
    if placed is not None:
        without = {key: floor for key, floor in floors.items() if key != "to device"}
        records.append(
            Record(
                f"{case.name}.there",
                parameters,
                answer,
                took["placed"],
                peer="torch" if torch is not None else f"CPU, {threads} threads",
                theirs=took["torch" if torch is not None else "here"],
                targets=() if torch is None else (TORCH_TARGET,),
                **_of_floor(took["placed"], without),
            )
        )
    ran = kernels_of(placed or case.there, case.kernel) if case.kernels else None
    if ran is not None:
        theirs = None if torch is None else kernels_of(torch, "")
        of_floor = _of_floor(ran.seconds, within)
        notes = [of_floor.pop("note", ""), ran.told]
        if theirs is not None:
            notes.append(f"torch: {theirs.told}")
        records.append(
            Record(
                f"{case.name}.kernels",
                parameters,
                answer,
                ran.seconds,
                peer="" if theirs is None else "torch",
                theirs=None if theirs is None else theirs.seconds,
                note="; ".join(note for note in notes if note),
                **of_floor,
            )
        )
    return records


def _first(work: Work) -> float:
    """Seconds of a call for which all memory, the device's and pinned, has to be asked for."""
    _core.cuda_release_memory()
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _error(found: Array, expected: Array) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def _wrong(case: Case, dtype: str, rows: int, error: float, what: str) -> Record:
    target = Target("ours", case.tolerance, most=True)
    parameters: dict[str, Value] = {"dtype": dtype, "rows": rows}
    return Record(case.name, parameters, f"WRONG: {what}", error, "wrong", targets=(target,))


def _floors(case: Case, dtype: str, link: float, threads: int) -> dict[str, float]:
    """Least seconds that each of what there is needs for a call."""
    best = ceilings(1e9 * link)
    back = case.written * np.dtype(DTYPES[dtype]).itemsize
    double = case.double or dtype == "float64"
    return {
        "to device": case.read / best.to_device,
        "to host": back / best.to_host,
        # Both ways through pinned memory: there once more, back as float64 into a new array.
        "host": (2 * case.read + back) / machine.bandwidth(threads)
        + 8 * case.written / new_pages(threads),
        "memory": (case.read + back) / best.memory,
        "arithmetic": case.operations / (best.double if double else best.single),
    }


def _of_floor(seconds: float, floors: dict[str, float]) -> dict[str, Any]:
    bound = max(floors, key=lambda key: floors[key])
    if not (seconds > 0 and floors[bound] > 0):
        return {}
    device = _core.cuda_devices()[0]["name"]
    note = f"{seconds / floors[bound]:.1f} times the floor ({bound}) on {device}"
    return {"floor": floors[bound] / seconds, "note": note}


def _placed(work: Callable[..., Array], X: Array, *arguments: Any) -> Work | None:
    """work(X on the device, ...)."""
    there = moved(X)
    return None if there is None else partial(work, there, *arguments, on_device=True)


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
            placed=partial(_placed, getattr(core, name), X),
        )
        for order, (name, count) in enumerate(counts.items())
    ]


def _separability(dtype: type, rows: int, threads: int, rng: np.random.Generator) -> list[Case]:
    core = random_surrogate(rng)
    X = rng.uniform(size=(rows, INPUTS)).astype(dtype)

    def scores(on_device: bool) -> Array:
        discrete = [False] * INPUTS
        found = _core.pair_scores(core, X, discrete=discrete, threads=threads, on_device=on_device)
        return found["product_rms"]

    pairs = INPUTS * (INPUTS - 1) // 2
    return [
        Case(
            "gpu.separability",
            partial(scores, True),
            partial(scores, False),
            read=X.nbytes,
            written=0,
            operations=rows * (costs.surrogate_hessian(INPUTS, MODES)[0] + 13 * pairs),
            tolerance=1e5 * _eps(dtype),
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
            rounds=1,
        )
    ]


def _network(dtype: type, rows: int, threads: int, rng: np.random.Generator) -> list[Case]:
    kind = _core.NetworkFloat32 if dtype is np.float32 else _core.NetworkFloat64
    sizes = [INPUTS, WIDTH, WIDTH, 1]
    weights = [(rng.normal(size=(o, i)) / np.sqrt(i)).astype(dtype) for i, o in pairwise(sizes)]
    net = kind(
        [(w, np.zeros(len(w), dtype), "elu" if len(w) > 1 else "identity", 1.0) for w in weights]
    )
    X = rng.normal(size=(rows, INPUTS)).astype(dtype)
    products = 2 * sum(i * o for i, o in pairwise(sizes))
    return [
        Case(
            f"gpu.network.{name}{'.tiles' if own else ''}",
            partial(getattr(net, name), X, "neuron", 2, 0, on_device=True, own_products=own),
            partial(getattr(net, name), X, "neuron", 2, 0, threads),
            read=X.nbytes,
            written=rows * width,
            operations=rows * passes * products,
            tolerance=2000 * _eps(dtype),
            placed=partial(
                _placed, partial(getattr(net, name), own_products=own), X, "neuron", 2, 0
            ),
            torch=partial(_torch, weights, X) if name == "gradient" and not own else None,
            kernel="",  # a library's among them
        )
        # By a library's products where one is found, and by our own tiles.
        for name, passes, width, own in (
            ("value", 1, 1, False),
            ("gradient", 2, INPUTS, False),
            ("gradient", 2, INPUTS, True),
        )
    ]


def _torch(weights: list[Array], X: Array) -> Work | None:
    """The network's input gradients by torch's autograd on the GPU; None without it."""
    try:
        import torch

        torch.zeros(1, device="cuda")
    except (ImportError, RuntimeError, AssertionError) as error:
        print(f"   torch is left out: {error}", flush=True)
        return None
    torch.backends.cuda.matmul.allow_tf32 = False
    there = [torch.from_numpy(w).cuda() for w in weights]
    x = torch.from_numpy(X).cuda().requires_grad_(True)

    def gradient() -> Array:
        h = x
        for w in there[:-1]:
            h = torch.nn.functional.elu(h @ w.T)
        (found,) = torch.autograd.grad((h @ there[-1].T).sum(), x)
        return np.asarray(found.cpu().numpy())

    return gradient


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
    ] + ([_equations(X, y, texts, names, work, threads)] if dtype is np.float64 else [])


def _equations(
    X: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    texts: list[str],
    names: list[str],
    work: float,
    threads: int,
) -> Case:
    """Normal equations of a search's candidates, of three constants each, on a sample."""
    X, y = X[:8192], y[:8192]
    goal = _core.Goal.values(y, None)

    def gradients(on_device: bool) -> Array:
        found = goal.normal_equations(texts, names, X, threads, on_device)
        return np.array([[loss, *gradient] for loss, gradient, _ in found])

    return Case(
        "gpu.expressions.equations",
        partial(gradients, True),
        partial(gradients, False),
        read=X.nbytes + 2 * y.nbytes,
        written=0,
        operations=len(X) * EXPRESSIONS * (2 * work + 2 * 10),
        tolerance=2000 * _eps(np.float64),
        double=True,
    )


def _search(dtype: type, rows: int, threads: int, rng: np.random.Generator) -> list[Case]:
    """Searches until the law is found; seconds are those of all seeds."""
    X = rng.uniform(0.5, 2, (rows, 3)).astype(dtype)
    errors = NOISE * rng.normal(size=rows)
    names, operators, wide = ["x", "y", "z"], ["+", "*", "/", "exp"], X.astype(np.float64).T
    enough = 1.03 * NOISE**2

    def found(goal: _core.Goal, on_device: bool) -> Array:
        losses = []
        for seed in range(SEEDS):
            budget = (25, LONGEST, MOST, threads, seed)
            here = _core.search(X, goal, names, operators, *budget, [], None, enough, on_device)
            losses.append(min(loss for _, loss in here["front"]))
            if losses[-1] > enough:
                raise RuntimeError(f"the law was not found in {LONGEST:.0f} s with seed {seed}")
        return np.array(losses)

    def case(name: str, law: Callable[..., Array]) -> Case:
        goal = _core.Goal.values(law(*wide) + errors, None)
        return Case(
            f"gpu.search.{name}",
            partial(found, goal, True),
            partial(found, goal, False),
            read=X.nbytes + rows * 2 * 8,
            written=0,
            operations=0,  # proposals and steps of fits are the CPU's
            tolerance=0.03,  # as near to the noise as `enough` asks
            rounds=1,
            kernels=False,
        )

    return [case(name, law) for name, law in SEARCHED.items()]


CASES: dict[str, Callable[[type, int, int, np.random.Generator], list[Case]]] = {
    "surrogate": _surrogate,
    "separability": _separability,
    "fit": _fit,
    "network": _network,
    "expressions": _expressions,
    "search": _search,
}
