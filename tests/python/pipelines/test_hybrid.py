"""Neurons replaced by their formulas inside a torch model."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform import _core
from closedform.errors import InputError

torch = pytest.importorskip("torch")

X = np.random.default_rng(0).uniform(-1, 1, (400, 3))


def _model() -> Any:
    """A layer "0" whose neurons are products and sums, then a dense one."""
    torch.manual_seed(0)
    layers = torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)
    return torch.nn.Sequential(*layers).double()


@pytest.fixture(scope="module")
def replaced() -> tuple[Any, Any]:
    model = _model()
    found = cf.interpret(model, X, neuron=("1", 2), time=math.inf, evaluations=3000, threads=1)
    return model, cf.hybrid(model, ("1", 2), found, X)


def _values(model: Any, rows: Any = X) -> Any:
    with torch.no_grad():
        return model(torch.tensor(rows))[:, 0].numpy()


def test_a_model_with_a_formula_inside_does_as_before(replaced: tuple[Any, Any]) -> None:
    model, hybrid = replaced
    before = _values(model)
    assert hybrid.original is model
    after = _values(hybrid)
    assert 0 < np.max(np.abs(after - before)) < 0.05 * np.ptp(before)
    np.testing.assert_array_equal(_values(model), before)
    ours, theirs = hybrid.accuracy(X, before)
    assert ours == pytest.approx(1)
    assert 0.99 < theirs <= 1
    assert hybrid.accuracy(X, before > 0)[0] == 1


def test_formulas_are_trained_with_the_model(replaced: tuple[Any, Any]) -> None:
    _, hybrid = replaced
    began = hybrid.formulas()
    adam = torch.optim.Adam(hybrid.part.parameters(), 1e-2)
    rows, target = torch.tensor(X), torch.tensor(X[:, :1] ** 2)
    first = None
    for _ in range(20):
        loss = ((hybrid(rows) - target) ** 2).mean()
        first = float(loss.detach()) if first is None else first
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert float(loss.detach()) < first
    trained = hybrid.formulas()[0]
    assert trained.operators == began[0].operators
    assert trained.text != began[0].text


def test_onnx_has_the_formula(replaced: tuple[Any, Any], tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    _, hybrid = replaced
    file = tmp_path / "hybrid.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            hybrid,
            (torch.tensor(X[:3]),),
            str(file),
            dynamo=False,
            input_names=["x"],
            dynamic_axes={"x": {0: "n"}},
        )
    session = onnxruntime.InferenceSession(str(file))
    (out,) = session.run(None, {"x": X})
    np.testing.assert_allclose(out[:, 0], _values(hybrid), rtol=1e-9, atol=1e-12)


def test_every_operator_computes_what_ours_does() -> None:
    from closedform.neurons.adapters.torch_formula import FormulaModule

    rows = np.random.default_rng(1).uniform(0.1, 0.9, (20, 2))
    for name, known in _core.OPERATORS.items():
        text = f"{name}(1.5*x1 - x1)" if known.operands == 1 else f"{name}(x1, x2)"
        if name in "+-*/>":
            text = f"x1 {name} x2"
        formula = cf.Formula(text, ["x1", "x2"])
        module = FormulaModule(formula, torch.float64)
        with torch.no_grad():
            values = module(torch.tensor(rows)).numpy()
        np.testing.assert_allclose(values, formula(rows), rtol=1e-12, err_msg=name)
        assert module.formula() == formula


def test_a_space_is_replaced_by_polynomials_of_its_formulas() -> None:
    torch.manual_seed(1)
    model = torch.nn.Sequential(
        torch.nn.Linear(3, 2), torch.nn.Tanh(), torch.nn.Linear(2, 1)
    ).double()
    found = cf.interpret(
        model, X, neuron=("0", "all"), time=math.inf, evaluations=4000, operators="+ *", threads=1
    )
    assert found.rank == 2
    hybrid = cf.hybrid(model, ("0", "all"), found, X)
    np.testing.assert_allclose(_values(hybrid), _values(model), atol=0.02)
    with pytest.raises(InputError, match="found: is not of"):
        cf.hybrid(model, ("0", 1), found, X)
    with pytest.raises(InputError, match="neuron: 0 is in no layer"):
        cf.hybrid(model, 0, found, X)
