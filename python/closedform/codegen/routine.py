"""A formula and its derivatives as statements of one language: what is shared has a name."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from closedform.codegen.derivatives import Derivatives
from closedform.codegen.graph import Graph, Node
from closedform.codegen.reserved import Names

# An operand longer than this gets a name even if it is used once: a statement stays one line.
LONGEST_OPERAND = 40


@dataclass(frozen=True)
class Input:
    """An argument of the routine.

    Attributes:
        name: as the language has it.
        used: whether the formula reads it.
        limits: the training data's range as literals, where it is to be checked; else None.
    """

    name: str
    used: bool
    limits: tuple[str, str] | None


@dataclass(frozen=True)
class Routine:
    """What a language puts its frame around. Texts are expressions of that language.

    Attributes:
        name: the function's.
        comment: lines that explain it.
        inputs: in the order of the columns.
        functions: operations the statements call.
        statements: names and what they stand for, in order; the last may be "value".
        value: text.
        gradient: a text per input, or none.
        hessian: rows of texts of the full matrix, or none.
        constant: texts among those three that are plain numbers.
    """

    name: str
    comment: tuple[str, ...]
    inputs: tuple[Input, ...]
    functions: frozenset[str]
    statements: tuple[tuple[str, str], ...]
    value: str
    gradient: tuple[str, ...]
    hessian: tuple[tuple[str, ...], ...]
    constant: frozenset[str]

    @property
    def flags(self) -> bool:
        """Whether it tells if an input lies outside its range."""
        return any(argument.limits is not None for argument in self.inputs)


@dataclass(frozen=True)
class Language:
    """How one language writes things.

    Attributes:
        title: its name in texts.
        reserved: keywords, and names that its frame or its functions use.
        calls: format of every operation that is not + - * /, operands as {0} and {1}, limits as
            {low} and {high}.
        number: a literal that reads back as the same double.
        frame: the routine's complete source.
        case_sensitive: whether `T` and `t` are two names.
    """

    title: str
    reserved: frozenset[str]
    calls: Mapping[str, str]
    number: Callable[[float], str]
    frame: Callable[[Routine], str]
    case_sensitive: bool = True


class _Strength(IntEnum):
    sum, product, atom = 1, 2, 3


@dataclass(frozen=True)
class _Piece:
    text: str
    strength: _Strength

    def at_least(self, wanted: _Strength) -> str:
        return self.text if self.strength >= wanted else f"({self.text})"


def routine(
    graph: Graph,
    wanted: Derivatives,
    language: Language,
    *,
    name: str,
    comment: Sequence[str],
    inputs: Sequence[Input],
    names: Names,
) -> Routine:
    """Writes what is wanted as statements.

    Args:
        graph, wanted: the arithmetic.
        inputs: a named argument per column.
        names: gives names to what is shared.
    """
    graph, wanted = _written_out(graph, wanted)
    roots = wanted.all()
    needed = graph.reachable(roots)
    uses = Counter(operand for n in needed for operand in graph.nodes[n].operands)
    uses.update(roots)
    pieces: dict[int, _Piece] = {}
    statements = []
    temporaries = 0
    for number in needed:
        node = graph.nodes[number]
        piece = _piece(node, [pieces[o] for o in node.operands], language, inputs)
        leaf = node.op in ("constant", "variable")
        if not leaf and number == wanted.value:
            statements.append(("value", piece.text))
            piece = _Piece("value", _Strength.atom)
        elif not leaf and (uses[number] > 1 or len(piece.text) > LONGEST_OPERAND):
            temporaries += 1
            temporary = names.take(f"t{temporaries}")
            statements.append((temporary, piece.text))
            piece = _Piece(temporary, _Strength.atom)
        pieces[number] = piece
    return Routine(
        name=name,
        comment=tuple(comment),
        inputs=tuple(inputs),
        functions=frozenset(graph.nodes[n].op for n in needed) & language.calls.keys(),
        statements=tuple(statements),
        value=pieces[wanted.value].text,
        gradient=tuple(pieces[n].text for n in wanted.gradient),
        hessian=tuple(tuple(pieces[n].text for n in row) for row in wanted.hessian),
        constant=frozenset(pieces[n].text for n in roots if graph.nodes[n].op == "constant"),
    )


def _written_out(graph: Graph, wanted: Derivatives) -> tuple[Graph, Derivatives]:
    """The same in operations that languages have.

    a**5 becomes (a**2)**2 * a, a**2 shared with whoever has it; a product with a reciprocal becomes
    a quotient, for 0 times the reciprocal of a number near 0 is none.
    """
    plain = Graph()
    numbers: dict[int, int] = {}
    needed = graph.reachable(wanted.all())

    def product(a: int, exponent: int) -> int:
        if exponent == 1:
            return a
        half = product(a, exponent // 2) if exponent % 2 == 0 else product(a, exponent - 1)
        return plain.node(Node("mul", (half, half if exponent % 2 == 0 else a)))

    def denominator(node: Node) -> int:
        return product(numbers[node.operands[0]], 1 if node.op == "inv" else -int(node.value))

    for number in needed:
        node = graph.nodes[number]
        operands = tuple(numbers[o] for o in node.operands)
        if _is_reciprocal(node):
            numbers[number] = plain.node(Node("div", (plain.constant(1.0), denominator(node))))
        elif node.op == "power":
            numbers[number] = product(operands[0], int(node.value))
        elif node.op == "mul" and (k := _reciprocal(graph, node)) is not None:
            below = denominator(graph.nodes[node.operands[k]])
            numbers[number] = plain.node(Node("div", (operands[1 - k], below)))
        else:
            numbers[number] = plain.node(Node(node.op, operands, node.value, node.limits))
    return plain, Derivatives(
        numbers[wanted.value],
        tuple(numbers[n] for n in wanted.gradient),
        tuple(tuple(numbers[n] for n in row) for row in wanted.hessian),
    )


def _reciprocal(graph: Graph, product: Node) -> int | None:
    """Which operand of a product is a reciprocal, if one is."""
    for k in (1, 0):
        factor = product.operands[k]
        if _is_reciprocal(graph.nodes[factor]):
            return k
    return None


def _is_reciprocal(node: Node) -> bool:
    return node.op == "inv" or (node.op == "power" and node.value < 0)


def _piece(
    node: Node, operands: Sequence[_Piece], language: Language, inputs: Sequence[Input]
) -> _Piece:
    match node.op:
        case "constant":
            negative = math.copysign(1.0, node.value) < 0
            return _Piece(
                language.number(node.value), _Strength.sum if negative else _Strength.atom
            )
        case "variable":
            return _Piece(inputs[int(node.value)].name, _Strength.atom)
        case "neg":
            return _Piece(f"-{operands[0].at_least(_Strength.product)}", _Strength.sum)
        case "add" | "sub":
            sign = "+" if node.op == "add" else "-"
            left, right = operands
            return _Piece(f"{left.text} {sign} {right.at_least(_Strength.product)}", _Strength.sum)
        case "mul" | "div":
            sign = "*" if node.op == "mul" else "/"
            left, right = operands
            text = f"{left.at_least(_Strength.product)}{sign}{right.at_least(_Strength.atom)}"
            return _Piece(text, _Strength.product)
        case _:
            low, high = (language.number(limit) for limit in node.limits)
            texts = [operand.text for operand in operands]
            return _Piece(
                language.calls[node.op].format(*texts, low=low, high=high), _Strength.atom
            )
