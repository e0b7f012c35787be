"""C99, C++ and CUDA."""

from __future__ import annotations

import math
from functools import partial

from closedform import _core
from closedform.codegen.routine import Input, Language, Routine

_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while asm typeof fortran main errno "
    # C23 and C++
    "alignas alignof and and_eq bitand bitor bool catch char8_t char16_t char32_t class co_await "
    "co_return co_yield compl concept const_cast consteval constexpr constinit decltype delete "
    "dynamic_cast explicit export false friend mutable namespace new noexcept not not_eq nullptr "
    "operator or or_eq private protected public reinterpret_cast requires static_assert "
    "static_cast template this thread_local throw true try typeid typename using virtual wchar_t "
    "xor xor_eq std linux unix "
    # what the code itself calls
    "INFINITY NAN HUGE_VAL fabs "
    # CUDA
    "threadIdx blockIdx blockDim gridDim warpSize".split()
) | frozenset(_core.OPERATORS)


def literal(value: float) -> str:
    """The fewest digits that read back as the same double."""
    if math.isfinite(value):
        return repr(value)
    return "NAN" if math.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"


def block_comment(lines: tuple[str, ...]) -> list[str]:
    return ["/*", *(f" * {line}".rstrip() for line in lines), " */"]


def _calls(std: str) -> dict[str, str]:
    return {
        name: operator.c.replace("{std}", std)
        for name, operator in _core.OPERATORS.items()
        if operator.c
    } | {
        "zero_where": "({0} == 0.0 ? 0.0 : {1})",
        # Not fmin and fmax, which would make a number of NaN.
        "clamp": "({0} < {low} ? {low} : ({0} > {high} ? {high} : {0}))",
        "inside": "({0} >= {low} && {0} <= {high} ? 1.0 : 0.0)",
    }


def _frame(include: str, qualifiers: str, suffix: str, routine: Routine) -> str:
    count = len(routine.inputs)
    parameters = [f"double {argument.name}" for argument in routine.inputs]
    parameters += [f"double gradient[{count}]"] if routine.gradient else []
    parameters += [f"double hessian[{count * count}]"] if routine.hessian else []
    parameters += ["int *outside"] if routine.flags else []
    body = [f"(void){argument.name};" for argument in routine.inputs if not _read(argument)]
    body += [f"const double {name} = {text};" for name, text in routine.statements]
    body += [f"gradient[{i}] = {text};" for i, text in enumerate(routine.gradient)]
    for i, row in enumerate(routine.hessian):
        body += [f"hessian[{i * count + j}] = {text};" for j, text in enumerate(row)]
    if routine.flags:
        inside = " && ".join(
            f"{argument.name} >= {argument.limits[0]} && {argument.name} <= {argument.limits[1]}"
            for argument in routine.inputs
            if argument.limits is not None
        )
        body.append(f"*outside = !({inside});")
    lines = [
        *block_comment(routine.comment),
        f"#include <{include}>",
        "",
        f"{qualifiers}double {routine.name}({', '.join(parameters)}){suffix}",
        "{",
        *(f"    {line}" for line in body),
        f"    return {routine.value};",
        "}",
        "",
    ]
    return "\n".join(lines)


def _read(argument: Input) -> bool:
    return argument.used or argument.limits is not None


C = Language("C99", _KEYWORDS, _calls(""), literal, partial(_frame, "math.h", "", ""))
CPP = Language(
    "C++", _KEYWORDS, _calls("std::"), literal, partial(_frame, "cmath", "inline ", " noexcept")
)
CUDA = Language(
    "CUDA",
    _KEYWORDS,
    _calls(""),
    literal,
    partial(_frame, "cmath", "__host__ __device__ inline ", ""),
)
