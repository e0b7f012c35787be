"""Saves a surrogate and formulas and runs `closedform_bench_c_api`, the argument, on them.

bench/c_api.cpp says what it asserts. The surrogate has the size of design's other benchmarks: 10
inputs, 14 modes, 10 segments.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import closedform as cf

NAMES = ("x1", "x2")
TEXTS = (
    "x1*x2",
    "exp(-(x1 - 1)**2)/(1.2 + (x2 - 2.5)**2)",
    "sin(3*x1)*tanh(x2)/sqrt(1 + x1**2) + log(1 + x2)",
    "pow(1 + x1, 1.5)*pow(x2 + 1, x1)",
)

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 1, (20000, 10))
    y = np.sin(X @ rng.normal(size=10)) + X[:, 0] * X[:, 1]
    with tempfile.TemporaryDirectory() as folder:
        surrogate, front = Path(folder, "surrogate.npz"), Path(folder, "front.json")
        cf.Surrogate(modes=14, segments=10, smoothing=1e-6).fit(X, y).save(surrogate)
        cf.Front([cf.Formula(text, NAMES, 0.0) for text in TEXTS]).save(front)
        sys.exit(subprocess.run([sys.argv[1], surrogate, front], check=False).returncode)
