"""How far a run is, in a notebook: a table that fills while the cell computes."""

from __future__ import annotations

import html
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from closedform.formulas.html import table
from closedform.searches.progress import Progress

HEAD = ["phase", "seconds", "expressions", "loss", "best so far"]


def in_notebook() -> bool:
    """Whether this is a cell of Jupyter's: IPython with a kernel, which others show the output
    of. IPython in a terminal has none."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


@contextmanager
def live_table(name: str, beginning: str) -> Iterator[Callable[[Progress], None]]:
    """A table below the cell with a row for each phase, which goes when the run ends: the result
    shows itself.

    Args:
        name: what formulas are the values of.
        beginning: what stands above it.
    """
    from IPython.display import HTML, display

    phases: dict[str, list[str]] = {}
    handle = display(HTML(f"<p>{html.escape(beginning)}</p>"), display_id=True)

    def show(progress: Progress) -> None:
        best = "" if progress.best is None else f"{name} = {progress.best.readable}"
        loss = "" if progress.loss is None else f"{progress.loss:.3g}"
        numbers = [f"{progress.elapsed:.0f}", f"{progress.evaluations:,}"]
        phases[progress.phase] = [progress.phase, *numbers, loss, best or progress.message]
        now = list(phases).index(progress.phase)
        rows = table([HEAD, *phases.values()], marked=[now])
        handle.update(HTML(f"<p>{html.escape(beginning)}</p>{rows}"))

    try:
        yield show
    finally:
        handle.update(HTML(""))
