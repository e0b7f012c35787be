"""Gradient and Hessian of a formula as nodes of its graph, by the chain rule in both directions.

Reverse mode costs a few times the value however many inputs there are; forward mode may share more
where there are few. Griewank and Walther, Evaluating Derivatives (SIAM 2008), chapter 3. Nothing is
expanded, so no term appears that could cancel against another; every slope is the one that
cpp/src/kernels/operators.hpp has.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from closedform.codegen.graph import Graph

# About what an operation costs, in additions; a square root and a quotient wait for the divider.
_COST = {"inv": 5, "div": 5, "sqrt": 6, "pow": 50, "constant": 0, "variable": 0}
_FUNCTION_COST = dict.fromkeys(("sin", "cos", "tan", "exp", "log", "tanh"), 20)


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
    costs = _COST | _FUNCTION_COST
    return sum(costs.get(graph.nodes[n].op, 1) for n in graph.reachable(choice.all()))


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
        case "add":
            return g
        case "sub":
            return g if k == 0 else graph.neg(g)
        case "neg":
            return graph.neg(g)
        case "mul":
            return graph.mul(g, b if k == 0 else a)
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
        case "pow" if k == 0:
            lower = graph.pow(a, graph.sub(b, graph.constant(1.0)))
            return graph.mul(graph.mul(b, lower), g)
        case "pow":
            by_right = graph.mul(number, graph.call("log", a))
            if graph.is_constant(a) and graph.nodes[a].value > 0.0:
                return graph.mul(g, by_right)
            # 0^b is 0 for every b > 0: no slope, where value * log(a) would be 0 * inf.
            return graph.mul(g, graph.call("zero_where", number, by_right))
        case "sin":
            return graph.mul(g, graph.call("cos", a))
        case "cos":
            return graph.neg(graph.mul(g, graph.call("sin", a)))
        case "tan":
            return graph.mul(g, graph.add(graph.power(number, 2), graph.constant(1.0)))
        case "exp":
            return graph.mul(g, number)
        case "log":
            return graph.div(g, a)
        case "sqrt":
            return graph.div(graph.mul(graph.constant(0.5), g), number)
        case "tanh":
            return graph.mul(g, graph.sub(graph.constant(1.0), graph.power(number, 2)))
        case "abs":
            return graph.mul(g, graph.call("sign", a))
        case "zero_where":
            return graph.constant(0.0) if k == 0 else graph.call("zero_where", a, g)
        case "clamp":
            return graph.mul(g, graph.limited("inside", a, node.limits))
        case _:  # "sign" and "inside" are constant where they have a derivative
            return graph.constant(0.0)
