"""Graphs of ONNX: values, gradients and errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import X, close

import closedform as cf
from closedform.errors import InputError


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
