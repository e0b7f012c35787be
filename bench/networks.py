"""Input gradients of a network of two hidden layers of ELU units, against torch's autograd.

Torch is called in blocks of 1,000 rows. The floor is the rate of the BLAS that we call, at the
network's own products. Times are processor seconds of the whole process divided by the threads, so
that other programs on the machine only disturb them through caches and clocks.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import closedform as cf
from bench import costs
from bench.gemm import Gemm
from bench.peers import missing
from bench.record import Record, Target

INPUTS, TORCH_BLOCK, ROUNDS = 10, 1000, 7
TARGETS = (Target("ratio", 0.9), Target("floor", 0.8))
DTYPES: dict[str, tuple[type, float]] = {
    "float32": (np.float32, 1e-5),
    "float64": (np.float64, 1e-13),
}


def run(*, dtype: str, rows: int, width: int, threads: int, seed: int) -> list[Record]:
    """Gradients of every row, compared before anything is timed."""
    kind, tolerance = DTYPES[dtype]
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, INPUTS)).astype(kind)
    sizes = [INPUTS, width, width, 1]
    weights = [
        rng.uniform(-1, 1, (out, given)).astype(kind) / kind(np.sqrt(given))
        for given, out in itertools.pairwise(sizes)
    ]
    biases = [rng.uniform(-1, 1, len(w)).astype(kind) / kind(10) for w in weights]
    reason = missing("torch")
    if reason:
        return [Record("network.gradient", {"dtype": dtype}, "not run", 0.0, peer=reason)]
    model = torch_model(weights, biases, threads)
    net = cf.network(model)
    assert "native" in net.description

    def ours() -> np.ndarray:
        return net.gradient(X, threads=threads)

    theirs = torch_gradient(model, X)
    assert np.abs(theirs).max() > 0.01
    np.testing.assert_allclose(ours(), theirs, rtol=0, atol=tolerance * np.abs(theirs).max())
    product = Gemm(kind, threads)
    hidden = rng.normal(size=(rows, width)).astype(kind)
    forward, out = weights[1].T.copy(), np.empty_like(hidden)
    took = processor_medians(
        {
            "ours": ours,
            "torch": lambda: torch_gradient(model, X),
            "product": lambda: product(hidden, forward, out),
        }
    )
    rate = costs.network_gradient(rows, INPUTS, width) / took["ours"]
    return [
        Record(
            "network.gradient",
            {"dtype": dtype, "rows": rows, "width": width},
            f"within {tolerance:.0e} of torch",
            took["ours"] / threads,
            peer="torch",
            theirs=took["torch"] / threads,
            floor=rate / (2.0 * rows * width * width / took["product"]),
            targets=TARGETS,
            note=f"{rate / 1e9:.0f} GFLOP/s a core",
            again=ours,
        )
    ]


def torch_model(weights: list[np.ndarray], biases: list[np.ndarray], threads: int) -> Any:
    import torch

    torch.set_num_threads(threads)
    parts: list[Any] = []
    for weight, bias in zip(weights, biases, strict=True):
        linear = torch.nn.Linear(*reversed(weight.shape), dtype=torch.from_numpy(weight).dtype)
        linear.weight.data = torch.from_numpy(weight)
        linear.bias.data = torch.from_numpy(bias)
        parts += [linear, torch.nn.ELU()]
    # Autograd need not prepare for the weights' gradients.
    return torch.nn.Sequential(*parts[:-1]).requires_grad_(False)


def torch_gradient(model: Any, X: np.ndarray) -> np.ndarray:
    import torch

    out = np.empty(X.shape)
    for start in range(0, len(X), TORCH_BLOCK):
        x = torch.from_numpy(X[start : start + TORCH_BLOCK]).requires_grad_(True)
        (gradient,) = torch.autograd.grad(model(x).sum(), x)
        out[start : start + TORCH_BLOCK] = gradient.numpy()
    return out


def processor_medians(works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Median processor seconds of each, in turns, the first round not counted."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS + 1):
        for name, work in works.items():
            begun = time.process_time()
            work()
            times[name].append(time.process_time() - begun)
    return {name: statistics.median(taken[1:]) for name, taken in times.items()}
