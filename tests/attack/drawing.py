"""Tables, targets, names, numbers and settings as users should not give them, and do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from tests.attack.outcomes import Attack

LABELS = (
    *("x1", "x2", "sin", "exp", "E", "I", "S", "N", "Integer", "Float", "Symbol", "lambda", "if"),
    *("a b", "a-b", "a_b", "a b ", "α", "Δx", "ß", "温度", "", " ", "1", "2x", "x\ny", "x\ty", "_"),
    *("pi", "inf", "nan", "None", "True", 'a"b', "a'b", "<b>", "{x}", "%s", "$x$", "x,y", "y;z"),
    *("beta", "gamma", "zeta", "Q", "O", "C", "ln", "x_1", "😀", "\u202ex", "x" * 300),
)
ODD = (np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1.8e308, -1.8e308, 1e-163, 1e154, -9999.0, 2**60)
OPERATORS = (
    *"+ - * / pow sin cos tan exp log sqrt square cube abs tanh inv erf atan asin acos".split(),
    *"sinh cosh log10 sign max min >".split(),
)


def columns(a: Attack, most: int = 5) -> np.ndarray:
    """Rows of numbers, mostly tame."""
    rows = a.one([1, 2, 3, 8, 30, 60, 100]) if a.chance(0.3) else 40
    X = a.rng.uniform(0.2, 3.0, (rows, int(a.rng.integers(1, most + 1))))
    if a.chance(0.1):
        X = X * 10.0 ** a.rng.uniform(-300, 300, X.shape[1])
    if a.chance(0.1):
        X = X * 10.0 ** a.rng.uniform(-100, 100, X.shape[1])
    if a.chance(0.2):
        X = X * 10.0 ** a.rng.uniform(-12, 12, X.shape[1])
    if a.chance(0.3):
        X = X - 1.5 * X.mean(axis=0)
    if a.chance(0.05):
        X[:, 0] = a.one([0.0, 1.0, X[0, -1]])
    if a.chance(0.1):
        X[:, 0] = X[:, -1]
    if a.chance(0.1):
        X = np.round(X)
    if a.chance(0.05):
        X[int(a.rng.integers(len(X))), int(a.rng.integers(X.shape[1]))] = a.one(ODD)
    return X


def target(a: Attack, X: np.ndarray) -> np.ndarray:
    """A law of the columns, noise, or nothing of the kind."""
    with np.errstate(all="ignore"):
        near = np.nan_to_num(X / np.abs(X).max(axis=0), nan=1.0)
        y = near[:, 0] * a.one([2.0, 1e-9, 1e9]) + near[:, -1] ** 2
        y = a.one([y, y, 1 / near[:, 0], np.sin(3 * y), a.rng.normal(size=len(X)), np.abs(y)])
        y = y * (10.0 ** a.rng.uniform(-300, 300) if a.chance(0.1) else 1.0)
    if a.chance(0.05):
        y = np.full(len(X), a.one([0.0, 1.0, 1e-300]))
    if a.chance(0.05):
        y[int(a.rng.integers(len(y)))] = a.one(ODD)
    if a.chance(0.03):
        y = y[: max(1, len(y) - 1)]
    return y


def labels(a: Attack, count: int) -> list[str]:
    return [a.one(LABELS) for _ in range(count)]


def names(a: Attack, count: int) -> list[str]:
    """Names that a formula's text may have."""
    return [f"{a.one(['x', 'E', 'beta', 'I', 'Integer', '_', 'ab'])}{j}" for j in range(count)]


def table(a: Attack, X: np.ndarray) -> Any:
    """The same numbers in one of the ways that they come in."""
    kind = a.one(
        "same same same same same same same same F F F turned strided frame frame frame frame "
        "single wide list int bool "
        "object text big readonly masked polars arrow half complex flat cube one".split()
    )
    a.note(kind=kind)
    if kind in ("frame", "polars", "arrow"):
        found = labels(a, X.shape[1])
        if a.chance(0.8):
            found = list(dict.fromkeys([*found, *LABELS]))[: X.shape[1]]
        a.note(labels=[ascii(label)[:20] for label in found])
        frame = pd.DataFrame(X, columns=found)
        if kind == "frame":
            return frame
        if kind == "polars":
            import polars

            return polars.DataFrame(dict(zip(found, X.T, strict=True)))
        import pyarrow

        return pyarrow.table(list(map(pyarrow.array, X.T)), names=found)
    return _array(kind, X)


def _array(kind: str, X: np.ndarray) -> Any:
    with np.errstate(all="ignore"):
        if kind == "readonly":
            X = X.copy()
            X.setflags(write=False)
            return X
        made = {
            "F": lambda: np.asfortranarray(X),
            "single": lambda: X.astype(np.float32),
            "half": lambda: X.astype(np.float16),
            "strided": lambda: np.repeat(X, 2, axis=1)[:, ::2],
            "wide": lambda: X.astype(np.longdouble),
            "turned": lambda: X[::-1],
            "list": X.tolist,
            "int": lambda: np.nan_to_num(X).clip(-(2.0**62), 2.0**62).astype(np.int64),
            "bool": lambda: np.nan_to_num(X).astype(bool),
            "object": lambda: X.astype(object),
            "text": lambda: X.astype(str),
            "big": lambda: X.astype(">f8"),
            "masked": lambda: np.ma.masked_array(X, np.median(X) < X),
            "complex": lambda: X + 1j,
            "flat": lambda: X[:, 0],
            "cube": lambda: X[None],
            "one": lambda: X[:1],
        }.get(kind)
        return X if made is None else made()


def weights(a: Attack, rows: int) -> np.ndarray | None:
    if a.chance(0.6):
        return None
    w = a.one([np.ones(rows), a.rng.integers(0, 3, rows) * 1.0, a.rng.uniform(0, 1, rows)])
    if a.chance(0.15):
        w = np.zeros(rows)
        w[: a.one([0, 1, 2])] = 1.0
    if a.chance(0.1):
        w = w * a.one([1e-300, 1e300, 1e-80, 1e80, -1.0, np.nan])
    return w


def limits(a: Attack, *, values_only: bool) -> dict[str, Any]:
    """A tiny budget."""
    usable = [name for name in OPERATORS if values_only or name != ">"]
    chosen = a.rng.choice(usable, int(a.rng.integers(1, 7)), replace=False)
    found: dict[str, Any] = {
        "operators": [str(name) for name in chosen],
        "max_size": int(a.one([1, 2, 3, 5, 8, 12])),
        "evaluations": int(a.one([1, 10, 100, 300])),
        "time": 2.0,
        "threads": int(a.one([1, 2])),
        "seed": int(a.rng.integers(1000)),
    }
    if a.chance(0.03):
        found[a.one(found)] = a.one([None, -1, 0, 1.5, "a", np.nan, 10**30, [], 10**400, 1j])
    a.note(**found)
    return found
