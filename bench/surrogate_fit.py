"""Fitting a surrogate to every row: against Adam in JAX, and in how much memory."""

from __future__ import annotations

import math
import time

import numpy as np

from bench import adam
from bench.memory import ResidentMemory
from bench.peers import missing
from bench.record import Record, Target
from bench.surrogate_functions import INPUTS, MODES, SEGMENTS, Floats, target
from closedform import Surrogate

ENOUGH = 1.5e-2  # root mean square error over the target's spread
FASTER = Target("ratio", 20)
# The data's own size plus a constant: less than half of the data more, at a million rows.
CONSTANT_MIB = 64


def draw(rows: int, seed: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Rows with 1 % noise, and 20,000 held-out ones without."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(rows, INPUTS))
    y = target(X)
    y += 0.01 * y.std() * rng.normal(size=rows)
    Z = rng.uniform(size=(20_000, INPUTS))
    return X, y, Z, target(Z)


def run(*, rows: int, limit: int, threads: int, seed: int) -> list[Record]:
    """Fits once; Adam has `limit` seconds to reach the same error."""
    X, y, Z, z = draw(rows, seed)

    def error(predicted: Floats) -> float:
        return float(np.sqrt(np.mean((predicted - z) ** 2)) / z.std())

    def fit() -> Surrogate:
        fitted = Surrogate(MODES, SEGMENTS, smoothing=1e-6, time=math.inf, threads=threads)
        return fitted.fit(X, y)

    with ResidentMemory() as memory:
        begun = time.perf_counter()
        surrogate = fit()
        seconds = time.perf_counter() - begun
    reached = error(surrogate.predict(Z))
    assert reached < ENOUGH, reached
    parameters = {"rows": rows}
    peer, theirs, left = missing("JAX"), None, 0.0
    if not peer:
        theirs, left = adam.fit(X, y, error, Z, ENOUGH, limit)
        peer = f"Adam in JAX ({left:.1e})"
    return [
        Record(
            "surrogate.fit",
            parameters,
            f"error {reached:.1e}",
            seconds,
            peer=peer,
            theirs=theirs,
            beyond=left >= ENOUGH,
            targets=(FASTER,),
            note=f"{rows / seconds / 1e6:.2f} million rows a second",
            again=fit,
        ),
        Record(
            "surrogate.fit",
            parameters,
            "memory beside the data",
            memory.grown,
            unit="MiB",
            targets=(Target("ours", CONSTANT_MIB, most=True),),
            note=f"the data are {(X.nbytes + y.nbytes) / 2**20:.0f} MiB",
        ),
    ]
