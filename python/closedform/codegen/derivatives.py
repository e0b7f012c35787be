"""Gradient and Hessian of a formula as nodes of its graph, by the chain rule in both directions.

Reverse mode costs a few times the value however many inputs there are; forward mode may share more
where there are few. Griewank and Walther, Evaluating Derivatives (SIAM 2008), chapter 3. Nothing is
expanded, so no term appears that could cancel against another; slopes of operators are those of
cpp/include/closedform/core/operator_list.hpp.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from closedform import _core
from closedform.codegen.graph import OPERATORS, Graph, of_tape

# What a slope's text is written in: the operands and the value.
_SLOPE_NAMES = ("a", "b", "v")


@dataclass(frozen=True)
class Derivatives:
    """Numbers of nodes.

    Attributes:
        value: the formula's.
        gradient: by every input; empty if not asked for.
        hessian: rows of the full matrix; empty if not asked for.
    """

    value: int
    gradient: tuple[int, ...] = ()
    hessian: tuple[tuple[int, ...], ...] = ()

    def all(self) -> list[int]:
        return [self.value, *self.gradient, *itertools.chain(*self.hessian)]


def derivatives(graph: Graph, value: int, inputs: Sequence[int], order: int) -> Derivatives:
    """The derivatives up to `order` (0, 1 or 2) by `inputs`, by whichever modes cost least."""
    if order == 0:
        return Derivatives(value)
    modes: tuple[Callable[[Graph, int, Sequence[int]], list[int]], ...] = (_reverse, _forward)
    found = []
    for mode in modes:
        gradient = tuple(mode(graph, value, inputs))
        if order == 1:
            found.append(Derivatives(value, gradient))
            continue
        for second in modes:
            # The matrix is symmetric: row i from its diagonal on.
            upper = [second(graph, g, inputs[i:]) for i, g in enumerate(gradient)]
            size = range(len(inputs))
            hessian = tuple(tuple(upper[min(i, j)][abs(i - j)] for j in size) for i in size)
            found.append(Derivatives(value, gradient, hessian))
    return min(found, key=lambda choice: _cost(graph, choice))


def _cost(graph: Graph, choice: Derivatives) -> int:
    return sum(_operation_cost(graph.nodes[n].op) for n in graph.reachable(choice.all()))


def _operation_cost(op: str) -> int:
    if op in ("constant", "variable"):
        return 0
    return OPERATORS[op].cost if op in OPERATORS else 1


def _reverse(graph: Graph, root: int, inputs: Sequence[int]) -> list[int]:
    zero = graph.constant(0.0)
    moving = _moving(graph, root, inputs)
    adjoint = {root: graph.constant(1.0)}
    for number in sorted(moving, reverse=True):
        if number in inputs or number not in adjoint:
            continue
        for k, operand in enumerate(graph.nodes[number].operands):
            if operand in moving:
                part = slope(graph, number, k, adjoint[number])
                adjoint[operand] = graph.add(adjoint.get(operand, zero), part)
    return [adjoint.get(number, zero) if number in moving else zero for number in inputs]


def _forward(graph: Graph, root: int, inputs: Sequence[int]) -> list[int]:
    zero = graph.constant(0.0)
    result = []
    for moved in inputs:
        moving = _moving(graph, root, [moved])
        tangent = {moved: graph.constant(1.0)}
        for number in sorted(moving - {moved}):
            total = zero
            for k, operand in enumerate(graph.nodes[number].operands):
                if operand in moving:
                    total = graph.add(total, slope(graph, number, k, tangent[operand]))
            tangent[number] = total
        result.append(tangent[root] if moved in moving else zero)
    return result


def _moving(graph: Graph, root: int, inputs: Sequence[int]) -> set[int]:
    """The nodes below root that change with one of the inputs."""
    moving: set[int] = set()
    for number in graph.reachable([root]):
        if number in inputs or any(o in moving for o in graph.nodes[number].operands):
            moving.add(number)
    return moving


def slope(graph: Graph, number: int, k: int, g: int) -> int:
    """g times the derivative of a node by its operand k."""
    if graph.is_constant(g, 0.0):
        return g
    node = graph.nodes[number]
    a = node.operands[0]
    b = node.operands[-1]
    match node.op:
        case "neg":
            return graph.neg(g)
        case "inv":
            # In this order: if g is a numerator, g times the reciprocal is the quotient there is.
            return graph.neg(graph.mul(graph.mul(g, number), number))
        case "div":  # by a constant
            return graph.div(g, b)
        case "power" if node.value < 0:
            # Not by way of a**n, which may be infinite where this is 0 and has the slope 0.
            by_a = graph.mul(graph.constant(node.value), graph.mul(number, graph.inv(a)))
            return graph.mul(g, by_a)
        case "power":
            n = int(node.value)
            return graph.mul(graph.mul(graph.constant(float(n)), graph.power(a, n - 1)), g)
        case "pow" if k == 1 and not (graph.is_constant(a) and graph.nodes[a].value > 0.0):
            # 0^b is 0 for every b > 0: no slope, where value * log(a) would be 0 * inf.
            by_right = _slope_of_operator(graph, number, k)
            return graph.mul(g, graph.call("zero_where", number, by_right))
        case "pow" if k == 0 and not graph.is_constant(b):
            # a^0 is 1 at 0, too, where exponent * a^-1 would be 0 * inf.
            by_left = _slope_of_operator(graph, number, k)
            return graph.mul(g, graph.call("zero_where", b, by_left))
        case "zero_where":
            return graph.constant(0.0) if k == 0 else graph.call("zero_where", a, g)
        case "clamp":
            return graph.mul(g, graph.limited("inside", a, node.limits))
        case "inside":  # constant where it has a derivative
            return graph.constant(0.0)
        case _:
            return graph.mul(_slope_of_operator(graph, number, k), g)


def _slope_of_operator(graph: Graph, number: int, k: int) -> int:
    node = graph.nodes[number]
    inputs = (node.operands[0], node.operands[-1], number)
    return of_tape(graph, _slope_tape(node.op, k), inputs)


@cache
def _slope_tape(op: str, k: int) -> list[tuple[str, int, float]]:
    return _core.Expression(OPERATORS[op].slopes[k], _SLOPE_NAMES).nodes
