"""Reports as pages of HTML."""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from closedform.figures.canvas import available, check_available
from closedform.formulas.formula import Formula
from closedform.formulas.html import table
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


def write(report: Report, path: str | Path) -> None:
    """Writes one HTML page that needs no other file and no network.

    Raises:
        InputError: matplotlib is not installed.
        OSError: the file cannot be written.
    """
    check_available("report")
    title, name = html.escape(report.title), html.escape(report.name)
    best = [index for index, formula in enumerate(report.front) if formula is report.formula]
    front = Section(
        "Front", draw=partial(_draw_front, report), table=front_rows(report.front), marked=best
    )
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        _mathml(report.formula),
        f"<pre>{name} = {html.escape(report.formula.readable)}</pre>",
        f"<pre>{name} = {html.escape(str(report.formula))}</pre>",
        *(part for section in (*report.sections, front) for part in _parts(section)),
        "</body></html>",
    ]
    write_output(path, "\n".join(lines) + "\n")


def fragment(report: Report, titles: Collection[str]) -> str:
    """The formula, the sections of these titles and the front: what a notebook shows. Pictures are
    left out where matplotlib is not installed."""
    front = Section("Front", draw=partial(_draw_front, report))
    sections = [section for section in report.sections if section.title in titles]
    parts = [part for section in (*sections, front) for part in _parts(section, available())]
    table = report.front._repr_html_()
    return "\n".join([f"<div>{_mathml(report.formula)}", *parts, f"{table}</div>"])


def _parts(section: Section, pictures: bool = True) -> Iterator[str]:
    yield f"<h2>{html.escape(section.title)}</h2>"
    for line in section.lines:
        yield f"<pre>{html.escape(line)}</pre>"
    if section.draw is not None and pictures:
        yield _svg(section.draw)
    if section.table:
        yield table(section.table, section.marked)


def _draw_front(report: Report, axes: Axes) -> Axes:
    return report.front.plot(axes, loss=report.loss)


def _mathml(formula: Formula) -> str:
    """The formula as browsers set it, constants to six digits; the full text stands below it."""
    import sympy

    rounded = sympy.N(formula.sympy(), 6)
    return f'<math display="block">{sympy.mathml(rounded, printer="presentation")}</math>'


def _svg(draw: Callable[[Axes], Axes]) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    draw(figure.add_subplot())
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "closedform", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    drawing = buffer.getvalue()
    return drawing[drawing.index("<svg") :]  # an inline picture has no XML header
