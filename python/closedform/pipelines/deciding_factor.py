"""A classifier's rule is one factor of its formula, where the others have one sign.

Above the threshold 0 a product is where the factor that changes its sign is: of positive inputs
(x1*x2 - r^2)/(x1 + x2) > 0 says x1*x2 > r^2. Within its band, which is wide, a network's gradients
may be nearer to those of the quotient; its decisions are those of both.
"""

from __future__ import annotations

import numpy as np

from closedform import _core
from closedform._typing import Floats
from closedform.formulas.formula import Formula


def deciding_factor(formula: Formula, X: Floats, operators: tuple[str, ...]) -> Formula | None:
    """The part of a product, quotient or cube that is positive where the whole is.

    Args:
        X: (n, d) rows; the whole is defined at some.
        operators: that the formula may be written with.

    Returns:
        None where no factor can be left out, or all.
    """
    expression = formula._expression
    found = _factors(expression)
    values = expression.node_values(X, found)
    values = values[np.isfinite(values).all(axis=1)]
    sign, kept = 1, []
    for node, column in zip(found, values.T, strict=True):
        if np.all(column > 0):
            continue
        if np.all(column < 0):
            sign = -sign
        else:
            kept.append(expression.part(node).text(list(formula.names)))
    if not kept:
        return None
    product = "*".join(f"({text})" for text in kept)
    part = Formula(product if sign > 0 else f"-({product})", formula.names).simplified(operators)
    return part if part.complexity < formula.complexity else None


def _factors(expression: _core.Expression) -> list[int]:
    """Nodes whose signs together are the whole's: factors, denominators, what is cubed."""
    nodes = expression.nodes
    first = expression.begins  # of what every node is the root of
    found, open_ = [], [len(nodes) - 1]
    while open_:
        node = open_.pop()
        name = nodes[node][0]
        if name in ("*", "/"):
            open_ += [node - 1, first[node - 1] - 1]
        elif name in ("cube", "inv"):
            open_.append(node - 1)
        else:
            found.append(node)
    return found
