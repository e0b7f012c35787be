"""Each kernel once, at a size that fills a GPU, for a profiler of kernels: run.sh's last step."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from closedform import _core

ROWS, INPUTS, MODES, WIDTH = 20_000, 10, 14, 1000


def main() -> None:
    rng = np.random.default_rng(0)
    nodes = [np.linspace(0, 1, 11)] * INPUTS
    factors = [1 + 0.3 * rng.normal(size=(MODES, 11)) for _ in range(INPUTS)]
    core = _core.TensorSurrogate(nodes, [(2, 2)] * INPUTS, factors, 0.5, "linear")
    sizes = [INPUTS, WIDTH, WIDTH, 1]
    for dtype in (np.float32, np.float64):
        # As many rows as a chunk has when nothing is known of how they are spread over blocks.
        X = rng.uniform(size=(ROWS, INPUTS)).astype(dtype)
        for work in (core.value, core.gradient, core.hessian):
            work(X, on_device=True)
        kind = _core.NetworkFloat32 if dtype is np.float32 else _core.NetworkFloat64
        net = kind(
            [
                (rng.normal(size=(o, i)).astype(dtype), np.zeros(o, dtype), "elu", 1.0)
                for i, o in pairwise(sizes)
            ]
        )
        net.gradient(X, "neuron", 2, 0, on_device=True)
        y = rng.normal(size=ROWS)
        U = rng.normal(size=(ROWS, INPUTS))
        names = [f"x{i + 1}" for i in range(INPUTS)]
        texts = [f"{a!r}*exp(-x1)*sin(x2)/(x3 + 1.5)" for a in rng.uniform(1, 2, 200).tolist()]
        for goal in (_core.Goal.values(y, None), _core.Goal.gradients(U, None, None, False)):
            for rough in (False, True):
                goal.losses_on_device(texts, names, X, rough=rough)
        if dtype is np.float64:  # a generation's sample
            batch = texts * 10
            _core.Goal.values(y[:8192], None).normal_equations(
                batch, names, X[:8192], on_device=True
            )
        _core.separate(
            core,
            X,
            None,
            None,
            discrete=[False] * INPUTS,
            held_out_error=1e-3,
            segments=10,
            smoothing=1e-8,
            time=1e-3,
            seed=0,
            threads=0,
            on_device=True,
        )


if __name__ == "__main__":
    main()
