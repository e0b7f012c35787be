"""Functions of functions that can imitate anything, and hardly a law is made of."""

from __future__ import annotations

from closedform import _core

# Nats that each costs beside its nodes.
TOWER = 4.0
PLAIN = frozenset({"+", "-", "*", "constant", "variable"})
RISING = frozenset({"exp", "log", "log10", "tanh", "sinh", "cosh", "erf", "atan"})


def towers(expression: _core.Expression) -> int:
    """How many nodes are an oscillation of what is no sum of products of inputs, as cos(1/x) is, or
    another transcendental function with an oscillation, or with one of its own kind, in it.

    Waves go with sums of products, k x - w t; what grows grows with powers. Of the towers above
    these, one node takes the place of many: cos(sin(sin(x))).
    """
    found = 0
    kinds: list[frozenset[str]] = []  # of what is in the operands that wait
    for name, _, _ in expression.written_out().nodes:
        operator = _core.OPERATORS.get(name)
        below: frozenset[str] = frozenset()
        for _ in range(0 if operator is None else operator.operands):
            below |= kinds.pop()
        if operator is not None and operator.periodic:
            found += not below <= PLAIN
        elif name in RISING:
            found += name in below or any(_core.OPERATORS[n].periodic for n in below - _LEAVES)
        kinds.append(below | {name})
    return found


_LEAVES = frozenset({"constant", "variable"})
