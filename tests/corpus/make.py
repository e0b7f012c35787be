"""Writes the corpus of this version's files, tests/corpus/version1: `python tests/corpus/make.py`.

Every later closedform must still read them and give the values that lie beside them (NAME.txt:
number of inputs and of rows; the names, one a line; then for every row its inputs, the value, the
gradient and the Hessian). So this is run once for a version of the formats, never to make a test
pass.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas

import closedform as cf
from closedform.formulas.front import VERSION

HERE = Path(__file__).parent / f"version{VERSION}"
Floats = npt.NDArray[np.float64]


def write(name: str, model: cf.Surrogate | cf.Formula | cf.Front, X: Floats) -> None:
    if isinstance(model, cf.Surrogate):
        model.save(HERE / f"{name}.npz")
        value, gradient, hessian = model.predict(X), model.gradient(X), model.hessian(X)
        names = model.names
    else:
        model.save(HERE / f"{name}.json")
        formula = model.best if isinstance(model, cf.Front) else model
        value, gradient, hessian = formula(X), formula.gradient(X), formula.hessian(X)
        names = formula.names
    lines = [f"{X.shape[1]} {len(X)}", *names]
    for row in zip(X, value, gradient, hessian, strict=True):
        numbers = np.concatenate([np.ravel(part) for part in row])
        lines.append(" ".join(repr(float(number)) for number in numbers))
    (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def surrogates(rng: np.random.Generator) -> None:
    X = rng.uniform(-1, 2, (400, 3))
    X[:, 2] = rng.integers(0, 4, 400)
    y = np.exp(-(X[:, 0] ** 2)) * (1 + X[:, 1]) + np.sqrt(X[:, 2]) * X[:, 0]
    inside, around = X[:20], rng.uniform(-2, 5, (20, 3))
    small = {"modes": 3, "segments": 6, "smoothing": 0.0}
    for outside, rows in (("linear", around), ("clamp", around), ("error", inside)):
        write(f"outside_{outside}", cf.Surrogate(outside=outside, **small).fit(X, y), rows)
    table = pandas.DataFrame(X, columns=[0.5, 1e-7, 2.0])
    write("float_names", cf.Surrogate(patch=3, degree=2, **small).fit(table, y), around)
    unicode = cf.Surrogate(patch=1, degree=1, **small).fit(X, y)
    unicode.names = (
        "Länge in mm",
        "温度",
        "",
    )  # tables make names of formulas; the format can more
    write("unicode_names", unicode, around)
    write("one_input", cf.Surrogate(modes=1, segments=9).fit(X[:, :1], y), around[:, :1])
    write("piecewise_linear", cf.Surrogate(patch=0, degree=0, **small).fit(X, y), around)


def fronts(rng: np.random.Generator) -> None:
    X = rng.uniform(0.2, 3, (20, 3))
    names = ("x", "y", "z")
    texts = ["y", "exp(-x) + 0.1", "x*y/(z + 1.25) - 3.5e-07*sin(x)"]
    losses = [2.5, float("nan"), 1e-30]
    formulas = [cf.Formula(t, names, loss) for t, loss in zip(texts, losses, strict=True)]
    write("front", cf.Front(formulas, best=2, stopped="exact", evaluations=1234, seconds=0.5), X)
    write("front_best_first", cf.Front(formulas, best=0), X)
    write("front_null_loss", cf.Front(formulas, best=1), X)
    every = (
        "sin(x) - cos(y) + tan(z/4)*exp(-x) + log(y)*sqrt(z) + x**2 - y**3 + abs(z - 1) + tanh(x)"
        " + inv(y) + pow(x, 1.5) + pow(y, z)"
    )
    write("all_operators", cf.Formula(every, names, 0.25), X)
    write("unicode_formula", cf.Formula("λ*Länge - 温度**2", ("Länge", "温度", "λ"), 0.0), X)
    ranges = ((0.2, 3.0), (-1.5, 1e300), (0.0, 0.0))
    write("ranges", cf.Formula("x + y*z", names, 0.5, ranges), X)
    write("one_name", cf.Formula("1/(1 + t**2)", ("t",), 1e-300), X[:, :1])
    # Where it is not defined, and where a slope is infinite: not a number stays not a number.
    edge = np.array([[0.0, 1.0, 1.0], [-1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1e200, 1e200, 1e200]])
    write("not_defined", cf.Formula("sqrt(x) + z/y + x*x*y", names, 1.0), edge)


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    generator = np.random.default_rng(0)
    surrogates(generator)
    fronts(generator)
