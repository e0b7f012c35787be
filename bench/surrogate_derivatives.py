"""Value, gradient and Hessian of a surrogate at many rows, against JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench import costs
from bench.machine import floors
from bench.peers import missing
from bench.record import Record, Target
from bench.surrogate_functions import INPUTS, MODES, jax, jax_surrogate, random_surrogate
from bench.timing import medians

BATCH = 2000  # rows that JAX maps at once: all at once, it would hold many times the output
COSTS = {
    "value": costs.surrogate_value,
    "gradient": costs.surrogate_gradient,
    "hessian": costs.surrogate_hessian,
}
TARGETS = {"hessian": (Target("ratio", 20),)}


def run(what: str, *, rows: int, threads: int, seed: int) -> list[Record]:
    """Times one of value, gradient and hessian; JAX maps the same function, compiled."""
    rng = np.random.default_rng(seed)
    surrogate = random_surrogate(rng)
    X = rng.uniform(size=(rows, INPUTS))

    def ours() -> np.ndarray:
        values: np.ndarray = getattr(surrogate, what)(X, threads)
        return values

    works: dict[str, Callable[[], object]] = {"ours": ours}
    peer = missing("JAX")
    if peer:
        answer = _finite_differences(surrogate, X[:20], what, ours()[:20])
    else:
        peer = "JAX"
        theirs = compiled(surrogate, what)
        expected = np.asarray(theirs(X))
        worst = float(np.abs(ours() - expected).max() / np.abs(expected).max())
        assert worst < 1e-10, worst
        answer = f"within {worst:.0e} of JAX"
        del expected
        works["JAX"] = lambda: theirs(X).block_until_ready()
    took = medians(works)
    operations, moved = COSTS[what](INPUTS, MODES)
    floor = floors(threads).seconds(rows * operations, rows * moved)
    return [
        Record(
            f"surrogate.{what}",
            {"rows": rows},
            answer,
            took["ours"],
            peer=peer,
            theirs=took.get("JAX"),
            floor=floor / took["ours"],
            targets=TARGETS.get(what, ()),
            note=f"{rows * operations / took['ours'] / 1e9:.1f} GFLOP/s",
            again=ours,
        )
    ]


def compiled(surrogate: Any, what: str) -> Callable[[Any], Any]:
    """JAX's function of many rows."""
    u = jax_surrogate(surrogate)
    one_row = {"value": u, "gradient": jax().grad(u), "hessian": jax().hessian(u)}[what]
    mapped: Callable[[Any], Any] = jax().jit(lambda X: jax().lax.map(one_row, X, batch_size=BATCH))
    return mapped


def _finite_differences(surrogate: Any, X: np.ndarray, what: str, ours: np.ndarray) -> str:
    """Asserts derivatives against differences of the order below; of values, their range."""
    if what == "value":
        assert np.all(np.isfinite(ours))
        return "finite; nothing to compare with"
    lower = surrogate.value if what == "gradient" else surrogate.gradient
    h = 1e-5
    steps = [h * np.eye(INPUTS)[j] for j in range(INPUTS)]
    columns = [(lower(X + step) - lower(X - step)) / (2 * h) for step in steps]
    worst = float(np.abs(ours - np.stack(columns, axis=-1)).max() / np.abs(ours).max())
    assert worst < 1e-5, worst
    return f"within {worst:.0e} of differences"
