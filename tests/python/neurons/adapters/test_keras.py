"""Models of Keras: values, gradients and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import X, close, log_odds

import closedform as cf
from closedform.errors import InputError

KERAS_AND_NUMPY = "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"


def keras_reference(model: Any, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Output k and its gradient by the backend itself."""
    keras = pytest.importorskip("keras")
    backend = keras.backend.backend()
    single = X.astype(np.float32)
    if backend == "jax":
        import jax

        value = lambda x: model(x, training=False)[:, k]  # noqa: E731
        gradient = jax.grad(lambda x: value(x).sum())(single)
        return np.asarray(value(single)), np.asarray(gradient)
    if backend == "torch":
        import torch

        x = torch.tensor(single, requires_grad=True)
        f = model(x, training=False)[:, k]
        (slope,) = torch.autograd.grad(f.sum(), x)
        return f.detach().numpy(), slope.numpy()
    pytest.skip(f"no reference for Keras on {backend}")


@pytest.mark.filterwarnings(KERAS_AND_NUMPY)
@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("end", ["linear", "sigmoid", "softmax"])
def test_keras_models(native: bool, end: str) -> None:
    keras = pytest.importorskip("keras")
    layers = keras.layers
    keras.utils.set_random_seed(0)
    width = 3 if end == "softmax" else 1

    def build(last: str) -> Any:
        inputs = keras.Input((3,))
        h = layers.Dense(9, activation="elu", name="first")(inputs)
        h = layers.Dropout(0.3)(layers.BatchNormalization()(h))
        if not native:
            h = layers.Concatenate()([h, inputs])  # two branches
        h = layers.LeakyReLU(negative_slope=0.1)(layers.Dense(8)(h))
        return keras.Model(inputs, layers.Dense(width, activation=last, name="last")(h))

    model, bare = build(end), build("linear")
    rng = np.random.default_rng(3)
    weights = [
        rng.uniform(0.2, 1, w.shape) * rng.choice([1.0, -1.0], w.shape) for w in model.get_weights()
    ]
    weights[5] = np.abs(weights[5])  # a variance
    model.set_weights(weights)
    bare.set_weights(weights)
    k = width - 1
    net = cf.network(model, neuron=k)
    assert ("native" in net.description) == native
    z, slope = keras_reference(bare, k)
    if end == "softmax":
        p = np.asarray(keras.ops.convert_to_numpy(model(X.astype(np.float32))), np.float64)
        others = p[:, :k] / p[:, :k].sum(axis=1, keepdims=True)
        for j in range(k):
            slope_j = keras_reference(bare, j)[1]
            slope = slope - others[:, [j]] * slope_j
        close(net.probability(X), p[:, k])
        close(net.value(X), log_odds(p[:, k]), 1e-3)  # their p is rounded to float32
    else:
        close(net.value(X), z)
        assert (net.probability(X) is None) == (end == "linear")
    close(net.gradient(X), slope)
    hidden = cf.network(model, neuron=("first", 4))
    part = keras.Model(model.inputs[0], model.get_layer("first").output)
    close(hidden.value(X), keras_reference(part, 4)[0])
    close(hidden.gradient(X), keras_reference(part, 4)[1])


@pytest.mark.filterwarnings(KERAS_AND_NUMPY)
def test_keras_errors() -> None:
    keras = pytest.importorskip("keras")
    with pytest.raises(InputError, match="not built"):
        cf.network(keras.Sequential([keras.layers.Dense(2)]))
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="only")])
    with pytest.raises(InputError, match="no layer 'other'; its layers are only"):
        cf.network(model, neuron=("other", 0))
