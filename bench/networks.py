"""Input gradients of a network of 2 x 1000 ELU units. `python bench/networks.py`

10 inputs, 10,000 rows, float32 and float64, against torch's autograd called in blocks of 1,000
rows, and against the matrix-product rate of the BLAS that we call, measured on the network's own
products and on a large square. Gradients are compared before anything is timed.

Times are processor seconds of the whole process, so that other programs on the machine only disturb
them through caches and clocks; the calls of all contestants take turns and each gets its median.
With more than one thread wall-clock seconds are printed too: those need an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import statistics
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy_openblas32
import torch

import closedform as cf

ROWS, INPUTS, WIDTH, TORCH_BLOCK = 10_000, 10, 1000, 1000
SQUARE = 3000
ROUNDS = 7
# Forwards and backwards: three layers, a multiplication and an addition each.
OPERATIONS = 2 * 2 * ROWS * (INPUTS * WIDTH + WIDTH * WIDTH + WIDTH)


class Gemm:
    """The products through the BLAS of the extension (the same loaded copy), on one thread."""

    def __init__(self, dtype: type) -> None:
        folder = scipy_openblas32.get_lib_dir()
        library = ctypes.CDLL(os.path.join(folder, scipy_openblas32.get_library(fullname=True)))
        self.call = getattr(library, "scipy_" + ("s" if dtype == np.float32 else "d") + "gemm_")
        self.set_threads = library.scipy_openblas_set_num_threads
        self.threads = library.scipy_openblas_get_num_threads
        self.number = ctypes.c_float if dtype == np.float32 else ctypes.c_double
        rng = np.random.default_rng(0)
        self.w = rng.normal(size=(WIDTH, WIDTH)).astype(dtype)
        self.h = rng.normal(size=(ROWS, WIDTH)).astype(dtype)
        self.out = np.empty_like(self.h)
        self.square = rng.normal(size=(SQUARE, SQUARE)).astype(dtype)
        self.square_out = np.empty_like(self.square)

    def product(self, transpose: bytes, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
        """out = b a (b a^T where transposed), row-major."""
        m, n, k = (ctypes.c_int(size) for size in (out.shape[1], out.shape[0], b.shape[1]))
        one, zero = self.number(1), self.number(0)
        lda = ctypes.c_int(a.shape[1])
        pa, pb, pout = (array.ctypes.data_as(ctypes.c_void_p) for array in (a, b, out))
        by = ctypes.byref
        before = self.threads()
        self.set_threads(1)
        self.call(
            transpose, b"N", by(m), by(n), by(k), by(one), pa, by(lda), pb, by(k), by(zero), pout,
            by(m),
        )  # fmt: skip
        self.set_threads(before)

    def forward(self) -> None:
        self.product(b"T", self.w, self.h, self.out)

    def large_square(self) -> None:
        self.product(b"N", self.square, self.square, self.square_out)


def torch_gradient(model: torch.nn.Module, X: npt.NDArray[np.floating]) -> np.ndarray:
    out = np.empty(X.shape)
    for start in range(0, len(X), TORCH_BLOCK):
        x = torch.from_numpy(X[start : start + TORCH_BLOCK]).requires_grad_(True)
        (gradient,) = torch.autograd.grad(model(x).sum(), x)
        out[start : start + TORCH_BLOCK] = gradient.numpy()
    return out


def medians(works: dict[str, Callable[[], object]]) -> dict[str, tuple[float, float]]:
    """Median processor and wall-clock seconds of each, in turns, the first round not counted."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(ROUNDS + 1):
        for name, work in works.items():
            cpu, wall = time.process_time(), time.perf_counter()
            work()
            times[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    return {
        name: (statistics.median(c for c, _ in t[1:]), statistics.median(w for _, w in t[1:]))
        for name, t in times.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    print(
        f"2 x {WIDTH} ELU, {INPUTS} inputs, {ROWS:,} rows, {threads} thread(s), "
        f"{cf.build_info()['instruction_set']}, torch {torch.__version__}"
    )
    for dtype, tolerance in ((np.float32, 1e-5), (np.float64, 1e-13)):
        torch.manual_seed(0)
        model = torch.nn.Sequential(
            torch.nn.Linear(INPUTS, WIDTH),
            torch.nn.ELU(),
            torch.nn.Linear(WIDTH, WIDTH),
            torch.nn.ELU(),
            torch.nn.Linear(WIDTH, 1),
        ).to(torch.float32 if dtype == np.float32 else torch.float64)
        model.requires_grad_(False)  # autograd need not prepare for the weights' gradients
        X = np.random.default_rng(1).normal(size=(ROWS, INPUTS)).astype(dtype)
        net, gemm = cf.network(model), Gemm(dtype)
        assert "native" in net.description
        theirs = torch_gradient(model, X)
        ours = net.gradient(X, threads=threads)
        assert np.abs(theirs).max() > 0.01
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())
        gemm.forward()
        np.testing.assert_allclose(gemm.out[:9], gemm.h[:9] @ gemm.w.T, rtol=0, atol=1e-2)
        took = medians(
            {
                "ours": lambda net=net, X=X: net.gradient(X, threads=threads),  # type: ignore[misc]
                "torch": lambda model=model, X=X: torch_gradient(model, X),  # type: ignore[misc]
                "gemm": gemm.forward,
                "square": gemm.large_square,
            }
        )
        rate = OPERATIONS / took["ours"][0]
        same = 2 * ROWS * WIDTH * WIDTH / took["gemm"][0]
        square = 2 * SQUARE**3 / took["square"][0]
        print(
            f"{dtype.__name__}: {took['ours'][0]:.3f} s of processor, "
            f"{took['torch'][0] / took['ours'][0]:.2f} times torch's speed "
            f"({took['torch'][1] / took['ours'][1]:.2f} by the clock on the wall); "
            f"{rate / 1e9:.0f} GFLOP/s a core, {rate / same:.0%} of the same products alone, "
            f"{rate / square:.0%} of a {SQUARE} x {SQUARE} square",
            flush=True,
        )


if __name__ == "__main__":
    main()
