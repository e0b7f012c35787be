"""Attacks on what a user tells a search besides numbers: words, units, forms, groups, guesses."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.attack import drawing
from tests.attack.outcomes import Attack, check_formulas, ensure
from tests.attack.writing import text_of

import closedform as cf

# What is no text, number or table where one is expected.
ODD = (None, 1, -1.5, "", "x9", "\ud800", "\0", [], [[]], {}, {"x1": None}, b"x1", 1j, True)
DEFINITIONS = ("sin(x)/x", "sqrt(a**2 + b**2)", "1", "x +", "a*b*c", "own(x)", "x**999", "log(-x)")
UNITS = ("m", "s", "kg*m/s**2", "", "dimensionless", "degC", "parsecs", "m**", "__import__", "%")
TEMPLATES = (
    *("f(x1)", "f(x1)*g(x2)", "f(x1) + f(x2) + p[0]", "f(x1) + D(f, 1)", "p[0]*f(x1)/(1 + f(x1))"),
    *(
        "f(",
        "f()",
        "f(f(x1))",
        "p[-1]",
        "D(f, 3)",
        "f(x1)**f(x2)",
        "x1",
        "2",
        "f(x9)",
        "p[99999999]",
    ),
)


def words(a: Attack) -> None:
    """Operators of one's own, complexities, limits, units, constraints and formulas to begin with,
    any of them odd."""
    X = drawing.columns(a, 3)
    y, told = drawing.target(a, X), drawing.limits(a, values_only=True)
    names = [f"x{j + 1}" for j in range(X.shape[1])]
    said = {
        "operators": _own_operators,
        "complexities": _complexities,
        "limits": _limits,
        "units": _units,
        "constraints": _constraints,
        "start": _start,
        "stop_loss": lambda a, _: a.one([0.0, 1e-3, 1e300]),
    }
    own: dict[str, Any] = {}
    for word in a.rng.choice(list(said), int(a.rng.integers(1, 4)), replace=False):
        own[str(word)] = a.one(ODD) if a.chance(0.08) else said[word](a, names)
    a.note(own=own)
    front = cf.search(X, values=y, **{**told, **own})
    check_formulas(front)
    alone = len(front) == 1 and not front.best.inputs  # a warning says that nothing keeps them
    for formula in front:
        ensure(formula.complexity <= told["max_size"], f"{formula.complexity}: {formula.text}")
        held = alone or "violated" not in formula.checked.values()
        ensure(held, f"violates: {formula.text}")


def _own_operators(a: Attack, names: list[str]) -> Any:
    name = a.one(["own", "sinc", "sin", "x1", "1f", "α", "lambda"])
    return ["+", "*", {name: a.one(DEFINITIONS)}]


def _complexities(a: Attack, names: list[str]) -> Any:
    word = a.one(["+", "*", "sin", "constant", "variable", names[0], "none"])
    return {word: a.one([1, 2, 5, 0, -1, 300, 1.5])}


def _limits(a: Attack, names: list[str]) -> Any:
    return a.one(
        [
            {"depth": a.one([1, 3, 0, 10**6])},
            {"constants": a.one([0, 1, -1])},
            {"operands": {a.one(["sin", "pow", "none"]): a.one([1, (None, 1), (1, 2, 3)])}},
            {"nesting": {"sin": {a.one(["sin", "exp", "none"]): a.one([0, 1, -1])}}},
            {"none": 1},
        ]
    )


def _units(a: Attack, names: list[str]) -> Any:
    found = {name: a.one(UNITS) for name in names if a.chance(0.9)}
    return {**found, a.one(["y", "x9"]): a.one(UNITS)} if a.chance(0.2) else found


def _constraints(a: Attack, names: list[str]) -> Any:
    name = a.one([*names, "x9"])
    number = a.one([0, 1.5, -1e300, np.inf, np.nan])
    return a.one(
        [
            {a.one(["increasing", "decreasing", "convex", "concave"]): a.one([name, [name], 3])},
            {a.one(["positive", "zero_at_zero"]): a.one([True, False, "yes"])},
            {"bounds": a.one([(None, number), (0, 1), (1, 0), number])},
            {"symmetric": a.one([[(names[0], name)], [name], name])},
            {"values": [({name: number}, a.one([number, (0, 1)]))]},
            {"limits": [({name: a.one([np.inf, -np.inf, 0])}, number)]},
        ]
    )


def _start(a: Attack, names: list[str]) -> Any:
    texts = [text_of(a, names, int(a.rng.integers(4))) for _ in range(3)]
    return a.one([texts[0], texts, [*texts, "\ud800"], [cf.Formula("2", names)], [1], {"x1": 1}])


def templates(a: Attack) -> None:
    X = drawing.columns(a, 3)
    y, w = drawing.target(a, X), drawing.weights(a, len(X))
    told = drawing.limits(a, values_only=True)
    template = a.one(ODD) if a.chance(0.05) else a.one(TEMPLATES)
    if a.chance(0.2) and isinstance(template, str):
        template = template.replace("f", text_of(a, ["x1", "f(x1)"], 2), 1)
    a.note(template=template)
    front = cf.search(
        drawing.table(a, X), values=y, weights=w, template=template,
        noise=a.one(["absolute", "auto", "relative"]), **told,
    )  # fmt: skip
    check_formulas(front)
    repr(front)


def groups(a: Attack) -> None:
    X = drawing.columns(a, 3)
    y, told = drawing.target(a, X), drawing.limits(a, values_only=True)
    few = a.rng.integers(0, int(a.one([1, 2, 5, 40])), len(X))
    labels = a.one([few, few.astype(str), few * 1.5, [None] * len(X), list("ab" * len(X)), few[1:]])
    labels = a.one(ODD) if a.chance(0.05) else labels
    a.note(groups=labels)
    front = cf.search(
        X, values=y, groups=labels, weights=drawing.weights(a, len(X)),
        noise=a.one(["absolute", "auto", "relative"]), **told,
    )  # fmt: skip
    check_texts = [formula.text for formula in front]
    ensure(not any("nan" in text or "inf" in text for text in check_texts), str(check_texts))
    repr(front)


def given_form(a: Attack) -> None:
    """A form whose constants are fitted."""
    names = ["x1", "x2"]
    constants = a.one([["A", "B"], ["A"], [], ["x1"], {"A": 1.0, "B": None}, {"A": np.inf}, "A", 3])
    text = text_of(a, [*names, "A", "B"], int(a.rng.integers(1, 4)))
    X = drawing.columns(a, 2)
    y, w = drawing.target(a, X), drawing.weights(a, len(X))
    noise = a.one(["absolute", "relative", "log", "mixed", "robust", "counts", "none"])
    a.note(text=text, constants=constants, noise=noise)
    form = cf.Formula(text, names, constants=constants)
    found = form.fit(drawing.table(a, X), y, w, noise=noise)
    ensure(all(np.isfinite(constant.value) for constant in found.constants), str(found.constants))
    ensure(np.isfinite(found.loss), f"loss {found.loss}")
    repr(found.constants)


def resumed(a: Attack) -> None:
    """A saved state that was damaged: a run goes on from it, or says that it cannot."""
    X = a.rng.uniform(0.5, 2.0, (30, 2))
    y = X[:, 0] * X[:, 1]
    path = a.folder / "state"
    told = {"operators": "+ *", "max_size": 5, "threads": 1, "options": {"resume": path}}
    cf.search(X, values=y, evaluations=500, time=2.0, **told)
    if path.exists() and a.chance(0.8):
        damaged = bytearray(path.read_bytes())
        for _ in range(int(a.rng.integers(1, 4))):
            damaged[int(a.rng.integers(len(damaged)))] = int(a.rng.integers(256))
        path.write_bytes(damaged[: int(a.rng.integers(1, len(damaged) + 1))])
    check_formulas(cf.search(X, values=y, evaluations=1000, time=2.0, **told), 5)
