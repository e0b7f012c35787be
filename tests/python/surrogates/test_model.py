"""Surrogate: fits, exact derivatives, rows outside, files."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedform import _core
from closedform.errors import InputError
from closedform.surrogates.model import Surrogate


def vladislavleva_1(x):
    return np.exp(-((x[:, 0] - 1) ** 2)) / (1.2 + (x[:, 1] - 2.5) ** 2)


def draw(seed, rows, low, high):
    return np.random.default_rng(seed).uniform(low, high, (rows, len(low)))


@pytest.fixture(scope="module")
def product():
    X = draw(0, 100, [0.3, 0.3], [4, 4])
    return Surrogate().fit(X, vladislavleva_1(X))


def random_core(rng, inputs, modes, patch=2):
    nodes = [np.sort(rng.uniform(-1, 1, rng.integers(2, 9))) for _ in range(inputs)]
    factors = [rng.normal(size=(modes, len(x))) for x in nodes]
    degree = min(patch, 2)
    return _core.TensorSurrogate(nodes, [(patch, degree)] * inputs, factors, 0.5, "linear")


@pytest.mark.parametrize("seed", range(4))
def test_vladislavleva_1_from_100_rows_is_one_accurate_mode(seed):
    X = draw(seed, 100, [0.3, 0.3], [4, 4])
    surrogate = Surrogate(seed=seed).fit(X, vladislavleva_1(X))
    Z = draw(seed + 100, 2000, [0.35, 0.35], [3.95, 3.95])
    truth = vladislavleva_1(Z)
    assert surrogate.n_modes == 1
    assert np.sqrt(np.mean((surrogate.predict(Z) - truth) ** 2)) < 5e-3 * truth.std()
    assert surrogate.held_out_error < 5e-3
    assert surrogate.held_out_rows == "5-fold cross-validation"


def test_tensor_modes_are_found_and_offsets_do_not_matter():
    X = draw(1, 800, [-20, -20, 0], [20, 20, 50])
    y = X[:, 0] * X[:, 1] - 8 / 3 * X[:, 2]
    for offset in (0.0, 1e5):
        surrogate = Surrogate().fit(X, y + offset)
        assert surrogate.held_out_error < 1e-5
        H = surrogate.hessian(X)
        assert np.allclose(H[:, 0, 1], 1, atol=1e-3)
        assert np.abs(H[:, 2]).max() < 1e-3


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(1, 9), st.integers(0, 3), st.integers(0, 10**6))
def test_derivatives_match_differences(inputs, modes, patch, seed):
    rng = np.random.default_rng(seed)
    model = random_core(rng, inputs, modes, patch)
    # One row in the middle of a random cell of every input: differences must not cross a node.
    x = np.empty((1, inputs))
    h = np.empty(inputs)
    for d in range(inputs):
        nodes = model.nodes(d)
        e = rng.integers(0, len(nodes) - 1)
        x[0, d] = (nodes[e] + nodes[e + 1]) / 2
        h[d] = 1e-4 * (nodes[e + 1] - nodes[e])
    gradient = model.gradient(x)[0]
    hessian = model.hessian(x)[0]
    for i in range(inputs):
        step = np.zeros((1, inputs))
        step[0, i] = h[i]
        up, down = model.value(x + step), model.value(x - step)
        scale = np.abs(up).max() + np.abs(gradient).max() * h[i] + 1
        assert abs(float((up - down)[0]) / (2 * h[i]) - gradient[i]) * h[i] < 1e-7 * scale
        slope = (model.gradient(x + step) - model.gradient(x - step))[0] / (2 * h[i])
        bound = 1e-6 * (np.abs(hessian[i]).max() + np.abs(gradient).max() / h[i] * 1e-3 + 1)
        assert np.abs(slope - hessian[i]).max() < bound
    assert np.array_equal(hessian, hessian.T)


def test_value_gradient_and_hessian_agree_with_jax():
    jax = pytest.importorskip("jax", reason="jax is not installed: no second autodiff to compare")
    jax.config.update("jax_enable_x64", True)
    rng = np.random.default_rng(3)
    model = random_core(rng, 2, 4)
    u = _jax_model(jax, model)
    X = rng.uniform(-1.2, 1.2, (200, 2))
    cases = (
        (model.value, jax.vmap(u)),
        (model.gradient, jax.vmap(jax.grad(u))),
        (model.hessian, jax.vmap(jax.hessian(u))),
    )
    for ours, theirs in cases:
        expected = np.asarray(jax.jit(theirs)(X))
        assert np.abs(ours(X) - expected).max() <= 1e-10 * np.abs(expected).max()


def _jax_model(jax, model):
    """The surrogate from the formulas, in JAX: |r|^3-plus-monomials patches times hats."""
    jnp = jax.numpy
    inputs = []
    for d in range(model.inputs):
        nodes = model.nodes(d)
        patch, degree = model.patch(d)
        # Node k's patch: its nodes z, then coefficients of |x - z|^3 and of 1, x, x^2, x^3.
        z = np.zeros((len(nodes), 7))
        c = np.zeros((len(nodes), 11, model.modes))
        for k in range(len(nodes)):
            centred = patch <= k < len(nodes) - patch
            count = 2 * patch + 1 if centred else min(4, 2 * patch + 1)
            start = k - patch if centred else min(max(k - 1, 0), len(nodes) - count)
            members = nodes[start : start + count]
            m = (degree if centred else count - 1) + 1
            P = members[:, None] ** np.arange(m)
            G = np.block([[np.abs(members[:, None] - members) ** 3, P], [P.T, np.zeros((m, m))]])
            u = np.vstack([model.factor(d)[:, start : start + count].T, np.zeros((m, model.modes))])
            solved = np.linalg.solve(G, u)
            z[k, :count] = members
            c[k, :count] = solved[:count]
            c[k, 7 : 7 + m] = solved[count:]
        inputs.append((jnp.array(nodes), jnp.array(z), jnp.array(c)))

    def factor(x, nodes, z, c):
        def inside(x):
            e = jnp.clip(jnp.searchsorted(nodes, x, side="right") - 1, 0, len(nodes) - 2)
            t = (x - nodes[e]) / (nodes[e + 1] - nodes[e])
            powers = jnp.stack([x**q for q in range(4)])
            left, right = (
                jnp.concatenate([jnp.abs(x - z[k]) ** 3, powers]) @ c[k] for k in (e, e + 1)
            )
            return (1 - t) * left + t * right

        low, high = (
            value + slope * (x - end)
            for end in (nodes[0], nodes[-1])
            for value, slope in [jax.jvp(inside, (end,), (jnp.ones(()),))]
        )
        return jnp.where(x < nodes[0], low, jnp.where(x > nodes[-1], high, inside(x)))

    def u(x):
        product = 1.0
        for d, parts in enumerate(inputs):
            product = product * factor(x[d], *parts)
        return model.offset + product.sum()

    return u


def test_float32_rows_and_threads_give_the_same_numbers(product):
    X = draw(2, 3000, [0.3, 0.3], [4, 4]).astype(np.float32)
    wide = X.astype(np.float64)
    assert np.array_equal(product.predict(X), product.predict(wide))
    assert np.array_equal(product.core.hessian(wide, 1), product.core.hessian(wide, 3))


def test_the_fit_is_the_same_for_any_number_of_threads():
    X = draw(4, 300, [0, 0, 0], [1, 1, 1])
    y = np.sin(3 * X[:, 0]) * X[:, 1] + X[:, 2]
    one = Surrogate(threads=1, time=60).fit(X, y)
    three = Surrogate(threads=3, time=60).fit(X, y)
    assert np.array_equal(one.predict(X), three.predict(X))


def test_outside_is_an_explicit_choice(product):
    inside = np.array([[3.9, 2.0]])
    beyond = np.array([[9.0, 2.0]])
    X = draw(0, 100, [0.3, 0.3], [4, 4])
    y = vladislavleva_1(X)
    clamp = Surrogate(1, 10, outside="clamp").fit(X, y)
    strict = Surrogate(1, 10, outside="error").fit(X, y)
    edge = np.array([[X[:, 0].max(), 2.0]])
    assert clamp.predict(beyond) == pytest.approx(clamp.predict(edge))
    assert np.all(clamp.gradient(beyond)[:, 0] == 0)
    strict.predict(inside)
    with pytest.raises(ValueError, match="row 1, column 0"):
        strict.predict(np.vstack([inside, beyond]))
    assert product.gradient(beyond)[0, 0] == pytest.approx(product.gradient(edge)[0, 0])


def test_noise_is_smoothed():
    rng = np.random.default_rng(5)
    X = rng.uniform(0, 1, (1000, 3))
    clean = np.sin(4 * X[:, 0]) + X[:, 1] * X[:, 2]
    y = clean + 0.1 * rng.normal(size=1000)
    surrogate = Surrogate().fit(X, y)
    assert np.sqrt(np.mean((surrogate.predict(X) - clean) ** 2)) < 0.035
    assert surrogate.held_out_error == pytest.approx(0.1 / y.std(), rel=0.25)


def test_weights_silence_rows():
    rng = np.random.default_rng(6)
    X = rng.uniform(0, 1, (300, 2))
    y = X[:, 0] * X[:, 1]
    bad = rng.random(300) < 0.2
    surrogate = Surrogate().fit(X, np.where(bad, 100.0, y), weights=np.where(bad, 0.0, 1.0))
    assert np.abs(surrogate.predict(X) - y).max() < 1e-3


def test_save_and_load_give_the_same_surrogate(product, tmp_path):
    path = tmp_path / "surrogate.cf"
    product.save(path)
    again = Surrogate.load(path)
    X = draw(7, 50, [-1, -1], [5, 5])
    assert np.array_equal(again.hessian(X), product.hessian(X))
    for name in ("held_out_error", "held_out_rows", "segments_", "smoothing_", "discrete", "names"):
        assert getattr(again, name) == getattr(product, name)


def test_cut_off_and_foreign_files_are_one_line_errors(product, tmp_path):
    path = tmp_path / "surrogate.cf"
    product.save(path)
    data = path.read_bytes()
    other = io.BytesIO()
    np.savez(other, a=np.arange(3))
    array = io.BytesIO()
    np.save(array, np.arange(3))
    pickled = io.BytesIO()
    np.savez(pickled, format=np.array([{}], dtype=object))
    files = [b"", b"hello", data[: len(data) // 2], data[:-30]]
    files += [data[:100], other.getvalue(), array.getvalue(), pickled.getvalue()]
    for content in files:
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            Surrogate.load(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Surrogate(modes=0), "modes"),
        (lambda: Surrogate(modes=10**9), "modes: .* give a whole number 1 to 1000"),
        (lambda: Surrogate(segments=10**9), "segments: .* give a whole number 1 to 10000"),
        (lambda: Surrogate(patch=5), "patch"),
        (lambda: Surrogate(degree=3), "degree"),
        (lambda: Surrogate(outside="nearest"), "outside"),
        (lambda: Surrogate(smoothing=-1.0), "smoothing"),
        (lambda: Surrogate().predict([[1.0]]), "fit"),
        (lambda: Surrogate().fit([[1.0], [2.0], [3.0]], [1.0, 1.0, 1.0]), "y: is constant"),
        (lambda: Surrogate().fit([[1.0], [2.0]], [1.0, 2.0], weights=[-1.0, 1.0]), "weights"),
        (lambda: Surrogate().fit([[1.0], [np.nan]], [1.0, 2.0]), "X"),
    ],
)
def test_bad_arguments_are_named(make, words):
    with pytest.raises(ValueError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_degenerate_tables_are_fitted():
    rng = np.random.default_rng(8)
    y = rng.normal(size=40)
    constant_column = np.column_stack([np.ones(40), y])
    assert Surrogate().fit(constant_column, 2 * y).held_out_error < 1e-3
    two_rows = Surrogate().fit([[0.0], [1.0]], [1.0, 3.0])
    assert np.isfinite(two_rows.predict([[0.5]])).all()


def test_without_time_there_are_fewer_modes_than_asked():
    rng = np.random.default_rng(9)
    X = rng.uniform(size=(400, 30))
    surrogate = Surrogate(modes=1000, time=1e-9).fit(X, X @ rng.normal(size=30))
    assert surrogate.n_modes < 1000
    assert np.isfinite(surrogate.predict(X)).all()


def test_ctrl_c_stops_a_long_fit():
    code = (
        "import numpy as np, threading, signal, os, time\n"
        "from closedform.surrogates.model import Surrogate\n"
        "X = np.random.default_rng(0).uniform(size=(200000, 6))\n"
        "y = np.sin(9 * (X @ np.arange(6)))\n"
        "threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "try:\n"
        "    Surrogate(modes=20, segments=30, time=100, threads=2).fit(X, y)\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped', time.process_time())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    word, seconds = done.stdout.split() or ("", "0")
    assert word == "stopped", done.stderr
    assert float(seconds) < 15


def test_memory_stays_a_constant_above_the_data_and_the_output():
    code = (
        "import resource, numpy as np\n"
        "from closedform import Surrogate, separability\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "X = np.random.default_rng(0).random((600000, 10), dtype=np.float32)\n"
        "y = np.empty(len(X))\n"
        "for i in range(0, len(X), 1000):\n"
        "    y[i:i+1000] = X[i:i+1000, 0] * X[i:i+1000, 1] + X[i:i+1000, 2]\n"
        "Surrogate(3, 5, time=0.1).fit(X[:2000], y[:2000])\n"
        "a = peak()\n"
        "s = Surrogate(3, 5, time=0.1).fit(X, y)\n"
        "b = peak()\n"
        "separability(s, X)\n"
        "c = peak()\n"
        "H = s.hessian(X)\n"
        "print(b - a, c - b, peak() - c - H.nbytes / 2**20)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    fit, scores, hessian = map(float, done.stdout.split())
    assert fit < 20  # MiB; the rows are 23, in float64 they would be 46, row numbers are 5
    assert scores < 20
    assert hessian < 10  # the output itself is 458


def test_twenty_five_inputs_with_levels_beat_a_ridge():
    path = _data("nims_fatigue.csv")
    table = np.genfromtxt(path, delimiter=",", skip_header=1)
    X, y = table[:, 1:-1], table[:, -1]
    order = np.random.default_rng(0).permutation(len(y))
    test, train = order[:87], order[87:]
    started = time.process_time()
    surrogate = Surrogate(time=4, threads=1).fit(X[train], y[train])
    assert time.process_time() - started < 30
    Z = (X - X[train].mean(0)) / (X[train].std(0) + 1e-12)
    A = np.column_stack([np.ones(len(y)), Z])
    penalty = np.diag([0.0] + [1.0] * Z.shape[1])
    ridge = np.linalg.solve(A[train].T @ A[train] + penalty, A[train].T @ y[train])
    error = np.sqrt(np.mean((surrogate.predict(X[test]) - y[test]) ** 2))
    assert error < 1.05 * np.sqrt(np.mean((A[test] @ ridge - y[test]) ** 2))


def _data(name: str) -> Path:
    import os

    folder = os.environ.get("CLOSEDFORM_DATA")
    if folder is None or not (Path(folder) / name).exists():
        pytest.skip("CLOSEDFORM_DATA does not point to the real data")
    return Path(folder) / name
