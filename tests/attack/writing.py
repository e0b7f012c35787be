"""Attacks on formulas: their text, code, sympy and pickle."""

from __future__ import annotations

import math
import pickle

import numpy as np
from tests.attack import drawing
from tests.attack.outcomes import Attack, Wrong, check_formulas, ensure

import closedform as cf

CONSTANTS = ("0", "1", "2", "0.5", "1e-300", "1e300", "9", "3.141592653589793", "5e-324", "1e22")


def text_of(a: Attack, names: list[str], depth: int) -> str:
    """A random expression."""
    if depth == 0 or a.chance(0.15):
        return str(a.one([*names, *names, *CONSTANTS]))
    inner = text_of(a, names, depth - 1)
    name = a.one(drawing.OPERATORS)
    if name in ("+", "-", "*", "/"):
        return f"({inner}) {name} ({text_of(a, names, depth - 1)})"
    if name in ("pow", "max", "min"):
        return f"{name}({inner}, {text_of(a, names, depth - 1)})"
    if name == ">":
        return f"({inner} > {text_of(a, names, depth - 1)})"
    return a.one([f"{name}({inner})", f"-({inner})", f"({inner})**{a.one([2, 3, -1, 0, 999])}"])


def _broken(a: Attack, text: str) -> str:
    at = int(a.rng.integers(len(text) + 1))
    piece = a.one(
        ["", "(", ")", ",", "**", "1e", "e400", "\0", "\n", "α", "\ud800", ">", "((" * 999]
    )
    return text[:at] + piece + text[at + int(a.rng.integers(3)) :]


def formula(a: Attack) -> None:
    names = drawing.names(a, 3)
    text = text_of(a, names, int(a.rng.integers(5)))
    if a.chance(0.3):
        text = _broken(a, text)
    if a.chance(0.1):
        names = [*drawing.labels(a, 2), a.one(["x3", "\ud800", "\0"])]
    a.note(text=text, names=[ascii(name)[:20] for name in names])
    found = cf.Formula(text, names)
    again = cf.Formula(found.text, names)
    ensure(again.text == found.text, f"{found.text} reads back as {again.text}")
    X = a.rng.uniform(-2, 2, (8, 3)) * a.one([1.0, 1.0, 1e-300, 1e200])
    value = found(X)
    ensure(np.array_equal(again(X), value, equal_nan=True), f"other values: {found.text}")
    ensure(found.gradient(X).shape == (8, 3), "gradient's shape")
    ensure(found.hessian(X).shape == (8, 3, 3), "Hessian's shape")
    pickled = pickle.loads(pickle.dumps(found))
    ensure((pickled.text, pickled.names) == (found.text, found.names), "another after pickle")
    a.one([_code, _python, _sympy, _refit, _saved])(a, found, X, value)


def _code(a: Attack, found: cf.Formula, X: np.ndarray, value: np.ndarray) -> None:
    language = a.one(["c", "c++", "cuda", "fortran", "julia", "numpy", "jax", "torch"])
    ranges = dict.fromkeys(found.names, (-1.0, 1.0))
    outside = a.one([None, "clamp", "flag"])
    name = a.one(["formula", "sin", "double", "end", "f_1", "1f", "α"])
    units = {found.names[0]: a.one(["m/s", "*/", "\n", "°C", "\\", '"""', "x" * 300])}
    code = found.code(language, a.one([0, 1, 2]), name=name, ranges=ranges, units=units,
                      outside=outside)  # fmt: skip
    ensure("inf" not in code.split("value =")[-1].lower().split(), "inf in the code")


def _python(a: Attack, found: cf.Formula, X: np.ndarray, value: np.ndarray) -> None:
    scope: dict[str, object] = {}
    exec(found.code("numpy"), scope)
    with np.errstate(all="ignore"):
        said = np.broadcast_to(scope["formula"](*X.T), value.shape)  # type: ignore[operator]
    # What rounding of an input or a constant does to the value.
    by_inputs = np.abs(found.gradient(X) * X).sum(axis=1)
    own = found._expression
    by_constants = np.abs(own.constant_slopes(X, 1) * np.array(own.constants)).sum(axis=1)
    for i, steep in enumerate(by_inputs + by_constants):
        if not (math.isfinite(steep) and math.isfinite(value[i]) and steep < 1e6 * abs(value[i])):
            continue
        if not math.isclose(said[i], value[i], rel_tol=1e-6, abs_tol=1e-300):
            raise Wrong(f"numpy says {said[i]!r}, we {value[i]!r} at {X[i]}: {found.text}")


def _sympy(a: Attack, found: cf.Formula, X: np.ndarray, value: np.ndarray) -> None:
    ensure(found.sympy().free_symbols is not None, "no symbols")
    ensure(found.latex(), "no LaTeX")


def _refit(a: Attack, found: cf.Formula, X: np.ndarray, value: np.ndarray) -> None:
    y = drawing.target(a, X)
    fitted = found.refit(drawing.table(a, X), y, drawing.weights(a, len(X)), snap=a.chance(0.5))
    check_formulas([fitted], found.complexity + 4)
    simple = found.simplified(found.operators)
    ensure(simple.operators <= found.operators, f"{sorted(simple.operators)}: {simple.text}")


def _saved(a: Attack, found: cf.Formula, X: np.ndarray, value: np.ndarray) -> None:
    path = a.folder / "front.json"
    front = cf.Front([found, cf.Formula(found.text, found.names, 1.0)], best=0)
    front.save(path)
    again = cf.Front.load(path)
    ensure([f.text for f in again] == [f.text for f in front], "other texts after load")
    ensure(again.best.names == found.names, "other names after load")
    repr(again.frame())
    str(again)
