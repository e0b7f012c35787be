"""What `discover` and `interpret` found, for people: plain text, pictures, an HTML page."""

from __future__ import annotations

import html
import importlib.util
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from closedform.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from closedform.formulas.formula import Formula, Front
    from closedform.pipelines.discovery import Discovery
    from closedform.pipelines.interpretation import Interpretation

_WAYS = {
    "surrogate": "surrogate",
    "through_surrogate": "formula through the surrogate",
    "direct": "formula from the data directly",
}
_MEASURES = ["rmse", "nrmse", "mean_relative", "max_abs"]
_DRAWN = 2000  # rows in a picture

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


def text(discovery: Discovery, target: str = "y") -> str:
    """The front, the formula, its held-out errors and why it was found that way, as plain text."""
    return "\n\n".join(
        [
            "Front\n" + _aligned(_front_rows(discovery.front)),
            f"Formula\n  {target} = {discovery.formula}",
            "Errors on held-out rows\n" + _aligned(_error_rows(discovery)),
            "Why\n" + "\n".join(f"  {line}" for line in _reasons(discovery)),
        ]
    )


def interpretation_text(found: Interpretation) -> str:
    """The front, the formula, its link and threshold, how faithful they are, and why."""
    return "\n\n".join(
        [
            "Front\n" + _aligned(_front_rows(found.front)),
            f"Formula\n  T = {found.formula}",
            "Neuron\n" + "\n".join(f"  {line}" for line in _link_lines(found)),
            "Fidelity on held-out rows\n" + _aligned(_fidelity_rows(found)),
            "Why\n" + "\n".join(f"  {line}" for line in _merges(found)),
        ]
    )


def write(discovery: Discovery, path: str | Path, *, target: str = "y") -> None:
    """Writes one HTML page that needs no other file and no network.

    Raises:
        InputError: matplotlib is not installed.
        OSError: the file cannot be written.
    """
    formula = discovery.formula
    name = html.escape(target)
    parts = [
        _mathml(formula),
        f"<pre>{name} = {html.escape(str(formula))}</pre>",
        "<h2>Errors on held-out rows</h2>",
        _html_table(_error_rows(discovery)),
        "<h2>Why</h2>",
        *(f"<pre>{html.escape(line)}</pre>" for line in _reasons(discovery)),
        "<h2>Front</h2>",
        _svg(front_figure(discovery.front, chosen=formula)),
        _html_table(_front_rows(discovery.front)),
    ]
    _write_page(path, f"A formula for {name}", parts)


def write_interpretation(found: Interpretation, path: str | Path) -> None:
    """Writes one HTML page that needs no other file and no network.

    Raises:
        InputError: matplotlib is not installed.
        OSError: the file cannot be written.
    """
    parts = [
        _mathml(found.formula),
        f"<pre>T = {html.escape(str(found.formula))}</pre>",
        "<h2>Neuron</h2>",
        *(f"<pre>{html.escape(line)}</pre>" for line in _link_lines(found)),
        _svg(link_figure(found)),
        "<h2>Fidelity on held-out rows</h2>",
        _html_table(_fidelity_rows(found)),
        "<h2>Why</h2>",
        *(f"<pre>{html.escape(line)}</pre>" for line in _merges(found)),
        "<h2>Front</h2>",
        _svg(front_figure(found.front, loss="loss (mean |u - v|² of unit gradients)")),
        _html_table(_front_rows(found.front)),
    ]
    _write_page(path, "The formula of a neuron", parts)


def _write_page(path: str | Path, title: str, parts: list[str]) -> None:
    """A page of parts in HTML under a title in HTML."""
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        *parts,
        "</body></html>",
    ]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def link_figure(found: Interpretation) -> Figure:
    """The neuron's values over the formula's, with the link between them and the threshold.

    Raises:
        InputError: matplotlib is not installed.
    """
    check_available()
    from matplotlib.figure import Figure

    step = -(-len(found.gradients.X) // _DRAWN)
    T, f = found.formula(found.gradients.X[::step]), found.gradients.f[::step]
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(T, f, ".", color="0.6", markersize=3, label="rows")
    line = np.linspace(found.link.isotonic.at[0], found.link.isotonic.at[-1], 300)
    axes.plot(line, found.link.isotonic(line), color="tab:orange", label="isotonic")
    if found.link.formula is not None:
        axes.plot(line, found.link(line), color="tab:blue", label=f"f = {found.link.formula}"[:60])
    if found.threshold is not None:
        axes.axvline(found.threshold, color="0.3", linestyle=":", label="threshold")
    axes.set_xlabel("T")
    axes.set_ylabel("neuron f")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def front_figure(
    front: Front, *, chosen: Formula | None = None, loss: str = "loss (mean squared error)"
) -> Figure:
    """Loss over complexity for every formula of a front, the chosen one marked (default: its best).

    Raises:
        InputError: matplotlib is not installed.
    """
    check_available()
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    best = front.best if chosen is None else chosen
    positive = [formula.loss for formula in front if formula.loss > 0]
    floor = min(positive, default=1.0) / 10  # where a loss of exactly 0 is drawn

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.step(
        [formula.complexity for formula in front],
        [max(formula.loss, floor) for formula in front],
        where="post",
        marker="o",
        color="0.45",
        label="front",
    )
    axes.plot(
        [best.complexity],
        [max(best.loss, floor)],
        "o",
        color="tab:blue",
        markersize=10,
        label=str(best) if len(str(best)) <= 60 else "chosen",
    )
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("complexity (nodes)")
    axes.set_ylabel(loss)
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def _front_rows(front: Front) -> list[list[str]]:
    return [
        ["complexity", "loss", "formula"],
        *([str(f.complexity), f"{f.loss:.4g}", str(f)] for f in front),
    ]


def _link_lines(found: Interpretation) -> list[str]:
    link = found.link.formula
    lines = [f"f: {found.network}"]
    lines.append("f = phi(T), no closed form found" if link is None else f"f = {link}")
    if found.threshold is not None:
        lines.append(f"class 1 where T > {found.threshold!r}")
    return lines


def _fidelity_rows(found: Interpretation) -> list[list[str]]:
    measured = found.fidelity
    rows = [
        ["", "value"],
        ["mean cosine of gradients", f"{measured.cosine:.6f}"],
        ["rank correlation with the neuron", f"{measured.rank_correlation:.6f}"],
    ]
    if measured.agreement is not None:
        rows.append(["agreement with the network's classes", f"{measured.agreement:.3%}"])
    return [*rows, ["rows within the band", str(measured.rows)]]


def _merges(found: Interpretation) -> list[str]:
    return [
        f"searched: {found.gradients}",
        *([] if found.symmetries is None else str(found.symmetries).splitlines()),
        f"ended by: {found.stopped}",
    ]


def _error_rows(discovery: Discovery) -> list[list[str]]:
    rows = [["", "rmse", "nrmse", "mean relative", "max abs"]]
    for way, label in _WAYS.items():
        errors = discovery.errors.get(way)
        mark = " (chosen)" if way == discovery.chosen else ""
        measured = ["not taken"] if errors is None else []
        if errors is not None:
            measured = [f"{getattr(errors, measure):.4g}" for measure in _MEASURES]
        rows.append([label + mark, *measured, *[""] * (4 - len(measured))])
    return rows


def _reasons(discovery: Discovery) -> list[str]:
    structure, similarity = discovery.separability, discovery.similarity
    return [
        f"strategy: {discovery.strategy}",
        *([] if similarity is None else [f"variables: {similarity}"]),
        *([] if structure is None else [f"structure: {structure}", f"decided: {structure.reason}"]),
        f"chosen: {_WAYS[discovery.chosen]}",
        f"ended by: {discovery.stopped}",
    ]


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(len(row[j]) for row in rows) for j in range(len(rows[0]))]
    return "\n".join(
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _html_table(rows: list[list[str]]) -> str:
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


def _svg(figure: Figure) -> str:
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "closedform", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    drawing = buffer.getvalue()
    return drawing[drawing.index("<svg") :]  # an inline picture has no XML header
