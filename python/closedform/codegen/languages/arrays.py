"""Python for arrays and tensors: NumPy, JAX and torch."""

from __future__ import annotations

import keyword
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from closedform import _core
from closedform.codegen.routine import Language, Routine

_RESERVED = (
    frozenset(keyword.kwlist)
    | frozenset(keyword.softkwlist)
    | {"np", "jnp", "torch", "float", "erf"}
)


@dataclass(frozen=True)
class _Library:
    """What the three call differently.

    Attributes:
        module: as the code calls it.
        imports: the line that brings it.
        erf: the line that brings this function.
        convert: makes an array of an input {0}; "" where tensors are to be given.
        broadcast: the function that brings arrays to one shape.
        axis: what `stack` calls it.
    """

    module: str
    imports: str
    erf: str
    convert: str
    broadcast: str
    axis: str


def _literal(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value}")'


def _calls(np: str, clip: str) -> dict[str, str]:
    return {
        name: operator.arrays.replace("{np}", np)
        for name, operator in _core.OPERATORS.items()
        if operator.arrays
    } | {
        "zero_where": f"{np}.where({{0}} == 0.0, {np}.zeros_like({{0}}), {{1}})",
        "clamp": f"{np}.{clip}({{0}}, {{low}}, {{high}})",
        "inside": f"{np}.where(({{0}} >= {{low}}) & ({{0}} <= {{high}}), "
        f"{np}.ones_like({{0}}), 0.0)",
    }


def _frame(library: _Library, routine: Routine) -> str:
    module, count = library.module, len(routine.inputs)
    first = routine.inputs[0].name

    def filled(text: str) -> str:
        return f"{module}.full_like(value, {text})" if text in routine.constant else text

    def stacked(name: str, rows: Sequence[Sequence[str]]) -> list[str]:
        return [
            f"{name} = [",
            *(f"    {', '.join(map(filled, row))}," for row in rows),
            "]",
            f"{name} = {module}.stack({module}.{library.broadcast}(*{name}), {library.axis}=-1)",
        ]

    body = []
    if library.convert:
        body += [
            f"{argument.name} = {library.convert.format(argument.name)}"
            for argument in routine.inputs
        ]
    body += [f"{name} = {text}" for name, text in routine.statements]
    if routine.value in routine.constant:
        body.append(f"value = {module}.full_like({first}, {routine.value})")
    elif routine.value != "value":
        body.append(f"value = {routine.value}")
    outputs = ["value"]
    if routine.gradient:
        body += stacked("gradient", [routine.gradient])
        outputs.append("gradient")
    if routine.hessian:
        body += stacked("hessian", routine.hessian)
        body.append(f"hessian = hessian.reshape(*value.shape, {count}, {count})")
        outputs.append("hessian")
    if routine.flags:
        inside = " & ".join(
            f"({argument.name} >= {argument.limits[0]}) & ({argument.name} <= {argument.limits[1]})"
            for argument in routine.inputs
            if argument.limits is not None
        )
        body.append(f"outside = ~({inside})")
        outputs.append("outside")
    lines = [
        *(f"# {line}".rstrip() for line in routine.comment),
        library.imports,
        *([library.erf] if "erf" in routine.functions else []),
        "",
        "",
        f"def {routine.name}({', '.join(argument.name for argument in routine.inputs)}):",
        *(f"    {line}" for line in body),
        f"    return {', '.join(outputs)}",
        "",
    ]
    return "\n".join(lines)


def _language(title: str, library: _Library, calls: Mapping[str, str]) -> Language:
    return Language(title, _RESERVED, calls, _literal, partial(_frame, library))


NUMPY = _language(
    "Python with NumPy",
    _Library(
        "np",
        "import numpy as np",
        "from scipy.special import erf",
        "np.asarray({0}, dtype=float)",
        "broadcast_arrays",
        "axis",
    ),
    _calls("np", "clip"),
)
JAX = _language(
    "Python with JAX",
    _Library(
        "jnp",
        "import jax.numpy as jnp",
        "from jax.scipy.special import erf",
        "jnp.asarray({0}, dtype=float)",
        "broadcast_arrays",
        "axis",
    ),
    _calls("jnp", "clip"),
)
TORCH = _language(
    "Python with torch",
    _Library("torch", "import torch", "from torch import erf", "", "broadcast_tensors", "dim"),
    # Those of two operands take numbers beside tensors; torch.sign makes a number of NaN.
    _calls("torch", "clamp")
    | {
        "pow": "torch.pow({0}, {1})",
        "sign": "torch.where({0} == {0}, torch.sign({0}), {0})",
        "max": "torch.where(({0} < {1}) | ({1} != {1}), {1}, {0})",
        "min": "torch.where(({0} > {1}) | ({1} != {1}), {1}, {0})",
        ">": "torch.where({0} > {1}, 1.0, 0.0).to(torch.result_type({0}, {1}))",
    },
)
