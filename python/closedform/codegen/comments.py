"""What the code's comment says of the inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from closedform.errors import InputError

InputRanges = Mapping[str, tuple[float, float]]


def check_columns(argument: str, given: Mapping[str, object], columns: Sequence[str]) -> None:
    for column in given:
        if column not in columns:
            raise InputError(
                f"{argument}: {column!r} is no input; the inputs are {', '.join(columns)}"
            )


def input_lines(
    columns: Sequence[str], arguments: Sequence[str], ranges: InputRanges, units: Mapping[str, str]
) -> list[str]:
    """A line per input: its name here and in the data, its unit, its range."""
    lines = []
    for column, argument in zip(columns, arguments, strict=True):
        line = f"  {argument}"
        line += f" (column {plain(column)})" if argument != column else ""
        line += f" [{plain(units[column])}]" if column in units else ""
        if column in ranges:
            low, high = ranges[column]
            line += f", {low:.6g} to {high:.6g} in the data"
        lines.append(line)
    return lines


def plain(text: str) -> str:
    """Text that cannot end a comment."""
    one_line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return re.sub(r"\*/|/\*|\\$", " ", one_line)
