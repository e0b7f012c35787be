"""Networks of every framework: value and gradient against the framework's own, ends removed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import closedform as cf
from closedform.errors import InputError
from closedform.neurons.adapters import dense_stack

os.environ.setdefault("KERAS_BACKEND", "jax")

X = np.random.default_rng(0).normal(size=(2500, 3))  # more than two blocks for a framework


def log_odds(p: np.ndarray) -> np.ndarray:
    return np.log(p) - np.log1p(-p)


def close(ours: np.ndarray | None, theirs: np.ndarray, epsilon: float = 1e-5) -> None:
    """To rounding, relative to the largest number of the array."""
    assert ours is not None
    assert ours.dtype == np.float64
    assert ours.shape == theirs.shape
    assert np.abs(theirs).max() > 0  # an all-zero reference would prove nothing
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=epsilon * np.abs(theirs).max())


# torch --------------------------------------------------------------------------------------------


def torch_reference(function: Any, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    import torch

    x = torch.tensor(X, dtype=dtype, requires_grad=True)
    f = function(x)
    (gradient,) = torch.autograd.grad(f.sum(), x)
    return f.detach().numpy(), gradient.numpy()


@pytest.mark.parametrize("double", [True, False])
def test_torch_dense_stack_runs_natively(double: bool) -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Flatten(),
        nn.BatchNorm1d(3),
        nn.Linear(3, 20),
        nn.ELU(0.8),
        nn.Dropout(0.5),
        nn.Sequential(nn.Linear(20, 11, bias=False), nn.BatchNorm1d(11), nn.GELU()),
        nn.BatchNorm1d(11),
        nn.Linear(11, 7),
        nn.LeakyReLU(0.2),
        nn.Softplus(2.0),
        nn.Linear(7, 1),
        nn.Sigmoid(),
        nn.Flatten(0),
    )
    dtype = torch.float64 if double else torch.float32
    model.to(dtype).train()
    model(torch.tensor(X, dtype=dtype))  # running means that are not 0 and 1
    model.eval()
    epsilon = 1e-11 if double else 2e-5
    for neuron, part in ((None, model[:11]), (("5", 4), model[:6]), (("6", 2), model[:7])):
        index = neuron[1] if neuron else 0
        f, g = torch_reference(lambda x, p=part, i=index: p(x)[:, i], dtype)
        net = cf.network(model, neuron=neuron)
        close(net.value(X), f, epsilon)
        close(net.gradient(X), g, epsilon)
        assert "native" in net.description
    probability = cf.network(model).probability(X)
    close(probability, model(torch.tensor(X, dtype=dtype)).detach().numpy(), epsilon)
    assert "without the sigmoid of '11'" in cf.network(model).description
    assert cf.network(model, neuron=("5", 4)).probability(X) is None
    assert cf.network(model, neuron=("2", 0)).inputs == 3


@pytest.mark.parametrize(
    "name", "ReLU LeakyReLU ELU GELU SiLU Softplus Tanh Sigmoid Identity".split()
)
def test_torch_activations(name: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    activation = getattr(torch.nn, name)()
    model = torch.nn.Sequential(torch.nn.Linear(3, 9), activation, torch.nn.Linear(9, 2)).double()
    net = cf.network(model, neuron=1)
    f, g = torch_reference(lambda x: model(x)[:, 1], torch.float64)
    # torch's softplus is linear beyond 20, which costs it 2e-9.
    close(net.value(X), f, 1e-8 if name == "Softplus" else 1e-13)
    close(net.gradient(X), g, 1e-8 if name == "Softplus" else 1e-12)
    assert "native" in net.description
    assert net.probability(X) is None


def torch_custom(end: str) -> Any:
    import torch

    class Custom(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Linear(3, 8)
            self.last = torch.nn.Linear(8, 3 if "softmax" in end else 1)
            self.drop = torch.nn.Dropout(0.5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            z = self.last(self.drop(torch.sin(self.first(x))))
            match end:
                case "sigmoid squeezed":
                    return torch.sigmoid(z).squeeze(-1)
                case "softmax":
                    return torch.softmax(z, dim=-1)
                case "log_softmax":
                    return torch.nn.functional.log_softmax(z, 1)
                case "sigmoid, then more":
                    return torch.sigmoid(z) ** 2
            return z

    torch.manual_seed(2)
    return Custom()


@pytest.mark.parametrize(
    "end", ["none", "sigmoid squeezed", "softmax", "log_softmax", "sigmoid, then more"]
)
def test_torch_custom_forward_goes_through_autograd(end: str) -> None:
    torch = pytest.importorskip("torch")
    model = torch_custom(end)
    kind = end.split()[0].removeprefix("log_")
    model.last.eval()  # a mode of its own, to be kept
    net = cf.network(model, neuron=1 if kind == "softmax" else None)

    def f(x: Any) -> Any:
        z = model.last(torch.sin(model.first(x)))
        if kind == "softmax":
            return z[:, 1] - torch.logsumexp(z[:, [0, 2]], dim=1)
        return torch.sigmoid(z[:, 0]) ** 2 if end == "sigmoid, then more" else z[:, 0]

    value, gradient = torch_reference(f, torch.float32)
    close(net.value(X), value)
    close(net.gradient(X), gradient)
    assert model.training
    assert not model.last.training
    if end in ("none", "sigmoid, then more"):
        assert net.probability(X) is None
        assert "no final sigmoid or softmax was seen" in net.description
        said = cf.network(model, classifier=True).probability(X)
        close(said, 1 / (1 + np.exp(-value.astype(np.float64))))
    else:
        assert "final " + kind in net.description
        close(net.probability(X), 1 / (1 + np.exp(-value.astype(np.float64))))
    hidden = cf.network(model, neuron=("first", 5))
    close(hidden.gradient(X), np.tile(model.first.weight[5].detach().numpy(), (len(X), 1)))
    assert hidden.probability(X) is None


def test_torch_softmax_stack_gives_log_odds() -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(3)
    for width, neuron in ((2, None), (2, 0), (4, 2)):
        model = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, width), nn.Softmax(dim=1))
        model.double()
        k = 1 if neuron is None else neuron
        net = cf.network(model, neuron=neuron)
        f, g = torch_reference(lambda x, m=model, k=k: torch.logit(m(x)[:, k]), torch.float64)
        close(net.value(X), f, 1e-12)
        close(net.gradient(X), g, 1e-12)
        close(net.probability(X), model(torch.tensor(X))[:, k].detach().numpy(), 1e-12)
        assert "log-odds" in net.description


def test_torch_errors_name_the_layer() -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    dense = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    for model, neuron, words in (
        (dense, None, "neuron: the output has 2 outputs; say which, 0 to 1"),
        (dense, 2, "neuron: the output has 2 outputs, so no 2"),
        (dense, ("0", 4), "neuron: layer '0' has 4 outputs"),
        (dense, ("head", 0), "no layer 'head'; its layers are 0, 1, 2"),
        (dense, -1, "neuron: index must be an integer from 0"),
        (dense, (0, 1), "is not understood"),
        (nn.Conv1d(1, 1, 1), None, r"no torch.nn.Linear"),
        (nn.Sequential(nn.Conv1d(1, 1, 1), nn.Linear(3, 1)), None, r"fails on rows of shape \(2"),
        (torch_custom("none"), ("middle", 0), "no layer 'middle'; its layers are first"),
        (nn.Sequential(nn.Linear(3, 3), nn.Softmax(1), nn.Linear(3, 1)), None, "'1' is a softmax"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            cf.network(model, neuron=neuron)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="X: has 2 columns; the network takes 3"):
        cf.network(dense, neuron=0).value(X[:, :2])


# scikit-learn -------------------------------------------------------------------------------------


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


# JAX and Flax -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["row", "batch", "compiled"])
@pytest.mark.parametrize("end", ["none", "sigmoid", "softmax", "log_softmax", "column"])
def test_jax_functions(form: str, end: str) -> None:
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    rng = np.random.default_rng(1)
    w1, w2 = jnp.asarray(rng.normal(size=(3, 5))), jnp.asarray(rng.normal(size=(5, 3)))

    def logits(x: Any) -> Any:
        return jnp.sin((x[:, :] if form == "batch" else x) @ w1) @ w2  # no row has a [:, :]

    def model(x: Any) -> Any:
        z = logits(x)
        match end:
            case "sigmoid":
                return jax.nn.sigmoid(z)
            case "softmax":
                return jax.nn.softmax(z)
            case "log_softmax":
                return jax.nn.log_softmax(z)
            case "column":
                return jnp.squeeze(jax.nn.sigmoid(z[..., 1:2]), -1)
        return z

    def f(x: Any) -> Any:
        z = jnp.sin(x @ w1) @ w2
        others = jnp.stack([z[0], z[2]])
        return z[1] - jax.nn.logsumexp(others) if "softmax" in end else z[1]

    net = cf.network(
        jax.jit(model) if form == "compiled" else model, neuron=None if end == "column" else 1
    )
    close(net.value(X), np.asarray(jax.vmap(f)(jnp.asarray(X))))
    close(net.gradient(X), np.asarray(jax.vmap(jax.grad(f))(jnp.asarray(X))))
    if end == "none":
        assert net.probability(X) is None
    else:
        close(net.probability(X), np.asarray(jax.nn.sigmoid(jax.vmap(f)(jnp.asarray(X)))))


def test_flax_modules() -> None:
    jax = pytest.importorskip("jax")
    linen = pytest.importorskip("flax.linen")
    from flax import nnx

    class Linen(linen.Module):  # type: ignore[name-defined,misc]
        @linen.compact
        def __call__(self, x: Any) -> Any:
            return linen.sigmoid(linen.Dense(1)(linen.elu(linen.Dense(6)(x))))

    module = Linen()
    variables = module.init(jax.random.key(0), jax.numpy.ones(3))
    net = cf.network(module.bind(variables))
    p = np.asarray(module.apply(variables, X), np.float64)[:, 0]
    close(net.value(X), log_odds(p), 1e-4)
    slope = jax.vmap(jax.grad(lambda x: module.apply(variables, x)[0]))(jax.numpy.asarray(X))
    close(net.gradient(X), np.asarray(slope) / (p * (1 - p))[:, None], 1e-4)
    close(net.probability(X), p)
    with pytest.raises(InputError, match="no variables; give"):
        cf.network(module)

    class Nnx(nnx.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            self.first = nnx.Linear(3, 6, rngs=nnx.Rngs(0))
            self.last = nnx.Linear(6, 2, rngs=nnx.Rngs(1))

        def __call__(self, x: Any) -> Any:
            return self.last(nnx.elu(self.first(x)))

    other = Nnx()
    net = cf.network(other, neuron=1, names=["p", "q", "r"])
    close(net.value(X), np.asarray(other(jax.numpy.asarray(X)))[:, 1])
    assert net.inputs == 3


def test_jax_errors() -> None:
    jax = pytest.importorskip("jax")
    with pytest.raises(InputError, match="no named layers"):
        cf.network(jax.jit(lambda x: x[0]), neuron=("a", 0))
    with pytest.raises(
        InputError, match=r"fails on 1000 rows of 3 numbers \(dot_general .* and on one row"
    ):
        cf.network(jax.jit(lambda x: x @ jax.numpy.ones((4, 2)))).value(X)
    with pytest.raises(InputError, match="the output has 3 outputs; say which"):
        cf.network(jax.jit(lambda x: x)).value(X)


# Keras --------------------------------------------------------------------------------------------


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


# ONNX ---------------------------------------------------------------------------------------------


def onnx_model(nodes: list[Any], constants: dict[str, np.ndarray], width: int = 1) -> Any:
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    number = helper.np_dtype_to_tensor_dtype(next(iter(constants.values())).dtype)
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", number, ["n", 3])],
        [helper.make_tensor_value_info(nodes[-1].output[0], number, ["n", width])],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def onnx_chain(end: str, dtype: type = np.float64) -> tuple[Any, Any]:
    """A model of all supported nodes but the last layer's, and numpy's version up to the logits."""
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node
    rng = np.random.default_rng(5)
    c = {
        "mean": rng.normal(size=3),
        "scale": rng.uniform(1, 2, size=(1, 3)),
        "w1": rng.normal(size=(3, 6)),
        "b1": rng.normal(size=6),
        "w2": rng.normal(size=(4, 6)),
        "b2": rng.normal(size=4),
        "half": np.array(0.5),
        "w3": rng.normal(size=(4, 3 if end == "Softmax" else 1)),
        "b3": rng.normal(size=3 if end == "Softmax" else 1),
    }
    c = {name: value.astype(dtype) for name, value in c.items()}
    nodes = [
        node("Sub", ["x", "mean"], ["a"], name="centre"),
        node("Div", ["a", "scale"], ["b"]),
        node("MatMul", ["b", "w1"], ["c"]),
        node("Add", ["b1", "c"], ["d"]),
        node("Sigmoid", ["d"], ["e"]),
        node("Mul", ["d", "e"], ["f"], name="swish"),
        node("Gemm", ["f", "w2", "b2"], ["g"], transB=1, alpha=0.75, beta=1.5, name="middle"),
        node("Elu", ["g"], ["h"], alpha=1.25),
        node("Mul", ["half", "h"], ["i"]),
        node("Gemm", ["i", "w3", "b3"], ["z"]),
    ]
    if end:
        nodes.append(node(end, ["z"], ["p"], name="end"))

    def logits(x: np.ndarray) -> np.ndarray:
        d = (x - c["mean"]) / c["scale"] @ c["w1"] + c["b1"]
        g = 0.75 * (d / (1 + np.exp(-d))) @ c["w2"].T + 1.5 * c["b2"]
        return 0.5 * np.where(g > 0, g, 1.25 * np.expm1(g)) @ c["w3"] + c["b3"]

    return onnx_model(nodes, c, len(c["b3"])), logits


@pytest.mark.parametrize("end", ["", "Sigmoid", "Softmax"])
def test_onnx_graphs(end: str, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model, logits = onnx_chain(end)
    onnx.save(model, tmp_path / "net.onnx")
    net = cf.network(tmp_path / "net.onnx", neuron=1 if end == "Softmax" else None)

    def f(x: np.ndarray) -> np.ndarray:
        z = logits(x)
        if end != "Softmax":
            return z[:, 0]
        return z[:, 1] - np.log(np.exp(z[:, 0]) + np.exp(z[:, 2]))

    close(net.value(X), f(X), 1e-12)
    step = 1e-5 * np.eye(3)
    by_difference = np.stack([(f(X + h) - f(X - h)) / 2e-5 for h in step], axis=1)
    close(net.gradient(X), by_difference, 1e-8)
    assert (net.probability(X) is None) == (end == "")
    assert f"{net.description}".endswith("native, float64")
    assert cf.network(model, neuron=("middle", 3)).gradient(X).shape == X.shape


def test_a_hidden_sigmoid_of_onnx_is_no_classifier() -> None:
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node
    weights = {
        "w1": np.array([[1.0, 2.0], [0.5, -1.0], [0.0, 1.0]]),
        "w2": np.array([[1.0], [3.0]]),
    }
    nodes = [
        node("MatMul", ["x", "w1"], ["a"]),
        node("Sigmoid", ["a"], ["hidden"]),
        node("MatMul", ["hidden", "w2"], ["z"]),
        node("Sigmoid", ["z"], ["y"]),
    ]
    model = onnx_model(nodes, weights)
    X = np.random.default_rng(0).normal(size=(20, 3))
    hidden = cf.network(model, neuron=("hidden", 1))
    np.testing.assert_allclose(hidden.value(X), 1 / (1 + np.exp(-X @ weights["w1"][:, 1])))
    assert hidden.probability(X) is None
    assert cf.network(model).probability(X) is not None


def test_onnx_agrees_with_onnxruntime() -> None:
    runtime = pytest.importorskip("onnxruntime")
    model, _ = onnx_chain("Sigmoid", np.float32)
    session = runtime.InferenceSession(model.SerializeToString())
    (p,) = session.run(None, {"x": X.astype(np.float32)})
    close(cf.network(model).probability(X), p[:, 0])


def test_onnx_errors_name_the_node(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node
    w = {"w": np.ones((3, 1))}
    cases: list[tuple[list[Any], str]] = [
        (
            [node("MatMul", ["x", "w"], ["y"]), node("Erf", ["y"], ["z"], name="odd")],
            r"'odd' \(Erf\)",
        ),
        (
            [
                node("MatMul", ["x", "w"], ["y"]),
                node("Tanh", ["y"], ["t"]),
                node("Add", ["y", "t"], ["z"], name="skip"),
            ],
            r"'skip' \(Add\) joins two branches",
        ),
        ([node("Relu", ["x"], ["z"])], "no dense layer"),
    ]
    for nodes, words in cases:
        with pytest.raises(InputError, match=words) as caught:
            cf.network(onnx_model(nodes, w))
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no 'nowhere'; its nodes are y"):
        cf.network(onnx_model([node("MatMul", ["x", "w"], ["y"])], w), neuron=("nowhere", 0))
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(InputError, match="cannot be read as ONNX"):
        cf.network(tmp_path / "broken.onnx")
    with pytest.raises(InputError, match="cannot be read as ONNX"):
        cf.network(tmp_path / "missing.onnx")


# functions, formulas, surrogates ------------------------------------------------------------------


def test_pair_of_functions() -> None:
    net = cf.network((lambda x: x[:, 0] ** 2, lambda x: np.stack([2 * x[:, 0], 0 * x[:, 1]], 1)))
    close(net.value(X[:, :2]), X[:, 0] ** 2, 0)
    close(net.gradient(X[:, :2])[:, 0], 2 * X[:, 0], 0)
    assert net.inputs is None
    with pytest.raises(InputError, match=r"gave shape \(1000, 2\) where \(1000,\) was expected"):
        cf.network((lambda x: x, lambda x: x)).value(X[:, :2])
    logit = cf.network((lambda x: 800 * x[:, 0], lambda x: x), classifier=True)
    np.testing.assert_array_equal(logit.probability([[0.0], [-9.0], [9.0]]), [0.5, 0, 1])


def test_formula_and_surrogate() -> None:
    formula = cf.Formula("x1*x2 + sin(x3)", ["x1", "x2", "x3"])
    net = cf.network(formula)
    close(net.gradient(X)[:, 2], np.cos(X[:, 2]), 1e-14)
    assert (net.inputs, net.names) == (3, ("x1", "x2", "x3"))
    surrogate = cf.Surrogate(2, 4, time=0.1).fit(X, formula(X))
    net = cf.network(surrogate)
    np.testing.assert_array_equal(net.gradient(X), surrogate.gradient(X))
    assert net.probability(X) is None


@pytest.mark.parametrize(
    ("model", "arguments", "words"),
    [
        (lambda: cf.Formula("a", ["a"]), {"neuron": 1}, "has 1 outputs, so no 1"),
        (lambda: cf.Formula("a", ["a"]), {"neuron": ("l", 0)}, "has no layers"),
        (
            lambda: cf.Formula("a", ["a"]),
            {"names": ["a", "b"]},
            "names: are 2; the network takes 1",
        ),
        (lambda: cf.Formula("a + b", ["a", "b"]), {"names": ["a", "a"]}, "names: must be distinct"),
        (lambda: (abs, abs), {"neuron": 0}, "a pair of functions is one neuron"),
        (lambda: cf.network(cf.Formula("a", ["a"])), {}, "is a Network already"),
        (lambda: "model.pt", {}, "is not an .onnx file"),
        (lambda: 3.0, {}, "a float is not supported"),
        (lambda: cf.Surrogate(), {}, "not fitted"),
    ],
)
def test_bad_arguments(model: Any, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        cf.network(model(), **arguments)
    assert "\n" not in str(caught.value)


def test_frameworks_are_not_imported_for_others() -> None:
    code = (
        "import sys, closedform as cf\n"
        "cf.network(cf.Formula('a*a', ['a'])).gradient([[1.0], [2.0]])\n"
        "cf.network((lambda x: x[:, 0], lambda x: x)).value([[1.0], [2.0]])\n"
        "try:\n"
        "    cf.network(lambda x: x)\n"
        "except ValueError as error:\n"
        "    assert 'without a gradient' in str(error), error\n"
        "loaded = {'torch', 'jax', 'keras', 'onnx', 'sklearn', 'flax'} & sys.modules.keys()\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# native stacks ------------------------------------------------------------------------------------


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
