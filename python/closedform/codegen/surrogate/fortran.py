"""A surrogate in Fortran 2008."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from closedform.codegen.languages.fortran import FORTRAN, continued, literal
from closedform.codegen.surrogate.tables import Tables

RESERVED = FORTRAN.reserved | frozenset(
    "inputs modes cells offset node_count nodes center inverse_width quartic x t value gradient "
    "factor slope after product df last_node first_cell cell d j outside".split()
)
_INDENT = "   "


def _data(target: str, values: Iterable[float]) -> list[str]:
    """DATA, not an array constructor: a statement has at most 255 continuation lines."""
    numbers = ", ".join(literal(float(value)) for value in values)
    return continued(f"data {target} / {numbers} /", _INDENT)


def _chunks(name: str, values: Sequence[float]) -> list[str]:
    size = 100
    lines = []
    for first in range(0, len(values), size):
        last = min(first + size, len(values))
        lines += _data(f"{name}({first + 1}:{last})", values[first:last])
    return lines


_PLACE = """\
      first_cell = 1
      last_node = 0
      do d = 1, inputs
         associate (node => nodes(last_node + 1:last_node + node_count(d)))
            cell = first_cell + count(x(d) >= node(:node_count(d) - 1))
            if (x(d) > node(node_count(d))) cell = cell + 1"""

_VALUE = """\
         product = product*((((quartic(:, 4, cell)*t + quartic(:, 3, cell))*t &
            + quartic(:, 2, cell))*t + quartic(:, 1, cell))*t + quartic(:, 0, cell))"""

_FACTORS = """\
         df = quartic(:, 4, cell)
         factor(:, d) = quartic(:, 4, cell)*t + quartic(:, 3, cell)
         df = df*t + factor(:, d)
         factor(:, d) = factor(:, d)*t + quartic(:, 2, cell)
         df = df*t + factor(:, d)
         factor(:, d) = factor(:, d)*t + quartic(:, 1, cell)
         df = df*t + factor(:, d)
         factor(:, d) = factor(:, d)*t + quartic(:, 0, cell)
         slope(:, d) = df*inverse_width(cell)"""

_NEXT = """\
         last_node = last_node + node_count(d)
         first_cell = first_cell + node_count(d) + 1
      end do"""

# Never a quotient of the product by a factor, which may be 0.
_GRADIENT = """\
      after(:, inputs) = 1
      do d = inputs, 2, -1
         after(:, d - 1) = after(:, d)*factor(:, d)
      end do
      do d = 1, inputs
         gradient(d) = sum(product*slope(:, d)*after(:, d))
         product = product*factor(:, d)
      end do"""


def write(name: str, comment: Sequence[str], tables: Tables, gradient: bool) -> str:
    inputs, modes = len(tables.nodes), tables.quartic.shape[2]
    nodes = [float(node) for of_input in tables.nodes for node in of_input]
    counts = ", ".join(str(len(of_input)) for of_input in tables.nodes)
    bounded = tables.bounded
    kind = "subroutine" if gradient else "function"
    lines = [
        *(f"! {line}".rstrip() for line in comment),
        f"module {name}_module",
        "   use, intrinsic :: iso_fortran_env, only: real64",
        *(["   use, intrinsic :: ieee_arithmetic"] if bounded else []),
        "   implicit none",
        "   private",
        f"   public :: {name}",
        f"   integer, parameter :: inputs = {inputs}, modes = {modes}",
        f"   integer, parameter :: cells = {len(tables.center)}",
        f"   real(real64), parameter :: offset = {literal(tables.offset)}",
        "   ! Of all inputs in turn; the outer cells of one lie left and right of its grid.",
        *continued(f"integer, parameter :: node_count(inputs) = [{counts}]", _INDENT),
        f"   real(real64), save :: nodes({len(nodes)}), center(cells), inverse_width(cells)",
        "   ! Coefficients of t^0 to t^4 of every mode, t = (x - center)*inverse_width.",
        "   real(real64), save :: quartic(modes, 0:4, cells)",
        *_chunks("nodes", nodes),
        *_chunks("center", list(tables.center)),
        *_chunks("inverse_width", list(tables.inverse_width)),
    ]
    for cell, planes in enumerate(tables.quartic, 1):
        for power, coefficients in enumerate(planes):
            lines += _data(f"quartic(:, {power}, {cell})", coefficients)
    lines.append("contains")
    if gradient:
        lines.append(f"   pure subroutine {name}(x, value, gradient)")
    else:
        lines.append(f"   pure function {name}(x) result(value)")
    lines.append("      real(real64), intent(in) :: x(inputs)")
    if gradient:
        lines += [
            "      real(real64), intent(out) :: value, gradient(inputs)",
            "      real(real64) :: df(modes)",
            "      real(real64), dimension(modes, inputs) :: factor, slope, after",
        ]
    else:
        lines.append("      real(real64) :: value")
    lines += [
        "      real(real64) :: product(modes), t",
        "      integer :: d, cell, first_cell, last_node",
        *(["      logical :: outside", "      outside = .false."] if bounded else []),
        "      product = 1",
        _PLACE,
        *(
            ["            if (.not. (x(d) >= node(1) .and. x(d) <= node(node_count(d)))) &",
             "               outside = .true."]
            if bounded else []
        ),
        "         end associate",
        "         t = (x(d) - center(cell))*inverse_width(cell)",
        _FACTORS if gradient else _VALUE,
        _NEXT,
        *([_GRADIENT] if gradient else []),
        "      value = offset + sum(product)",
    ]  # fmt: skip
    if bounded:
        lines.append("      if (outside) value = ieee_value(value, ieee_quiet_nan)")
        if gradient:
            lines.append("      if (outside) gradient = ieee_value(value, ieee_quiet_nan)")
    return "\n".join([*lines, f"   end {kind} {name}", f"end module {name}_module", ""])
