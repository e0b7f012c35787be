"""Every kernel on a GPU: checked against the CPU, timed against its floor. `python bench/gpu.py`

Times are of whole calls from Python, transfers included; the floor is the larger of what the link
to the device (--link, GB/s), its memory and its arithmetic need at least, by the counts beside the
kernels (cuda/bodies). Ends with status 1 where there is no GPU, or where an answer is wrong.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from closedform import _core

# Multiply-adds of a multiprocessor a clock, by compute capability (CUDA C++ Programming Guide,
# arithmetic instructions).
RATES = {"7.5": (64, 2), "8.0": (64, 32), "8.6": (128, 2), "8.9": (128, 2), "9.0": (128, 64)}
RATES |= {"10.0": (128, 64), "12.0": (128, 2)}

INPUTS, MODES, SEGMENTS = 10, 14, 10
CELLS = SEGMENTS + 2


def seconds(work: Callable[[], object]) -> float:
    """Least of five calls, after one that does not count."""
    work()
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


class Bench:
    def __init__(self, device: _core.DeviceReport, link: float) -> None:
        self.link = link * 1e9
        self.memory = device["bandwidth"]
        float32, float64 = RATES.get(device["compute_capability"], (128, 2))
        clocks = 2 * device["multiprocessors"] * device["clock"]
        self.flops = {np.float32: float32 * clocks, np.float64: float64 * clocks}
        self.wrong = 0

    def run(
        self,
        name: str,
        dtype: type,
        there: Callable[[], np.ndarray],
        here: Callable[[], np.ndarray],
        *,
        moved: float,
        flops: float,
        tolerance: float,
    ) -> None:
        """moved: bytes over the link, all of which the device's memory reads or writes once."""
        found, expected = there(), here()
        error = np.abs(found - expected).max() / np.abs(expected).max()
        # Relative to the largest number: what cancels is small beside it.
        right = bool(error <= tolerance)
        self.wrong += not right
        took = seconds(there)
        floors = {
            "link": moved / self.link,
            "memory": moved / self.memory,
            "arithmetic": flops / self.flops[dtype],
        }
        bound = max(floors, key=lambda key: floors[key])
        print(
            f"{name:28} {dtype.__name__:8} {1e3 * took:9.2f} ms, {took / floors[bound]:6.1f} times"
            f" the floor ({bound}), error {error:.1e}{'' if right else '  WRONG'}",
            flush=True,
        )


def surrogate(bench: Bench, dtype: type, rows: int) -> None:
    rng = np.random.default_rng(0)
    nodes = [np.linspace(0, 1, SEGMENTS + 1)] * INPUTS
    factors = [1 + 0.3 * rng.normal(size=(MODES, SEGMENTS + 1)) for _ in range(INPUTS)]
    core = _core.TensorSurrogate(nodes, [(2, 2)] * INPUTS, factors, 0.5, "linear")
    X = rng.uniform(size=(rows, INPUTS)).astype(dtype)
    size = np.dtype(dtype).itemsize
    eps = float(np.finfo(dtype).eps)
    pairs = INPUTS * (INPUTS + 1) // 2
    flops = {
        "value": MODES * INPUTS * 9,
        "gradient": MODES * INPUTS * 24,
        "hessian": MODES * (INPUTS * 25 + 3 * pairs),
    }
    for order, (name, count) in enumerate(flops.items()):
        work = getattr(core, name)
        bench.run(
            f"surrogate {name}",
            dtype,
            lambda w=work: w(X, on_device=True),
            lambda w=work: w(X),
            moved=rows * size * (INPUTS + INPUTS**order),
            flops=rows * count,
            tolerance=2000 * eps,
        )
    arguments = {
        "discrete": [False] * INPUTS,
        "held_out_error": 1e-3,
        "segments": SEGMENTS,
        "smoothing": 1e-8,
        "time": 1e-3,  # no tree but the first: what is timed is the pass over the rows
        "seed": 0,
        "threads": 0,
    }
    bench.run(
        "separability",
        dtype,
        lambda: _core.separate(core, X, None, None, **arguments, on_device=True)["product_rms"],
        lambda: _core.separate(core, X, None, None, **arguments)["product_rms"],
        moved=rows * size * INPUTS,
        flops=rows * (flops["hessian"] + 13 * pairs),
        tolerance=1e5 * eps,
    )


def fit(bench: Bench, rows: int) -> None:
    rng = np.random.default_rng(1)
    X = rng.uniform(size=(rows, INPUTS))
    y = np.sin(X @ np.arange(INPUTS)) + 0.1 * rng.normal(size=rows)
    sizes = {"modes": MODES, "segments": SEGMENTS, "smoothing": 1e-6, "patch": 2, "degree": 2}

    def fitted(on_device: bool) -> np.ndarray:
        model, _ = _core.fit_surrogate(
            X, y, None, **sizes, time=1.0, seed=0, threads=0, on_device=on_device
        )
        return model.value(X[:10000])

    pairs = MODES * (MODES + 1) // 2
    bench.run(
        "fit (at least one sweep)",
        np.float64,
        lambda: fitted(True),
        lambda: fitted(False),
        moved=rows * 8 * (INPUTS + 3),
        flops=rows * INPUTS * (MODES * (INPUTS - 1) * 9 + 19 * pairs + 10 * MODES),
        tolerance=1e-3,  # of a fit that alternates until a tolerance
    )


def network(bench: Bench, dtype: type, rows: int, width: int = 1000) -> None:
    rng = np.random.default_rng(2)
    kind = _core.NetworkFloat32 if dtype is np.float32 else _core.NetworkFloat64
    sizes = [INPUTS, width, width, 1]
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
    size = np.dtype(dtype).itemsize
    products = 2 * sum(i * o for i, o in pairwise(sizes))
    for name, passes, width_out in (("value", 1, 1), ("gradient", 2, INPUTS)):
        work = getattr(net, name)
        bench.run(
            f"network {name}",
            dtype,
            lambda w=work: w(X, "neuron", 2, 0, on_device=True),
            lambda w=work: w(X, "neuron", 2, 0),
            moved=rows * size * (INPUTS + width_out),
            flops=rows * passes * products,
            tolerance=2000 * float(np.finfo(dtype).eps),
        )


def tapes(bench: Bench, dtype: type, rows: int, expressions: int = 500) -> None:
    rng = np.random.default_rng(3)
    names = ["x", "y", "z"]
    X = rng.uniform(0.5, 2, (rows, 3)).astype(dtype)
    a, b = rng.uniform(0.5, 1.5, (2, expressions))
    texts = [
        f"{p!r}*exp(-x)*sin({q!r}*y)/(z + 1.5)" for p, q in zip(a.tolist(), b.tolist(), strict=True)
    ]
    nodes, operators = 12, 100  # of an expression, and flops of its operators
    size = np.dtype(dtype).itemsize
    y = rng.normal(size=rows)
    U = rng.normal(size=(rows, 3))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    for name, targets, goal, work in (
        ("values", y[:, None], _core.Goal.values(y, None), operators),
        ("directions", U, _core.Goal.gradients(U, None, None, False), 3 * operators),
    ):
        directions = name == "directions"
        bench.run(
            f"{expressions} expressions, {name}",
            dtype,
            lambda t=targets, d=directions: np.array(
                _core.cuda_losses(texts, names, X, t, None, None, directions=d, signed=False)
            ),
            lambda g=goal: np.array([g.loss(text, names, X) for text in texts]),
            moved=rows * size * (3 + targets.shape[1] + 1),
            flops=rows * expressions * (work + 8 * nodes),
            tolerance=2000 * float(np.finfo(dtype).eps),
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--link", type=float, default=25.0, help="GB/s to the device")
    options = parser.parse_args()
    problem, _ = _core.cuda_problem()
    if problem:
        print(f"no GPU can be used: {problem}", file=sys.stderr)
        return 1
    device = _core.cuda_devices()[0]
    print(f"{device['name']}, {options.rows:,} rows, link {options.link:g} GB/s")
    bench = Bench(device, options.link)
    for dtype in (np.float32, np.float64):
        surrogate(bench, dtype, options.rows)
        network(bench, dtype, options.rows // 10)
        tapes(bench, dtype, options.rows // 10)
    fit(bench, options.rows)
    return 1 if bench.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
