"""Source code of a formula in a language of the user's choice."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from closedform import _core
from closedform.codegen.comments import InputRanges, check_columns, input_lines, plain
from closedform.codegen.derivatives import Derivatives, derivatives
from closedform.codegen.graph import Graph, of_tape
from closedform.codegen.languages import arrays, c, fortran, julia
from closedform.codegen.reserved import Names, argument_name, check_name
from closedform.codegen.routine import Input, Language, routine
from closedform.errors import InputError
from closedform.tables import scalars

LANGUAGES: Mapping[str, Language] = {
    "c": c.C,
    "c++": c.CPP,
    "cuda": c.CUDA,
    "fortran": fortran.FORTRAN,
    "julia": julia.JULIA,
    "numpy": arrays.NUMPY,
    "jax": arrays.JAX,
    "torch": arrays.TORCH,
}
OUTPUTS = ("value", "gradient", "hessian", "outside")


def formula_code(
    expression: _core.Expression,
    columns: Sequence[str],
    language: str,
    derivatives_up_to: int,
    *,
    name: str,
    ranges: InputRanges,
    units: Mapping[str, str],
    outside: str | None,
    numbers: Sequence[str] = (),
) -> str:
    """See `Formula.code`; numbers: what the comment says of those in it, a line each."""
    chosen = _language(language)
    derivatives_up_to = scalars.whole(derivatives_up_to, "derivatives", 0, 2)
    if outside is not None:
        scalars.choice(outside, "outside", ("clamp", "flag"))
    if not columns:
        raise InputError("formula: has no inputs; there is no function to write")
    names = Names(chosen.reserved | set(OUTPUTS), case_sensitive=chosen.case_sensitive)
    check_name(scalars.text(name, "name"), names, chosen.title)
    check_columns("ranges", ranges, columns)
    check_columns("units", units, columns)
    if outside is not None and (unknown := [c for c in columns if c not in ranges]):
        raise InputError(f"outside: the range of {unknown[0]!r} is not known; give it in ranges")
    _check_ranges(ranges)
    for taken in (name, f"{name}_module"):
        names.take(taken)
    arguments = [names.take(argument_name(column)) for column in columns]

    graph = Graph()
    variables = [graph.variable(i) for i in range(len(columns))]
    read = variables
    if outside == "clamp":
        read = [
            graph.limited("clamp", v, ranges[c]) for v, c in zip(variables, columns, strict=True)
        ]
    root = of_tape(graph, expression.nodes, read)
    wanted = derivatives(graph, root, variables, derivatives_up_to)
    used = set(graph.reachable(wanted.all()))
    inputs = [
        Input(
            argument,
            used=variable in used,
            limits=_limits(chosen, ranges[column]) if outside == "flag" else None,
        )
        for argument, variable, column in zip(arguments, variables, columns, strict=True)
    ]
    comment = _comment(
        expression.text(list(columns)), columns, arguments, ranges, units, outside, wanted, numbers
    )
    written = routine(graph, wanted, chosen, name=name, comment=comment, inputs=inputs, names=names)
    return chosen.frame(written)


def _language(language: str) -> Language:
    try:
        return LANGUAGES[language.lower()]
    except (KeyError, AttributeError):
        raise InputError(
            f"language: {language!r} is unknown; known are {', '.join(LANGUAGES)}"
        ) from None


def _check_ranges(ranges: InputRanges) -> None:
    for column, pair in ranges.items():
        if not isinstance(pair, Iterable) or len(list(pair)) != 2:
            raise InputError(f"ranges: {column!r} has no two ends; give (low, high)")
        low, high = (scalars.real(end, f"ranges: {column!r}") for end in pair)
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise InputError(f"ranges: {column!r} has ({low:g}, {high:g}); give finite low <= high")


def _limits(language: Language, limits: tuple[float, float]) -> tuple[str, str]:
    return language.number(float(limits[0])), language.number(float(limits[1]))


def _comment(
    text: str,
    columns: Sequence[str],
    arguments: Sequence[str],
    ranges: InputRanges,
    units: Mapping[str, str],
    outside: str | None,
    wanted: Derivatives,
    numbers: Sequence[str],
) -> list[str]:
    """What a reader of the code must know of where it comes from."""
    lines = textwrap.wrap(
        f"value = {text}",
        90,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    lines += ["", f"Written by closedform {_core.build_info()['version']}. Inputs, in order:"]
    lines += input_lines(columns, arguments, ranges, units)
    if numbers:
        lines += ["Numbers, in order:", *(f"  {plain(number)}" for number in numbers)]
    if wanted.gradient:
        lines.append("gradient: derivatives of the value by the inputs, in that order.")
    if wanted.hessian:
        lines.append("hessian: second derivatives, the full symmetric matrix.")
    if outside == "clamp":
        lines.append("An input outside its range counts as the range's end; its slope is 0 there.")
    if outside == "flag":
        lines.append("outside: true where an input lies outside its range, or is not a number.")
    return lines
