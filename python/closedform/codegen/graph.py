"""Arithmetic as a graph in which equal parts are one node: a formula, its gradient, its Hessian.

Nodes are numbered; operands come before what uses them. Making a node that exists gives the one
there is, so what a value and its derivatives have in common is shared without being looked for.
Rules that shorten (0 + a, a*a, signs, like terms) are applied where a node is made; those that
round change a result by a rounding or two of its last digit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from closedform import _core

# Up to this integer exponents become products: more accurate than a power, and faster.
LARGEST_PRODUCT = 16

# Operators that the graph has under names of its own; the others keep theirs.
_OWN_NAMES = {"+": "add", "-": "sub", "*": "mul", "/": "div"}
OPERATORS = {_OWN_NAMES.get(name, name): operator for name, operator in _core.OPERATORS.items()}


@dataclass(frozen=True)
class Node:
    """One operation.

    Attributes:
        op: "constant", "variable", "neg", "add", "sub", "mul", "inv", "div" (by a constant);
            "power" (an integer exponent, in `value`) and "pow" (any); "sin" and the other
            operators of formulas; "zero_where" (0 where the first operand is 0, else the second);
            "clamp" (into `limits`) and "inside" (1 within `limits`, else 0).
        operands: numbers of the nodes it reads.
        value: of a constant; the column of a variable; the exponent of "power".
        limits: of "clamp" and "inside".
    """

    op: str
    operands: tuple[int, ...] = ()
    value: float = 0.0
    limits: tuple[float, float] = (0.0, 0.0)


class Graph:
    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._numbers: dict[tuple[Node, float], int] = {}

    def node(self, node: Node) -> int:
        """The number of this node, which is made if there is none."""
        key = (node, math.copysign(1.0, node.value))  # 0.0 == -0.0, but they are two constants
        if key not in self._numbers:
            self._numbers[key] = len(self.nodes)
            self.nodes.append(node)
        return self._numbers[key]

    def constant(self, value: float) -> int:
        return self.node(Node("constant", value=value))

    def variable(self, column: int) -> int:
        return self.node(Node("variable", value=column))

    def is_constant(self, number: int, value: float | None = None) -> bool:
        node = self.nodes[number]
        return node.op == "constant" and (value is None or node.value == value)

    def call(self, op: str, *operands: int) -> int:
        """The operation; that on constants is done now, whatever comes out (log(-1) is NaN)."""
        if op in OPERATORS and all(self.is_constant(operand) for operand in operands):
            return self.constant(OPERATORS[op].value([self.nodes[o].value for o in operands]))
        return self.node(Node(op, operands))

    def limited(self, op: str, operand: int, limits: tuple[float, float]) -> int:
        """ "clamp" or "inside"."""
        low, high = limits
        return self.node(Node(op, (operand,), limits=(float(low), float(high))))

    # Signs are moved outwards and constants in products are positive, so that a sign ends in a
    # difference or disappears.

    def neg(self, a: int) -> int:
        node = self.nodes[a]
        if node.op == "constant":
            return self.constant(-node.value)
        if node.op == "neg":
            return node.operands[0]
        if node.op == "sub":
            return self.sub(node.operands[1], node.operands[0])
        return self.node(Node("neg", (a,)))

    def _unsigned(self, a: int) -> tuple[bool, int]:
        """Whether a is the negative of the node given with it."""
        node = self.nodes[a]
        if node.op == "neg":
            return True, node.operands[0]
        if node.op == "constant" and node.value < 0:
            return True, self.constant(-node.value)
        return False, a

    def add(self, a: int, b: int) -> int:
        if self.is_constant(a, 0.0):
            return b
        if self.is_constant(b, 0.0):
            return a
        for first, second in ((a, b), (b, a)):
            negative, positive = self._unsigned(second)
            if negative and not self.is_constant(first):
                return self.sub(first, positive)
        (p, x), (q, y) = self._scaled(a), self._scaled(b)
        if x == y and not self.is_constant(x):
            return self.mul(self.constant(p + q), x)
        return self.call("add", a, b)

    def sub(self, a: int, b: int) -> int:
        if self.is_constant(b, 0.0):
            return a
        if self.is_constant(a, 0.0):
            return self.neg(b)
        negative, positive = self._unsigned(b)
        if negative:
            return self.add(a, positive)
        negative, positive = self._unsigned(a)
        if negative and not self.is_constant(b):
            return self.neg(self.add(positive, b))
        (p, x), (q, y) = self._scaled(a), self._scaled(b)
        if x == y and not self.is_constant(x):
            return self.mul(self.constant(p - q), x)
        return self.call("sub", a, b)

    def _scaled(self, a: int) -> tuple[float, int]:
        """a as a constant times a node."""
        node = self.nodes[a]
        if node.op == "mul" and self.is_constant(node.operands[0]):
            return self.nodes[node.operands[0]].value, node.operands[1]
        return 1.0, a

    def mul(self, a: int, b: int) -> int:
        if self.is_constant(a, 0.0) or self.is_constant(b, 0.0):
            return self.constant(0.0)
        if self.is_constant(a, 1.0):
            return b
        if self.is_constant(b, 1.0):
            return a
        (a_negative, a), (b_negative, b) = self._unsigned(a), self._unsigned(b)
        if a_negative or b_negative:
            product = self.mul(a, b)
            return product if a_negative and b_negative else self.neg(product)
        if self.is_constant(b):
            a, b = b, a
        if self.is_constant(a):
            p, x = self._scaled(b)
            folded = self.nodes[a].value * p
            if x != b and 0.0 < abs(folded) < math.inf:
                return self.mul(self.constant(folded), x)
            return self.call("mul", a, b)
        (m, x), (n, y) = self._power_of(a), self._power_of(b)
        if x == y and m + n <= LARGEST_PRODUCT:
            return self.power(x, m + n)
        # A constant stays in front, where another can join it.
        for first, second in ((a, b), (b, a)):
            p, x = self._scaled(first)
            if x != first:
                return self.mul(self.constant(p), self.mul(x, second))
        return self.call("mul", *sorted((a, b)))

    def _power_of(self, a: int) -> tuple[int, int]:
        node = self.nodes[a]
        positive = node.op == "power" and node.value > 0
        return (int(node.value), node.operands[0]) if positive else (1, a)

    def power(self, a: int, exponent: int) -> int:
        """a to an integer that is not 0."""
        if exponent == 1:
            return a
        if exponent == -1:
            return self.inv(a)
        if self.is_constant(a):
            return self.call("pow", a, self.constant(float(exponent)))
        negative, positive = self._unsigned(a)
        if negative:
            even = self.power(positive, exponent)
            return even if exponent % 2 == 0 else self.neg(even)
        return self.node(Node("power", (a,), float(exponent)))

    def div(self, a: int, b: int) -> int:
        """a times the reciprocal of b, which is written as a quotient."""
        if self.is_constant(a, 0.0):
            return a
        if self.is_constant(b):
            (a_negative, a), (b_negative, b) = self._unsigned(a), self._unsigned(b)
            quotient = a if self.is_constant(b, 1.0) else self.call("div", a, b)
            return quotient if a_negative == b_negative else self.neg(quotient)
        return self.mul(a, self.inv(b))

    def inv(self, a: int) -> int:
        negative, positive = self._unsigned(a)
        twice = self.nodes[positive].op == "inv"
        reciprocal = self.nodes[positive].operands[0] if twice else self.call("inv", positive)
        return self.neg(reciprocal) if negative else reciprocal

    def pow(self, a: int, b: int) -> int:
        node = self.nodes[b]
        if node.op == "constant":
            n = node.value
            if n == 0.0:
                return self.constant(1.0)
            if n == 0.5:
                return self.call("sqrt", a)
            if abs(n) <= LARGEST_PRODUCT and n == round(n):
                return self.power(a, round(n))
        return self.call("pow", a, b)

    def reachable(self, roots: Iterable[int]) -> list[int]:
        """The nodes that `roots` need, operands first."""
        needed: set[int] = set()
        waiting = list(roots)
        while waiting:
            number = waiting.pop()
            if number not in needed:
                needed.add(number)
                waiting.extend(self.nodes[number].operands)
        return sorted(needed)


def of_tape(graph: Graph, tape: Sequence[tuple[str, int, float]], inputs: Sequence[int]) -> int:
    """Puts an expression into the graph; gives the number of its root.

    Args:
        tape: postfix nodes as `_core.Expression.nodes` has them.
        inputs: the node that stands for each column.
    """
    stack: list[int] = []
    for op, column, value in tape:
        if op == "constant":
            stack.append(graph.constant(value))
        elif op == "variable":
            stack.append(inputs[column])
        elif _core.OPERATORS[op].operands == 2:
            b, a = stack.pop(), stack.pop()
            stack.append(_binary(graph, op, a, b))
        else:
            stack.append(_unary(graph, op, stack.pop()))
    return stack.pop()


def _binary(graph: Graph, op: str, a: int, b: int) -> int:
    # 0*a and a - a are left as they stand: the formula has no value where a has none.
    vanishing = a == b if op == "-" else graph.is_constant(a, 0.0) or graph.is_constant(b, 0.0)
    rules = {"+": graph.add, "-": graph.sub, "*": graph.mul, "/": graph.div, "pow": graph.pow}
    if op not in rules or (vanishing and op != "+"):
        return graph.call(_OWN_NAMES.get(op, op), a, b)
    return rules[op](a, b)


def _unary(graph: Graph, op: str, a: int) -> int:
    power = _core.OPERATORS[op].power
    return graph.power(a, power) if power else graph.call(op, a)
