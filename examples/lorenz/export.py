"""Finds the three right-hand sides of the Lorenz system in noisy data and writes them as C.

python export.py [--output lorenz_found.h]
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np

import closedform as cf

NAMES = ("x", "y", "z")
ROWS, NOISE = 1000, 0.01
OPERATORS = ("+", "-", "*")


def lorenz(X: np.ndarray) -> np.ndarray:
    """The system the data come from: sigma 10, rho 28, beta 8/3."""
    x, y, z = X.T
    return np.column_stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])


def data(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """States, and their rates of change with noise."""
    rng = np.random.default_rng(seed)
    X = rng.uniform((-20, -25, 0), (20, 25, 45), (ROWS, 3))
    rates = lorenz(X)
    return X, rates + NOISE * rates.std(axis=0) * rng.normal(size=rates.shape)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("lorenz_found.h"))
    options = parser.parse_args()
    X, rates = data(seed=0)
    code = []
    for name, rate in zip(NAMES, rates.T, strict=True):
        # Few inputs and many rows: the data are searched as they are. A budget in evaluations, not
        # in seconds, gives the same formulas on a busy machine.
        found = cf.discover(
            X, rate, operators=OPERATORS, strategy="direct", evaluations=20_000, time=math.inf
        )
        print(f"d{name}/dt = {found.formula}")
        code.append(found.formula.code("c", 1, name=f"rate_of_{name}"))
    options.output.write_text("\n".join(code), encoding="utf-8")


if __name__ == "__main__":
    main()
