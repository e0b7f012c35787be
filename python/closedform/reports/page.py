"""Reports as pages of HTML."""

from __future__ import annotations

import html
import io
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path

from closedform.errors import InputError
from closedform.figures.canvas import available, check_available, label
from closedform.formulas.formula import Formula
from closedform.formulas.html import table
from closedform.reports.report import Picture, Report, Section
from closedform.reports.style import PICTURE, STYLE
from closedform.tables.output import write_output

LONG = 16  # nodes of a formula that is set smaller


def write(report: Report, path: str | Path) -> None:
    """Writes one HTML page that needs no other file and no network, and runs no script.

    Raises:
        InputError: matplotlib is not installed.
        OSError: the file cannot be written.
    """
    check_available("report")
    title = html.escape(report.title)
    first, *others = report.sections
    sections = [first, report.front_section, *others]
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{STYLE}</style></head><body><main>",
        *_headline(report),
        *(part for section in sections for part in _parts(section, True)),
        "</main></body></html>",
    ]
    # Half of a surrogate pair has no UTF-8.
    text = "\n".join(lines).encode("utf-8", "xmlcharrefreplace").decode("utf-8")
    write_output(path, text + "\n")


def fragment(report: Report, titles: Collection[str]) -> str:
    """The formula, the sections of these titles and the front: what a notebook shows. Pictures are
    left out where matplotlib is not installed."""
    front = Section("Front", pictures=report.front_section.pictures)
    sections = [section for section in report.sections if section.title in titles]
    parts = [part for section in (*sections, front) for part in _parts(section, available())]
    formulas = report.front._repr_html_()
    return "\n".join([f"<div>{_math(report)}", *parts, f"{formulas}</div>"])


def _headline(report: Report) -> Iterator[str]:
    """The formula as it is set, as text and as LaTeX, and the key figures."""
    formula, name = report.formula, html.escape(report.name)
    yield f"<header><h1>{html.escape(report.title)}</h1>"
    yield _math(report)
    yield f"<p><code>{name} = {html.escape(formula.readable)}</code></p>"
    yield "<details><summary>In full, and in LaTeX</summary>"
    yield f"<p><code>{name} = {html.escape(str(formula))}</code></p>"
    if latex := _latex(formula):
        yield f"<p><code>{html.escape(latex)}</code></p>"
    for constant in formula.constants:
        if constant.unit:
            yield f"<p><code>{html.escape(constant.latex)}</code></p>"
    yield "</details><dl>"
    for what, value in report.key:
        yield f"<div><dt>{html.escape(what)}</dt><dd>{html.escape(value)}</dd></div>"
    yield "</dl></header>"


def _parts(section: Section, pictures: bool) -> Iterator[str]:
    if not (section.lines or section.table or (section.pictures and pictures)):
        return  # a formula without constants
    yield f"<section><h2>{html.escape(section.title)}</h2>"
    if section.pictures and pictures:
        drawn = "".join(f"<figure>{_svg(draw)}</figure>" for draw in section.pictures)
        yield f'<div class="pictures">{drawn}</div>'
    for line in section.lines:
        yield f"<p>{html.escape(line)}</p>"
    if section.table:
        yield f'<div class="wide">{table(section.table, section.marked)}</div>'
    yield "</section>"


def _math(report: Report) -> str:
    """The formula as browsers set it; nothing where sympy has no form of it."""
    try:
        content = report.formula.mathml()
    except InputError:
        return ""
    kind = ' class="long"' if report.formula.complexity > LONG else ""
    name = f"<mtext>{html.escape(label(report.name))}</mtext>"
    return f'<math display="block"{kind}>{name}<mo>=</mo>{content}</math>'


def _latex(formula: Formula) -> str:
    try:
        return formula.latex()
    except InputError:
        return ""


def _svg(draw: Picture) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    buffer = io.StringIO()
    with mpl.rc_context(PICTURE), warnings.catch_warnings():
        # The browser has its own fonts for what matplotlib's lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure = Figure(figsize=(4.4, 3.2), layout="constrained")
        draw(figure.add_subplot())
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    drawing = buffer.getvalue()
    return drawing[drawing.index("<svg") :]  # an inline picture has no XML header
