"""Rows on a surface: gradients count along it alone, whatever a network does across."""

from __future__ import annotations

import math

import numpy as np
import pytest

import closedform as cf
from closedform._typing import Floats
from closedform.errors import InputError
from closedform.neurons.surface import Surface, find
from closedform.tables.rows import spreads

RNG = np.random.default_rng(0)
TURNS = RNG.uniform(0, 2 * math.pi, (1000, 2))
PLAIN = RNG.normal(size=(1000, 3))


def _angles(columns: int) -> Floats:
    waves = [wave(TURNS[:, k]) for k in range(columns) for wave in (np.cos, np.sin)]
    return np.column_stack(waves)


def _antisymmetric() -> Floats:
    X = np.zeros((1000, 3, 3))
    i, j = np.triu_indices(3, 1)
    X[:, i, j], X[:, j, i] = PLAIN, -PLAIN
    return X.reshape(-1, 9)


def _found(X: Floats) -> Surface | None:
    return find(X, spreads(X), 0)


@pytest.mark.parametrize(
    ("X", "dimensions"),
    [
        (np.column_stack([PLAIN, 5 - PLAIN[:, 0] - PLAIN[:, 1]]), 3),  # a trace
        (_angles(2), 2),
        (np.column_stack([_angles(1), PLAIN]), 4),
        (PLAIN / np.linalg.norm(PLAIN, axis=1, keepdims=True), 2),
        (_antisymmetric(), 3),
        (PLAIN, None),
        (np.column_stack([PLAIN, PLAIN[:, 0] > 0]), None),  # of 0 and 1 nothing is a surface
        (PLAIN + 0.1 * PLAIN[:, :1], None),
        (PLAIN[:15], None),  # too few to say
    ],
)
def test_surfaces_are_seen_where_there_are_some(X: Floats, dimensions: int | None) -> None:
    for noise in (0.0, 1e-3):
        noisy = X + noise * np.random.default_rng(1).normal(size=X.shape) * (X.std(axis=0) > 0)
        surface = _found(X if dimensions is None else noisy)
        assert (None if surface is None else surface.dimensions) == dimensions


def test_tangents_are_along_the_surface() -> None:
    X = np.column_stack([_angles(1), PLAIN[:, 0]])
    surface = _found(X)
    assert surface is not None
    tangents = surface.tangents(X)
    assert tangents is not None
    units = np.einsum("nrd,nsd->nrs", tangents, tangents)
    np.testing.assert_allclose(units, np.broadcast_to(np.eye(2), units.shape), atol=1e-12)
    normal = np.column_stack([X[:, :2], np.zeros(1000)]) * spreads(X)
    np.testing.assert_allclose(np.einsum("nrd,nd->nr", tangents, normal), 0, atol=1e-9)


def _network(text: str, across: str) -> tuple[cf.Formula, cf.Formula]:
    names = ["x1", "x2", "x3", "x4"]
    return cf.Formula(text, names), cf.Formula(f"{text} + {across}", names)


def test_what_a_network_does_across_the_surface_does_not_count() -> None:
    """On two circles the part across vanishes, its gradient does not."""
    X = _angles(2)
    truth, learned = _network("x1*x3 + x2*x4 + x1", "2*x3*(x1*x1 + x2*x2 - 1)")
    np.testing.assert_allclose(truth(X), learned(X), atol=1e-12)
    found = cf.interpret(learned, X, operators="+ - *", max_size=9, evaluations=20_000)
    assert found.formula.complexity == truth.complexity
    assert found.formula.loss < 1e-20
    assert found.fidelity.cosine == pytest.approx(1.0)
    assert found.verdict.kind == "concept found"
    assert "along a surface of 2 dimensions" in str(found.gradients)


def test_copies_of_a_column_count_to_it() -> None:
    """(x2 - x4)^2 + ... of an antisymmetric matrix says no more than x2^2 + ..."""
    X = _antisymmetric()
    names = [f"x{k + 1}" for k in range(9)]
    learned = cf.Formula("(x2 - x4)**2 + 4*x7*x7 - x8*x6*4", names)
    found = cf.interpret(learned, X, operators="+ - *", evaluations=20_000)
    assert found.formula.text == "x2*x2 + x3*x3 + x6*x6"


def test_bad_requests_on_a_surface_are_told_in_one_line() -> None:
    _, learned = _network("x1*x3 + x2*x4", "x3")
    with pytest.raises(InputError, match="extra_points: X lies on a surface of 2 dimensions"):
        cf.interpret(learned, _angles(2), extra_points=10)
    curve = cf.Formula("x1*x2", ["x1", "x2"])
    with pytest.raises(InputError, match="X: lies on a curve"):
        cf.interpret(curve, _angles(1))
