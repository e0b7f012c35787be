"""How formulas and fronts show themselves: in a line, in notebooks, in pictures."""

from __future__ import annotations

import numpy as np
import pytest

import closedform as cf
from closedform.errors import InputError

X = np.random.default_rng(0).uniform(1.0, 2.0, (30, 2))
LAW = cf.Formula("x1/x2", ["x1", "x2"], 0.5)
FRONT = cf.Front([cf.Formula("1.5", ["x1", "x2"], 2.0), LAW], best=1, stopped="time")


def test_latex() -> None:
    assert LAW._repr_latex_() == r"$\displaystyle \frac{x_{1}}{x_{2}}$"
    assert cf.Formula("max(sqrt(-1), x1)", ["x1"])._repr_latex_() is None  # sympy has no form of it


def test_reprs_are_short() -> None:
    long = cf.Formula(" + ".join(f"sin({k}.5*x1)" for k in range(40)), ["x1"])
    assert repr(LAW) == "Formula('x1/x2', complexity=3, loss=0.5)"
    assert len(repr(long)) < 130
    assert repr(FRONT) == "Front(2 formulas, best='x1/x2', stopped='time')"
    assert len(repr(cf.Front([long]))) < 130


def test_the_chosen_row_of_the_table_is_marked() -> None:
    head, first, second = FRONT._repr_html_().split("<tr")[1:]
    assert "<th>complexity</th><th>loss</th><th>formula</th>" in head
    assert "chosen" not in first
    assert second.startswith(' class="chosen"')
    assert ">x1/x2</td>" in second
    compared = cf.Front([cf.Formula("a > b", ["a", "b"])])
    assert "a &gt; b" in compared._repr_html_()


def test_pictures() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, (left, middle, right) = pyplot.subplots(1, 3)
    assert FRONT.plot(left, loss="mean squared error") is left
    assert left.get_ylabel() == "mean squared error"
    np.testing.assert_array_equal(left.lines[1].get_xydata(), [[3, 0.5]])  # the chosen one
    y = LAW(X) + 0.25
    LAW.plot(X, y, middle, name="force")
    assert middle.get_xlabel() == "actual force"
    np.testing.assert_array_equal(middle.lines[0].get_xydata(), np.column_stack([y, LAW(X)]))
    LAW.plot(X, y, right, kind="residuals")
    np.testing.assert_allclose(right.lines[0].get_ydata(), 0.25)
    pyplot.close(figure)
    root = cf.Formula("sqrt(x1 - 1.5)", ["x1"])
    drawn = root.plot(X[:, :1], X[:, 0]).lines[0].get_xdata()
    assert len(drawn) == np.sum(X[:, 0] >= 1.5)
    pyplot.close("all")
    with pytest.raises(InputError, match="kind: 'both' is unknown"):
        LAW.plot(X, y, kind="both")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="axes: must be matplotlib's Axes, not int"):
        FRONT.plot(3)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="X: the formula is defined at none of its rows"):
        cf.Formula("sqrt(x1 - 9)", ["x1"]).plot(X[:, :1], y)


def test_pictures_need_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("closedform.figures.canvas.available", lambda: False)
    with pytest.raises(InputError, match=r"plot: needs matplotlib; pip install 'closedform\[plots"):
        FRONT.plot()
