"""Source code of a surrogate: its tables, and how a row is evaluated from them.

The arithmetic is that of cpp/src/kernels/tensor_row.hpp with the modes in the inner loop: a quartic
per mode in the input's cell, derivatives from products before and after an input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from closedform import _core
from closedform.codegen.comments import check_columns, input_lines
from closedform.codegen.reserved import Names, check_name
from closedform.codegen.surrogate import c, fortran
from closedform.codegen.surrogate.tables import Tables
from closedform.tables import scalars

_OUTSIDE = {
    "linear": "Outside its grid each factor continues along its end tangent.",
    "clamp": "An input outside its grid counts as the grid's end; its slope is 0 there.",
    "error": "Outside the grid there is no value: NaN.",
}


def surrogate_code(
    model: _core.TensorSurrogate,
    columns: Sequence[str],
    language: str,
    derivatives: int,
    *,
    name: str,
    units: Mapping[str, str],
) -> str:
    """See `Surrogate.code`."""
    scalars.choice(language, "language", ("c", "fortran"))
    derivatives = scalars.whole(derivatives, "derivatives", 0, 1)
    check_columns("units", units, columns)
    scalars.text(name, "name")
    if language == "c":
        check_name(name, Names(c.RESERVED, case_sensitive=True), "C99")
    else:
        reserved = Names(fortran.RESERVED, case_sensitive=False)
        check_name(name, reserved, "Fortran 2008")
    tables = Tables.of(model)
    ranges = {
        column: (float(nodes[0]), float(nodes[-1]))
        for column, nodes in zip(columns, tables.nodes, strict=True)
    }
    comment = [
        "value = offset + sum over modes of products over inputs of piecewise quartics",
        "",
        f"Written by closedform {_core.build_info()['version']}. Inputs, in the order of x:",
        *input_lines(columns, columns, ranges, units),
        *(["gradient: derivatives of the value by the inputs."] if derivatives else []),
        _OUTSIDE[model.outside],
    ]
    write = c.write if language == "c" else fortran.write
    return write(name, comment, tables, bool(derivatives))
