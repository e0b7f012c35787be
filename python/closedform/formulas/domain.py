"""Where a formula is defined: conditions on its inputs, and whether the data's box is within."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from closedform import _core
from closedform.formulas.singularities import Finite, finite_in_box

EVERYWHERE = "everywhere"
# What has to hold of an operator's last operand.
NEEDED = {
    "log": ("{} > 0",),
    "log10": ("{} > 0",),
    "sqrt": ("{} >= 0",),
    "asin": ("{} >= -1", "{} <= 1"),
    "acos": ("{} >= -1", "{} <= 1"),
    "/": ("{} != 0",),
    "inv": ("{} != 0",),
    "tan": ("cos({}) != 0",),
}
# Whether it does for all values between two.
PROVEN: dict[str, Callable[[float, float], bool]] = {
    "{} > 0": lambda low, high: low > 0,
    "{} >= 0": lambda low, high: low >= 0,
    "{} != 0": lambda low, high: low > 0 or high < 0,
    "{} >= -1": lambda low, high: low >= -1,
    "{} <= 1": lambda low, high: high <= 1,
    "cos({}) != 0": lambda low, high: -math.pi / 2 < low and high < math.pi / 2,
}


@dataclass(frozen=True)
class Domain:
    """Where a formula is defined.

    Attributes:
        conditions: on the inputs, such as "x1 > 0" or "x1 - 2 != 0"; all have to hold. Those that
            interval arithmetic proves for all numbers are left out.
        finite: whether it is finite in the ranges of the data it was found in: "proven" by interval
            arithmetic, "not proven", or "no" where a point without a value was met; None where the
            ranges are not known.

    Example:
        >>> import closedform as cf
        >>> print(cf.Formula("log(x - 2)/y", ["x", "y"]).domain)
        x - 2 > 0 and y != 0
    """

    conditions: tuple[str, ...]
    finite: Finite | None

    def __str__(self) -> str:
        where = " and ".join(self.conditions) or EVERYWHERE
        told = {
            "proven": "; proven finite in the ranges of the data",
            "not proven": "; not proven finite in the ranges of the data",
            "no": "; without a value somewhere in the ranges of the data",
        }
        return where + ("" if self.finite is None else told[self.finite])


def domain_of(
    expression: _core.Expression,
    names: Sequence[str],
    ranges: Sequence[tuple[float, float]] | None,
) -> Domain:
    """The domain of an expression; ranges: (low, high) of every input, where they are known."""
    conditions: dict[str, None] = {}
    for i, (name, _, _) in enumerate(expression.nodes):
        for part, condition in _needs(expression, i, name):
            low, high, _ = part.interval([-math.inf] * len(names), [math.inf] * len(names))
            if not PROVEN[condition](low, high):
                conditions[condition.format(part.text(list(names)))] = None
    finite: Finite | None = None
    if ranges is not None:
        box = np.array(ranges, dtype=np.float64).reshape(-1, 2)
        finite = finite_in_box(expression, box[:, 0].copy(), box[:, 1].copy())
    return Domain(tuple(conditions), finite)


def _needs(
    expression: _core.Expression, node: int, name: str
) -> list[tuple[_core.Expression, str]]:
    """Parts, and what has to hold of them for a node to have a value."""
    if name in NEEDED:
        operand = expression.part(node - 1)
        return [(operand, condition) for condition in NEEDED[name]]
    if name != "pow":
        return []
    exponent = expression.part(node - 1)
    base = expression.part(node - 1 - exponent.complexity)
    kind, _, value = exponent.nodes[-1]
    if kind != "constant":
        return [(base, "{} > 0")]
    if value == round(value):
        return [(base, "{} != 0")] if value < 0 else []
    return [(base, "{} >= 0" if value > 0 else "{} > 0")]
