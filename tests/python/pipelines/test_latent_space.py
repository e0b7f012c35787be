"""Several neurons as a space, up to an invertible map among them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform.errors import InputError
from closedform.neurons import latent_space

torch = pytest.importorskip("torch")

X = np.random.default_rng(0).uniform(-1, 1, (600, 4))
BUDGET: dict[str, Any] = {"time": math.inf, "operators": "+ *", "max_size": 7, "threads": 1}


def _bottleneck(mixed: Any) -> Any:
    """A module whose layer "encoder" has `mixed` of two concepts for its neurons."""

    class Encoder(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.as_is = torch.nn.Linear(4, 4, bias=False).double()
            self.as_is.weight.data = torch.eye(4, dtype=torch.float64)

        def forward(self, x: Any) -> Any:
            x = self.as_is(x)
            return torch.stack(mixed(x[:, 0] * x[:, 1], x[:, 2] + x[:, 3] ** 2), dim=1)

    class Bottleneck(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = Encoder()
            self.decoder = torch.nn.Linear(len(mixed(torch.ones(1), torch.ones(1))), 1).double()

        def forward(self, x: Any) -> Any:
            return self.decoder(self.encoder(x))

    return Bottleneck()


def test_a_space_of_two_concepts_is_read_through_any_invertible_map() -> None:
    model = _bottleneck(lambda g, h: [torch.exp(g) + h, g - 0.5 * h])
    found = cf.interpret(model, X, neuron=("encoder", "all"), evaluations=20_000, **BUDGET)
    assert [formula.text for formula in found.formulas] == ["x1*x2", "x3 + x4*x4"]
    assert max(found.sines) < 1e-10
    assert found.missed < 1e-10
    assert found.kind == "concept found"
    assert len(repr(found).splitlines()) == 4
    one = cf.interpret(model, X, neuron=("encoder", slice(1, 2)), evaluations=4_000, **BUDGET)
    assert (one.rank, one.coordinates) == (1, 1)


def test_coordinates_that_say_the_same_are_one_concept() -> None:
    model = _bottleneck(lambda g, h: [g + h, torch.exp(g + h), 0.01 * (g + h) ** 3 + g + h])
    nets = latent_space.coordinates(model, ("encoder", "all"), "cpu")
    J, tangents = latent_space.jacobians(nets, X, X.std(axis=0), None, 1)
    assert tangents is None
    assert latent_space.rank(J) == 1


def test_what_is_left_of_a_span_is_across_what_was_found() -> None:
    rng = np.random.default_rng(1)
    Q = latent_space.span(rng.normal(size=(50, 3, 5)), 3)
    inside = np.einsum("nm,nmr->nr", rng.normal(size=(50, 3)), Q)
    inside /= np.linalg.norm(inside, axis=1, keepdims=True)
    across, left = latent_space.without(inside[:, None], Q)
    vectors = np.einsum("nmk,nkr->nmr", left, across)
    np.testing.assert_allclose(np.einsum("nmr,nr->nm", vectors, inside), 0, atol=1e-12)
    np.testing.assert_allclose(
        np.einsum("nmr,nlr->nml", vectors, vectors),
        np.broadcast_to(np.eye(2), (50, 2, 2)),
        atol=1e-12,
    )
    whole = np.concatenate([vectors, inside[:, None]], axis=1)
    np.testing.assert_allclose(
        np.einsum("nmr,nml->nrl", whole, whole), np.einsum("nmr,nml->nrl", Q, Q), atol=1e-12
    )


def test_bad_requests_of_spaces_are_told_in_one_line() -> None:
    model = _bottleneck(lambda g, h: [g, h])
    with pytest.raises(InputError, match=r"neuron: .* is none of the 2 neurons there"):
        cf.interpret(model, X, neuron=("encoder", slice(2, None)))
    with pytest.raises(InputError, match="band: is for one neuron"):
        cf.interpret(model, X, neuron=("encoder", "all"), band=0.1)
    whole = torch.nn.Linear(4, 4)
    whole.weight.data = torch.eye(4)
    with pytest.raises(InputError, match="tell all 4 dimensions of X apart"):
        cf.interpret(whole, X, neuron="all")
