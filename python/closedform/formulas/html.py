"""Tables as HTML, in pages and notebooks."""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence

# Said in the row itself: a notebook has no style sheet of ours.
_MARK = ' class="chosen" style="background: rgba(80, 150, 255, .18); font-weight: 600"'


def table(rows: Sequence[Sequence[str]], marked: Collection[int] = ()) -> str:
    """Rows of cells, whatever they hold.

    Args:
        rows: of cells, the head first.
        marked: which of the others are the chosen ones, from 0.
    """
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in rows[0])
    body = ""
    for number, row in enumerate(rows[1:]):
        cells = "".join(f'<td style="text-align: left">{html.escape(cell)}</td>' for cell in row)
        body += f"<tr{_MARK if number in marked else ''}>{cells}</tr>\n"
    return f"<table><tr>{head}</tr>\n{body}</table>"
