"""Fortran 2008."""

from __future__ import annotations

import math

from closedform import _core
from closedform.codegen.routine import Language, Routine

LONGEST_LINE = 110  # of the 132 that free form allows
_INDENT = " " * 6

_RESERVED = frozenset(
    "real64 merge ieee_value ieee_quiet_nan ieee_positive_inf ieee_negative_inf ieee_is_nan pow_ "
    "real logical module contains result end".split()
) | frozenset(_core.OPERATORS)

_CALLS = {
    name: operator.fortran for name, operator in _core.OPERATORS.items() if operator.fortran
} | {
    # Not {0} == 0, which compilers warn of.
    "zero_where": "merge(0.0_real64, {1}, {0} >= 0 .and. {0} <= 0)",
    "clamp": "merge({low}, merge({high}, {0}, {0} > {high}), {0} < {low})",
    "inside": "merge(1.0_real64, 0.0_real64, {0} >= {low} .and. {0} <= {high})",
}


# Fortran leaves a negative base with a real exponent undefined.
_POWER = """
   pure elemental function pow_(base, exponent) result(value)
      real(real64), intent(in) :: base, exponent
      real(real64) :: value
      if (base < 0 .and. abs(exponent - anint(exponent)) <= 0) then
         value = (-base)**exponent
         if (modulo(exponent, 2.0_real64) > 0) value = -value
      else
         value = base**exponent
      end if
   end function pow_
"""


def literal(value: float) -> str:
    """The fewest digits that read back as the same double, with its kind."""
    if math.isfinite(value):
        return f"{value!r}_real64"
    kind = "quiet_nan" if math.isnan(value) else "positive_inf" if value > 0 else "negative_inf"
    return f"ieee_value(1.0_real64, ieee_{kind})"


def continued(statement: str, indent: str) -> list[str]:
    """A statement on as many lines as it needs."""
    lines = []
    rest = indent + statement
    while len(rest) > LONGEST_LINE:
        cut = rest.rfind(" ", len(indent) + 4, LONGEST_LINE)
        cut = LONGEST_LINE if cut < 0 else cut
        lines.append(f"{rest[:cut]}&")
        rest = f"{indent}   &{rest[cut:]}"
    return [*lines, rest]


def _frame(routine: Routine) -> str:
    count = len(routine.inputs)
    arguments = [argument.name for argument in routine.inputs]
    is_function = not routine.gradient and not routine.flags
    declarations = [f"real(real64), intent(in) :: {', '.join(arguments)}"]
    if is_function:
        declarations.append("real(real64) :: value")
    else:
        declarations.append("real(real64), intent(out) :: value")
    if routine.gradient:
        declarations.append(f"real(real64), intent(out) :: gradient({count})")
    if routine.hessian:
        declarations.append(f"real(real64), intent(out) :: hessian({count}, {count})")
    if routine.flags:
        declarations.append("logical, intent(out) :: outside")
    temporaries = [name for name, _ in routine.statements if name != "value"]
    declarations += [f"real(real64) :: {', '.join(temporaries)}"] if temporaries else []

    body = [f"{name} = {text}" for name, text in routine.statements]
    body += [f"value = {routine.value}"] if routine.value != "value" else []
    body += [f"gradient({i}) = {text}" for i, text in enumerate(routine.gradient, 1)]
    for i, row in enumerate(routine.hessian, 1):
        body += [f"hessian({i}, {j}) = {text}" for j, text in enumerate(row, 1)]
    if routine.flags:
        inside = " .and. ".join(
            f"{argument.name} >= {argument.limits[0]} .and. {argument.name} <= {argument.limits[1]}"
            for argument in routine.inputs
            if argument.limits is not None
        )
        body.append(f"outside = .not. ({inside})")

    outputs = ["value"]
    outputs += ["gradient"] if routine.gradient else []
    outputs += ["hessian"] if routine.hessian else []
    outputs += ["outside"] if routine.flags else []
    kind = "function" if is_function else "subroutine"
    head = f"pure elemental function {routine.name}({', '.join(arguments)}) result(value)"
    if not is_function:
        head = f"pure subroutine {routine.name}({', '.join(arguments + outputs)})"
    uses_ieee = "ieee_" in "".join(body)
    lines = [
        *(f"! {line}".rstrip() for line in routine.comment),
        f"module {routine.name}_module",
        "   use, intrinsic :: iso_fortran_env, only: real64",
        *(["   use, intrinsic :: ieee_arithmetic"] if uses_ieee else []),
        "   implicit none",
        "   private",
        f"   public :: {routine.name}",
        "contains",
        *continued(head, "   "),
        *(line for text in declarations + body for line in continued(text, _INDENT)),
        f"   end {kind} {routine.name}",
        *(_POWER.splitlines() if "pow" in routine.functions else []),
        f"end module {routine.name}_module",
        "",
    ]
    return "\n".join(lines)


FORTRAN = Language("Fortran 2008", _RESERVED, _CALLS, literal, _frame, case_sensitive=False)
