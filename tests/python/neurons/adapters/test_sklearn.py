"""Networks of scikit-learn: values, gradients and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import X, close, log_odds

import closedform as cf
from closedform.errors import InputError


def sklearn_reference(mlp: Any, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits and their gradients (n, k, d) by numpy, layer by layer."""
    value = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh, "identity": lambda z: z}
    slope = {
        "relu": lambda z: z > 0,
        "tanh": lambda z: 1 - np.tanh(z) ** 2,
        "identity": np.ones_like,
    }
    value["logistic"] = lambda z: 1 / (1 + np.exp(-z))
    slope["logistic"] = lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2
    h, jacobian = rows, np.broadcast_to(np.eye(3), (len(rows), 3, 3))
    for number, (weights, bias) in enumerate(zip(mlp.coefs_, mlp.intercepts_, strict=True)):
        z = h @ weights + bias
        jacobian = np.einsum("io,nid->nod", weights, jacobian)
        if number < len(mlp.coefs_) - 1:
            jacobian = slope[mlp.activation](z)[:, :, None] * jacobian
            z = value[mlp.activation](z)
        h = z
    return h, jacobian


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.filterwarnings("ignore:.*Maximum iterations")
def test_sklearn_mlps(activation: str) -> None:
    pytest.importorskip("sklearn")
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    y = X[:, 0] * X[:, 1]
    settings = {"activation": activation, "max_iter": 3, "random_state": 0}
    regressor = MLPRegressor(hidden_layer_sizes=(7, 5), **settings).fit(X, y)
    _, jacobian = sklearn_reference(regressor, X)
    net = cf.network(regressor)
    close(net.value(X), regressor.predict(X), 1e-12)
    close(net.gradient(X), jacobian[:, 0], 1e-12)
    assert net.probability(X) is None

    binary = MLPClassifier((7, 5), **settings).fit(X, y > 0)
    net = cf.network(binary)
    close(net.value(X), sklearn_reference(binary, X)[0][:, 0], 1e-12)
    close(net.gradient(X), sklearn_reference(binary, X)[1][:, 0], 1e-12)
    close(net.probability(X), binary.predict_proba(X)[:, 1], 1e-12)

    three = MLPClassifier((7,), **settings).fit(X, np.digitize(y, [-0.5, 0.5]))
    net = cf.network(three, neuron=2)
    p, (_, jacobian) = three.predict_proba(X), sklearn_reference(three, X)
    close(net.value(X), log_odds(p[:, 2]), 1e-11)
    others = p[:, :2] / p[:, :2].sum(axis=1, keepdims=True)
    close(net.gradient(X), jacobian[:, 2] - np.einsum("nk,nkd->nd", others, jacobian[:, :2]), 1e-11)
    close(net.probability(X), p[:, 2], 1e-11)

    scaled = make_pipeline(StandardScaler(), MinMaxScaler(), regressor).fit(3 * X + 1, y)
    net = cf.network(scaled)
    close(net.value(X), scaled.predict(X), 1e-11)
    scalers = scaled[:-1]
    slope = np.diff(scalers.transform([[0.0] * 3, [1.0] * 3]), axis=0)
    _, jacobian = sklearn_reference(regressor, scalers.transform(X))
    close(net.gradient(X), slope * jacobian[:, 0], 1e-11)
    hidden = cf.network(scaled, neuron=("hidden1", 3))
    assert "neuron 3 of layer 'hidden1'" in hidden.description


@pytest.mark.filterwarnings("ignore:.*Maximum iterations")
def test_sklearn_column_names_and_errors() -> None:
    pytest.importorskip("sklearn")
    pandas = pytest.importorskip("pandas")
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LinearRegression
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline

    table = pandas.DataFrame(X, columns=["a", "b b", "c"])
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(table, X[:, 0])
    net = cf.network(model)
    assert net.names == ("a", "b_b", "c")
    np.testing.assert_array_equal(net.value(table[["c", "a", "b b"]]), net.value(X))
    with pytest.raises(InputError, match="step 'pca', a PCA, is not supported"):
        cf.network(make_pipeline(PCA(), MLPRegressor()).fit(X, X[:, 0]))
    with pytest.raises(InputError, match="is a LinearRegression; supported: MLPClassifier"):
        cf.network(LinearRegression())
    with pytest.raises(InputError, match="not fitted"):
        cf.network(MLPRegressor())
