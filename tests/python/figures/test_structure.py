"""Pictures of what a function is made of."""

from __future__ import annotations

import numpy as np
import pytest

import closedform as cf
from closedform.errors import InputError
from closedform.figures.structure import draw_tree

pyplot = pytest.importorskip("matplotlib.pyplot")
X = np.random.default_rng(0).uniform(0.5, 2.0, (300, 3))
Y = np.sin(2 * X[:, 0]) * np.exp(X[:, 1]) + X[:, 2] ** 2


def test_a_tree_has_its_leaves_side_by_side_below_what_joins_them() -> None:
    axes = draw_tree(pyplot.figure().add_subplot(), ("+", ["a", ("×", ["b", "$c"])]))
    at = {text.get_text(): text.get_position() for text in axes.texts}
    assert {label: at[label] for label in ("a", "b", r"\$c")} == {
        "a": (0, 0),
        "b": (1, 0),
        r"\$c": (2, 0),
    }
    assert at["×"] == (1.5, 1)
    assert at["+"] == (0.75, 2)
    lines = {tuple(map(tuple, line.get_xydata())) for line in axes.lines}
    assert ((0.75, 2), (0, 0)) in lines
    assert len(lines) == 4
    axes.figure.canvas.draw()
    pyplot.close("all")


def test_structure_and_parts_of_a_table() -> None:
    surrogate = cf.Surrogate(segments=6, modes=3, smoothing=0.0, time=60, threads=1).fit(X, Y)
    found = cf.separability(surrogate, X, Y, time=60, threads=1)
    assert str(found) == "sum(product(x1, x2), x3)"
    assert [text.get_text() for text in found.plot().axes[0].texts] == ["x1", "x2", "×", "x3", "+"]
    parts = found.plot("parts").axes
    assert [axes.get_xlabel() for axes in parts] == ["x1", "x2", "x3"]
    x, part = parts[2].lines[0].get_data()
    np.testing.assert_allclose(part - part.mean(), x**2 - (x**2).mean(), atol=0.05)
    pyplot.close("all")
    with pytest.raises(InputError, match="kind: 'pair' is unknown"):
        found.plot("pair")  # type: ignore[arg-type]
