"""A surrogate in C99 (C++ takes it, too)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from closedform.codegen.languages.c import C, block_comment, literal
from closedform.codegen.surrogate.tables import Tables

RESERVED = C.reserved
_PER_LINE = 4


def _lines(values: Iterable[float], indent: str) -> list[str]:
    numbers = [literal(float(value)) for value in values]
    return [
        f"{indent}{', '.join(numbers[i : i + _PER_LINE])},"
        for i in range(0, len(numbers), _PER_LINE)
    ]


def _array(declaration: str, values: Iterable[float]) -> list[str]:
    return [f"    static const {declaration} = {{", *_lines(values, " " * 8), "    };"]


def _quartics(tables: Tables) -> list[str]:
    lines = ["    static const double quartic[CELLS][5][MODES] = {"]
    for cell in tables.quartic:
        lines.append("        {")
        for coefficients in cell:
            lines += ["            {", *_lines(coefficients, " " * 16), "            },"]
        lines.append("        },")
    return [*lines, "    };"]


_PLACE = """\
    for (int d = 0; d < INPUTS; ++d) {
        const int last = node_count[d] - 1;
        int cell = x[d] > node[last];
        for (int j = 0; j < last; ++j) {
            cell += x[d] >= node[j];
        }
        cell += first_cell;
        const double t = (x[d] - center[cell]) * inverse_width[cell];
        const double (*c)[MODES] = quartic[cell];"""

_NEXT = """\
        node += node_count[d];
        first_cell += node_count[d] + 1;
    }"""

_VALUE = """\
        for (int m = 0; m < MODES; ++m) {
            product[m] *= (((c[4][m] * t + c[3][m]) * t + c[2][m]) * t + c[1][m]) * t + c[0][m];
        }"""

_FACTORS = """\
        for (int m = 0; m < MODES; ++m) {
            double f = c[4][m];
            double df = f;
            f = f * t + c[3][m];
            df = df * t + f;
            f = f * t + c[2][m];
            df = df * t + f;
            f = f * t + c[1][m];
            df = df * t + f;
            factor[d][m] = f * t + c[0][m];
            slope[d][m] = df * inverse_width[cell];
        }"""

# Never a quotient of the product by a factor, which may be 0.
_GRADIENT = """\
    for (int m = 0; m < MODES; ++m) {
        after[INPUTS - 1][m] = 1.0;
    }
    for (int d = INPUTS - 1; d > 0; --d) {
        for (int m = 0; m < MODES; ++m) {
            after[d - 1][m] = after[d][m] * factor[d][m];
        }
    }
    for (int d = 0; d < INPUTS; ++d) {
        gradient[d] = 0.0;
        for (int m = 0; m < MODES; ++m) {
            gradient[d] += product[m] * slope[d][m] * after[d][m];
            product[m] *= factor[d][m];
        }
    }"""

_SUM = """\
    for (int m = 0; m < MODES; ++m) {
        value += product[m];
    }"""


def write(name: str, comment: Sequence[str], tables: Tables, gradient: bool) -> str:
    inputs, modes = len(tables.nodes), tables.quartic.shape[2]
    second = f", double gradient[{inputs}]" if gradient else ""
    counts = ", ".join(str(len(nodes)) for nodes in tables.nodes)
    lines = [
        *block_comment(tuple(comment)),
        *(["#include <math.h>", ""] if tables.bounded else [""]),
        f"double {name}(const double x[{inputs}]{second})",
        "{",
        f"    enum {{ INPUTS = {inputs}, MODES = {modes}, CELLS = {len(tables.center)} }};",
        "    /* Of all inputs in turn; the outer cells of one lie left and right of its grid. */",
        f"    static const int node_count[INPUTS] = {{{counts}}};",
        *_array("double nodes[]", (node for nodes in tables.nodes for node in nodes)),
        *_array("double center[CELLS]", tables.center),
        *_array("double inverse_width[CELLS]", tables.inverse_width),
        "    /* Coefficients of t^0 to t^4 of every mode, t = (x - center) * inverse_width. */",
        *_quartics(tables),
        "    const double *node = nodes;",
        "    int first_cell = 0;",
        *(["    int inside = 1;"] if tables.bounded else []),
        *(["    double factor[INPUTS][MODES], slope[INPUTS][MODES], after[INPUTS][MODES];"]
          if gradient else []),
        "    double product[MODES];",
        f"    double value = {literal(tables.offset)};",
        "    for (int m = 0; m < MODES; ++m) {",
        "        product[m] = 1.0;",
        "    }",
        _PLACE,
        *(["        inside &= x[d] >= node[0] && x[d] <= node[last];"] if tables.bounded else []),
        _FACTORS if gradient else _VALUE,
        _NEXT,
        *([_GRADIENT] if gradient else []),
        _SUM,
    ]  # fmt: skip
    if tables.bounded:
        lines += ["    if (!inside) {", "        value = NAN;"]
        if gradient:
            lines += [
                "        for (int d = 0; d < INPUTS; ++d) {",
                "            gradient[d] = NAN;",
                "        }",
            ]
        lines.append("    }")
    return "\n".join([*lines, "    return value;", "}", ""])
