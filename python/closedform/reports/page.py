"""Reports as pages of HTML."""

from __future__ import annotations

import html
import importlib.util
import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from closedform.errors import InputError
from closedform.figures.front import draw_front
from closedform.formulas.formula import Formula
from closedform.reports.report import Report, Section, front_rows
from closedform.tables.output import write_output

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #ddd;
         vertical-align: top }
code, pre { font-family: ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap }
math { font-size: 1.4rem; margin: 1rem 0 }
.chosen { background: #eef6ff }
svg { max-width: 100%; height: auto }
"""


def check_available() -> None:
    """Says so early when pictures cannot be drawn.

    Raises:
        InputError: matplotlib (the extra `plots`) is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError("report: needs matplotlib; pip install 'closedform[plots]'")


def write(report: Report, path: str | Path) -> None:
    """Writes one HTML page that needs no other file and no network.

    Raises:
        InputError: matplotlib is not installed.
        OSError: the file cannot be written.
    """
    title = html.escape(report.title)
    front = Section("Front", draw=partial(_draw_front, report), table=front_rows(report.front))
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        _mathml(report.formula),
        f"<pre>{html.escape(report.name)} = {html.escape(report.formula.readable)}</pre>",
        f"<pre>{html.escape(report.name)} = {html.escape(str(report.formula))}</pre>",
        *(part for section in (*report.sections, front) for part in _parts(section)),
        "</body></html>",
    ]
    write_output(path, "\n".join(lines) + "\n")


def _parts(section: Section) -> Iterator[str]:
    yield f"<h2>{html.escape(section.title)}</h2>"
    for line in section.lines:
        yield f"<pre>{html.escape(line)}</pre>"
    if section.draw is not None:
        yield _svg(section.draw)
    if section.table:
        yield _html_table(section.table)


def _draw_front(report: Report, axes: Axes) -> Axes:
    best, text = report.formula, str(report.formula)
    return draw_front(
        axes,
        [formula.complexity for formula in report.front],
        [formula.loss for formula in report.front],
        chosen=(best.complexity, best.loss),
        label=text if len(text) <= 60 else "chosen",
        loss_label=report.loss,
    )


def _html_table(rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in rows[0])
    body = ""
    for row in rows[1:]:
        cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
        mark = ' class="chosen"' if "(chosen)" in row[0] else ""
        body += f"<tr{mark}>{cells}</tr>\n"
    return f"<table><tr>{head}</tr>\n{body}</table>"


def _mathml(formula: Formula) -> str:
    """The formula as browsers set it, constants to six digits; the full text stands below it."""
    import sympy

    rounded = sympy.N(formula.sympy(), 6)
    return f'<math display="block">{sympy.mathml(rounded, printer="presentation")}</math>'


def _svg(draw: Callable[[Axes], Axes]) -> str:
    check_available()
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    draw(figure.add_subplot())
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "closedform", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    drawing = buffer.getvalue()
    return drawing[drawing.index("<svg") :]  # an inline picture has no XML header
