"""Surrogate against JAX, in one run on the same threads: Hessians, and fitting.

    python bench/surrogate.py [--rows 1000000] [--adam-seconds 300] [--structures 20]

Answers are asserted before anything is timed. Needs jax for the comparisons.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from closedform import Surrogate, _core, separability

INPUTS, MODES, SEGMENTS = 10, 14, 10


def best_of(run, repeats=3):
    """Least wall-clock seconds of a few runs."""
    least = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        least = min(least, time.perf_counter() - started)
    return least


def random_core(rng):
    nodes = [np.linspace(0, 1, SEGMENTS + 1)] * INPUTS
    factors = [1 + 0.3 * rng.normal(size=(MODES, SEGMENTS + 1)) for _ in range(INPUTS)]
    return _core.TensorSurrogate(nodes, [(2, 2)] * INPUTS, factors, 0.5, "linear")


def quartics(core):
    """[inputs][elements][5][modes]: the surrogate as piecewise polynomials in t in [-1/2, 1/2]."""
    t = np.linspace(-0.5, 0.5, 5)
    tables = []
    for d in range(INPUTS):
        one = [(core.patch(d))] * 1
        per_mode = []
        for m in range(MODES):
            line = _core.TensorSurrogate(
                [core.nodes(d)], one, [np.ascontiguousarray(core.factor(d)[m : m + 1])], 0, "linear"
            )
            x = (np.arange(SEGMENTS)[:, None] + 0.5 + t) / SEGMENTS
            values = line.value(np.ascontiguousarray(x.reshape(-1, 1))).reshape(SEGMENTS, 5)
            per_mode.append(np.linalg.solve(np.vander(t, increasing=True), values.T).T)
        tables.append(np.stack(per_mode, axis=-1))
    return np.stack(tables)


def jax_function(jax, table, offset):
    jnp = jax.numpy
    table = jnp.asarray(table)

    def u(x):
        e = jnp.clip((x * SEGMENTS).astype(jnp.int32), 0, SEGMENTS - 1)
        t = (x * SEGMENTS - e - 0.5)[:, None]
        c = table[jnp.arange(INPUTS), e]  # (inputs, 5, modes)
        f = (((c[:, 4] * t + c[:, 3]) * t + c[:, 2]) * t + c[:, 1]) * t + c[:, 0]
        return offset + jnp.prod(f, axis=0).sum()

    return u


def bench_derivatives(jax, rows):
    rng = np.random.default_rng(0)
    core = random_core(rng)
    X = rng.uniform(size=(rows, INPUTS))
    u = jax_function(jax, quartics(core), core.offset)
    for name, ours, theirs in (
        ("value", core.value, u),
        ("gradient", core.gradient, jax.grad(u)),
        ("Hessian", core.hessian, jax.hessian(u)),
    ):
        # Blocks of rows: all at once, JAX would hold many times the output.
        batched = jax.jit(lambda x, f=theirs: jax.lax.map(f, x, batch_size=2000))
        answer = np.asarray(batched(X))
        worst = np.abs(ours(X) - answer).max() / np.abs(answer).max()
        assert worst < 1e-10, (name, worst)
        del answer
        a = best_of(lambda f=ours: f(X))
        b = best_of(lambda f=batched: f(X).block_until_ready(), 2)
        print(f"{name:<9} {rows} x {INPUTS}: {a:6.2f} s, jax {b:6.2f} s, {b / a:5.1f} times faster")


def target(X):
    """Friedman's function and three more terms: ten inputs, all of them active."""
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3]
    return y + 5 * X[:, 4] + 4 * np.exp(X[:, 5] * X[:, 6]) + 8 * X[:, 7] * X[:, 8] * X[:, 9]


def bench_fit(jax, rows, adam_seconds):
    rng = np.random.default_rng(1)
    X = rng.uniform(size=(rows, INPUTS))
    y = target(X)
    y += 0.01 * y.std() * rng.normal(size=rows)
    Z = rng.uniform(size=(20000, INPUTS))
    z = target(Z)

    def error(predicted):
        return float(np.sqrt(np.mean((predicted - z) ** 2)) / z.std())

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    surrogate = Surrogate(MODES, SEGMENTS, time=1).fit(X, y)
    seconds = time.perf_counter() - started
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    reached = error(surrogate.predict(Z))
    assert reached < 1.5e-2, reached
    sizes = f"{rows} x {INPUTS}, {MODES} modes, {SEGMENTS} segments"
    print(f"fit {sizes}: {seconds:.2f} s to {reached:.1e}")
    print(f"memory while fitting: {grown:.0f} MiB more; the rows are {X.nbytes / 2**20:.0f} MiB")
    if jax is not None:
        took, left = adam(jax, X, y, error, Z, adam_seconds)
        ahead = "" if left < 1.5e-2 else "more than "
        ratio = took / seconds
        print(f"Adam in JAX: {took:.1f} s to {left:.1e}; ours {ahead}{ratio:.0f} times faster")


def adam(jax, X, y, error, Z, limit):
    """Seconds of Adam (compiled epochs, compile time left out) until 1.5e-2, or the limit."""
    jnp = jax.numpy
    # The basis on an element: every shape function's quartic, from the surrogate's own tables.
    identity = [np.ascontiguousarray(np.eye(SEGMENTS + 1)[j : j + 1]) for j in range(SEGMENTS + 1)]
    nodes = np.linspace(0, 1, SEGMENTS + 1)
    t = np.linspace(-0.5, 0.5, 5)
    x = ((np.arange(SEGMENTS)[:, None] + 0.5 + t) / SEGMENTS).reshape(-1, 1)
    shapes = np.stack(
        [
            np.linalg.solve(
                np.vander(t, increasing=True),
                _core.TensorSurrogate([nodes], [(2, 2)], [row], 0, "linear")
                .value(np.ascontiguousarray(x))
                .reshape(SEGMENTS, 5)
                .T,
            ).T
            for row in identity
        ],
        axis=1,
    )  # (elements, nodes, 5)
    width = 6
    first = np.array([int(np.flatnonzero(np.abs(s).max(1) > 0)[0]) for s in shapes])
    first = np.minimum(first, SEGMENTS + 1 - width)
    table = jnp.asarray(np.stack([s[f : f + width] for s, f in zip(shapes, first, strict=True)]))
    starts = jnp.asarray(first)
    mean, spread = float(y.mean()), float(y.std())

    def predict(U, x):  # U (inputs, nodes, modes), x (rows, inputs)
        e = jnp.clip((x * SEGMENTS).astype(jnp.int32), 0, SEGMENTS - 1)
        s = x * SEGMENTS - e - 0.5
        powers = s[..., None] ** jnp.arange(5)
        weights = jnp.einsum("ndjk,ndk->ndj", table[e], powers)
        members = starts[e][..., None] + jnp.arange(width)
        values = U[jnp.arange(INPUTS)[None, :, None], members]  # (rows, inputs, width, modes)
        return jnp.prod(jnp.einsum("ndj,ndjm->ndm", weights, values), axis=1).sum(-1)

    def loss(U, x, target):
        return jnp.mean((predict(U, x) - target) ** 2)

    batch = 1000

    @jax.jit
    def steps(state, xs, ys, rate):
        def step(state, data):
            U, m, v, k = state
            g = jax.grad(loss)(U, *data)
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g * g
            k = k + 1
            U = U - rate * (m / (1 - 0.9**k)) / (jnp.sqrt(v / (1 - 0.999**k)) + 1e-8)
            return (U, m, v, k), None

        return jax.lax.scan(step, state, (xs, ys))[0]

    rng = np.random.default_rng(2)
    U = jnp.asarray(rng.uniform(0.7, 1.1, (INPUTS, SEGMENTS + 1, MODES)))
    state = (U, jnp.zeros_like(U), jnp.zeros_like(U), jnp.asarray(0.0))
    y = (y - mean) / spread
    chunk = 50 * batch
    steps(state, X[:chunk].reshape(50, batch, -1), y[:chunk].reshape(50, batch), 1e-2)
    check = jax.jit(predict)
    check(state[0], Z)
    started = time.perf_counter()
    left = float("inf")
    seen = 0
    while time.perf_counter() - started < limit and left >= 1.5e-2:
        at = seen % (len(X) - chunk + 1) // chunk * chunk
        rate = 1e-2 if seen < 3 * len(X) else 3e-3
        xs, ys = X[at : at + chunk].reshape(50, batch, -1), y[at : at + chunk].reshape(50, batch)
        state = steps(state, xs, ys, rate)
        seen += chunk
        left = error(np.asarray(check(state[0], Z)) * spread + mean)
    return time.perf_counter() - started, left


def vladislavleva_2(x):
    s, c = np.sin(x), np.cos(x)
    return np.exp(-x) * x**3 * c * s * (c * s**2 - 1)


STRUCTURES = {
    "V1": (
        lambda x: np.exp(-((x[:, 0] - 1) ** 2)) / (1.2 + (x[:, 1] - 2.5) ** 2),
        100, [0.3] * 2, [4] * 2, "product(x1, x2)",
    ),
    "V3": (
        lambda x: vladislavleva_2(x[:, 0]) * (x[:, 1] - 5),
        600, [0.05] * 2, [10] * 2, "product(x1, x2)",
    ),
    "V4": (
        lambda x: 10 / (5 + ((x - 3) ** 2).sum(1)),
        1024, [0.05] * 5, [6.05] * 5, "f(x1, x2, x3, x4, x5)",
    ),
    "V5": (
        lambda x: 30 * (x[:, 0] - 1) * (x[:, 2] - 1) / (x[:, 1] ** 2 * (x[:, 0] - 10)),
        300, [0.05, 1, 0.05], [2] * 3, "product(x1, x2, x3)",
    ),
    "V6": (
        lambda x: 6 * np.sin(x[:, 0]) * np.cos(x[:, 1]),
        30, [0.1] * 2, [5.9] * 2, "product(x1, x2)",
    ),
    "V7": (
        lambda x: (x[:, 0] - 3) * (x[:, 1] - 3) + 2 * np.sin((x[:, 0] - 4) * (x[:, 1] - 4)),
        300, [0.05] * 2, [6.05] * 2, "f(x1, x2)",
    ),
    "V8": (
        lambda x: ((x[:, 0] - 3) ** 4 + (x[:, 1] - 3) ** 3 - (x[:, 1] - 3))
        / ((x[:, 1] - 2) ** 4 + 10),
        50, [0.05] * 2, [6.05] * 2, "f(x1, x2)",
    ),
    "sin(3 x1) + exp(x2)": (
        lambda x: np.sin(3 * x[:, 0]) + np.exp(x[:, 1]), 500, [-1] * 2, [1] * 2, "sum(x1, x2)",
    ),
    "x1 (x2 + x3) + sin(x4)": (
        lambda x: x[:, 0] * (x[:, 1] + x[:, 2]) + np.sin(x[:, 3]),
        500, [-2] * 4, [2] * 4, "sum(product(x1, sum(x2, x3)), x4)",
    ),
    "x1 x2 - 8/3 x3": (
        lambda x: x[:, 0] * x[:, 1] - 8 / 3 * x[:, 2],
        1000, [-20, -20, 0], [20, 20, 50], "sum(product(x1, x2), x3)",
    ),
}  # fmt: skip


def bench_structures(draws):
    for name, (f, rows, low, high, expected) in STRUCTURES.items():
        right = 0
        errors, seconds = [], []
        for draw in range(draws):
            rng = np.random.default_rng(1000 + draw)
            X = rng.uniform(low, high, (rows, len(low)))
            y = f(X)
            started = time.perf_counter()
            surrogate = Surrogate(seed=draw).fit(X, y)
            right += str(separability(surrogate, X, y, seed=draw)) == expected
            seconds.append(time.perf_counter() - started)
            Z = rng.uniform(low, high, (5000, len(low)))
            errors.append(np.sqrt(np.mean((surrogate.predict(Z) - f(Z)) ** 2)) / f(Z).std())
        print(
            f"{name:<24} {right}/{draws} {expected}; error on fresh rows {np.median(errors):.1e},"
            f" {np.mean(seconds):.1f} s"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--adam-seconds", type=float, default=300)
    parser.add_argument("--structures", type=int, default=20)
    arguments = parser.parse_args()
    try:
        import jax

        jax.config.update("jax_enable_x64", True)
    except ImportError:
        jax = None
        print("jax is not installed: no comparison")
    if jax is not None:
        bench_derivatives(jax, arguments.rows)
    bench_fit(jax, arguments.rows, arguments.adam_seconds)
    bench_structures(arguments.structures)


if __name__ == "__main__":
    main()
