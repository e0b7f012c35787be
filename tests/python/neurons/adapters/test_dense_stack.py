"""Stacks of dense layers: how steps are folded, and what is copied."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import X

from closedform.neurons.adapters import dense_stack


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from("dense affine tanh sin identity".split()), max_size=8), st.data())
def test_any_order_of_steps_is_folded_right(kinds: list[str], data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    kinds.insert(data.draw(st.integers(0, len(kinds))), "dense")
    steps: list[dense_stack.Step] = []
    width, h, jacobian = 3, X[:5], np.broadcast_to(np.eye(3), (5, 3, 3))
    for number, kind in enumerate(kinds):
        name = str(number)
        if kind == "dense":
            w, b = rng.normal(size=(4, width)), rng.normal(size=4)
            steps.append(dense_stack.Dense(name, w, b))
            width, h, jacobian = 4, h @ w.T + b, w @ jacobian
        elif kind == "affine":
            scale, shift = rng.normal(size=width), rng.normal(size=width)
            steps.append(dense_stack.Affine(name, scale, shift))
            h, jacobian = scale * h + shift, scale[:, None] * jacobian
        else:
            steps.append(dense_stack.Pointwise(name, kind))
            if kind != "identity":
                slope = np.cos(h) if kind == "sin" else 1 - np.tanh(h) ** 2
                jacobian = slope[:, :, None] * jacobian
                h = np.sin(h) if kind == "sin" else np.tanh(h)
    target = dense_stack.neuron_function(steps, 2)
    np.testing.assert_allclose(target.value(X[:5], 1), h[:, 2], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(target.gradient(X[:5], 1), jacobian[:, 2], rtol=1e-9, atol=1e-9)


def test_native_rows_are_not_copied_and_memory_is_bounded() -> None:
    code = (
        "import resource, numpy as np\n"
        "from closedform.neurons.adapters import dense_stack\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "w = np.ones((50, 10), np.float32)\n"
        "steps = [dense_stack.Dense('a', w, w[:, 0]), dense_stack.Pointwise('b', 'tanh'),\n"
        "         dense_stack.Dense('c', w[:1, :1] * np.ones((1, 50), np.float32), w[:1, 0])]\n"
        "net = dense_stack.neuron_function(steps, None)\n"
        "X = np.random.default_rng(0).random((1_000_000, 10), dtype=np.float32)\n"
        "net.gradient(X[:5000], 2)\n"
        "before = peak()\n"
        "G = net.gradient(X, 2)\n"
        "print(peak() - before - G.nbytes / 2**20)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 8  # MiB; the rows are 38, one hidden layer of all rows 191
