"""Julia."""

from __future__ import annotations

import math

from closedform import _core
from closedform.codegen.routine import Language, Routine

# Julia throws where other languages give NaN; so that a formula has no value there, and does not
# end a simulation, these stand in front.
_GUARDS = {
    name: operator.julia_guard for name, operator in _core.OPERATORS.items() if operator.julia_guard
}

_RESERVED = frozenset(
    "baremodule begin break catch const continue do else elseif end export false finally for "
    "function global if import let local macro module public quote return struct true try using "
    "while abstract mutable primitive type where in isa outer NaN Inf clamp isfinite "
    "isinteger im pi e ccall Base".split()
).union(_core.OPERATORS, (f"{name}_" for name in _GUARDS))

_CALLS = {name: operator.julia for name, operator in _core.OPERATORS.items() if operator.julia} | {
    "zero_where": "({0} == 0.0 ? 0.0 : {1})",
    "clamp": "clamp({0}, {low}, {high})",
    "inside": "({low} <= {0} <= {high} ? 1.0 : 0.0)",
}


def _literal(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "Inf" if value > 0 else "-Inf"


def _tuple(texts: tuple[str, ...]) -> str:
    return f"({', '.join(texts)},)"


def _frame(routine: Routine) -> str:
    arguments = ", ".join(argument.name for argument in routine.inputs)
    body = [_GUARDS[op] for op in sorted(_GUARDS.keys() & routine.functions)]
    body += [f"{name} = {text}" for name, text in routine.statements]
    outputs = [routine.value]
    if routine.gradient:
        body.append(f"gradient = {_tuple(routine.gradient)}")
        outputs.append("gradient")
    if routine.hessian:
        body += ["hessian = (", *(f"    {_tuple(row)}," for row in routine.hessian), ")"]
        outputs.append("hessian")
    if routine.flags:
        inside = " && ".join(
            f"{argument.limits[0]} <= {argument.name} <= {argument.limits[1]}"
            for argument in routine.inputs
            if argument.limits is not None
        )
        body.append(f"outside = !({inside})")
        outputs.append("outside")
    lines = [
        *(f"# {line}".rstrip() for line in routine.comment),
        f"function {routine.name}({arguments})",
        *(f"    {line}" for line in body),
        f"    return {', '.join(outputs)}",
        "end",
        "",
    ]
    return "\n".join(lines)


JULIA = Language("Julia", _RESERVED, _CALLS, _literal, _frame)
