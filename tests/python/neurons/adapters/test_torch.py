"""Networks of torch: values, gradients and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import X, close

import closedform as cf
from closedform.errors import InputError


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


def test_torch_front_ends_that_are_not_dense() -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(4)
    front = nn.Sequential(nn.Unflatten(1, (1, 3)), nn.Conv1d(1, 4, 2), nn.Tanh(), nn.Flatten())
    model = nn.Sequential(front, nn.Linear(8, 1), nn.Sigmoid()).double()
    net = cf.network(model)
    f, g = torch_reference(lambda x: torch.logit(model(x)[:, 0]), torch.float64)
    close(net.value(X), f, 1e-12)
    close(net.gradient(X), g, 1e-12)
    close(net.probability(X), model(torch.tensor(X))[:, 0].detach().numpy(), 1e-12)


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
        (torch_custom("none"), ("middle", 0), "no layer 'middle'; its layers are first"),
        (nn.Sequential(nn.Linear(3, 3), nn.Softmax(1), nn.Linear(3, 1)), None, "'1' is a softmax"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            cf.network(model, neuron=neuron)
        assert "\n" not in str(caught.value)
    begins_with = r"fails on rows of shape \(2, 3\) .* begins with a Conv1d.* torch.nn.Unflatten\(1"
    for front in (nn.Conv1d(1, 1, 1), nn.Sequential(nn.Conv1d(1, 1, 1), nn.Linear(3, 1))):
        with pytest.raises(InputError, match=begins_with):
            cf.network(front).value(X)
    with pytest.raises(InputError, match="X: has 2 columns; the network takes 3"):
        cf.network(dense, neuron=0).value(X[:, :2])
