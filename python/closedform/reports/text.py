"""Reports as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from closedform.reports.report import Report, Section


def text_of(report: Report) -> str:
    """The front, the formula, and the sections without their pictures."""
    told = [section for section in report.sections if section.lines or section.table]
    return "\n\n".join(
        [_section(report.front_section), f"Formula\n{_formula(report)}", *map(_section, told)]
    )


def _formula(report: Report) -> str:
    """For people, and below it with its constants in full."""
    full, readable = f"  {report.name} = {report.formula}", report.formula.readable
    return full if readable == str(report.formula) else f"  {report.name} = {readable}\n{full}"


def _section(section: Section) -> str:
    lines = [section.title, *(f"  {line}" for line in section.lines)]
    if section.table:
        lines.append(_aligned(section.table))
    return "\n".join(lines)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[j]) for row in rows) for j in range(len(rows[0]))]
    return "\n".join(
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
