"""How results show themselves: in a line, as text, in notebooks, in pictures."""

from __future__ import annotations

import re

import numpy as np
import pytest

import closedform as cf
from closedform.errors import InputError

X = np.random.default_rng(0).uniform(1.0, 2.0, (80, 2))
Y = X[:, 0] / X[:, 1]
FOUND = cf.discover(X, Y, evaluations=3000, operators="+ * /")
NEURON = cf.interpret(cf.Formula("exp(x1*x2)", ["x1", "x2"]), X, evaluations=3000, operators="+ *")


def test_a_line_and_a_text() -> None:
    assert repr(FOUND) == "Discovery('x1/x2', law)"
    lines = repr(NEURON).splitlines()
    assert lines[:2] == ["Interpretation: concept found", "  T = x1*x2"]
    assert len(lines) == 5
    assert "cosine 1.0000" in lines[3]
    for part in ("Front\n", "  y = x1/x2\n", "law: exact to rounding"):
        assert part in str(FOUND)
    assert "  T = x1*x2\n" in str(NEURON)


def test_notebooks() -> None:
    pytest.importorskip("matplotlib")
    shown = FOUND._repr_html_()
    for part in (
        "<math",
        "law: exact to rounding",
        "Errors on held-out rows",
        "<svg",
        "x1/x2</td>",
    ):
        assert part in shown
    marked = re.findall(r'<tr class="chosen"[^>]*>(.*?)</tr>', shown)
    assert len(marked) == 2  # of the ways, and of the front
    assert "(chosen)" in marked[0]
    assert "x1/x2" in marked[1]
    assert "<h2>Why" not in shown
    assert "Fidelity on held-out rows" in NEURON._repr_html_()


def test_notebooks_do_without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("closedform.reports.page.available", lambda: False)
    assert "<svg" not in FOUND._repr_html_()
    assert "<svg" not in NEURON._repr_html_()


def test_pictures() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    assert len(FOUND.plot().axes) == 1
    labels = [axes.get_ylabel() for axes in FOUND.plot(X, Y, name="z").axes]
    assert labels == ["loss", "predicted z", "actual - predicted z"]
    assert NEURON.plot().get_ylabel() == "neuron f"
    pyplot.close("all")
    with pytest.raises(InputError, match="X, y: only one of them is given"):
        FOUND.plot(X)
