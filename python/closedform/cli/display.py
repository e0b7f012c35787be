"""What a terminal shows while a command runs, and what Ctrl-C there does."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

    from closedform.searches.progress import Progress


@contextmanager
def interruptible() -> Iterator[list[bool]]:
    """Ctrl-C asks the search to stop and keep its best; a second one ends the program.

    The list it gives is empty until the first Ctrl-C.
    """
    asked: list[bool] = []

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.append(True)
        print("stopping; Ctrl-C again to quit at once", file=sys.stderr)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def display(options: argparse.Namespace, name: str) -> Iterator[Callable[[Progress], None]]:
    """What shows progress: a live panel on a terminal, else a line per phase, else nothing."""
    if options.quiet or (options.json and not sys.stderr.isatty()):
        yield lambda progress: None
        return
    if not sys.stderr.isatty():
        phases: list[str] = []

        def line(progress: Progress) -> None:
            if progress.phase not in phases[-1:]:
                phases.append(progress.phase)
                print(f"{progress.elapsed:6.1f} s  {progress.phase}", file=sys.stderr, flush=True)

        yield line
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), transient=True, refresh_per_second=8) as live:
        yield lambda progress: live.update(Text(_panel(progress, name)))


def _panel(progress: Progress, target: str) -> str:
    clock = f"{progress.elapsed:.0f} s"
    if progress.remaining is not None:
        clock += f", {max(progress.remaining, 0):.0f} s left"
    rows = [f"{progress.phase}  ({clock}; {progress.evaluations:,} expressions)"]
    if progress.best is not None:
        loss = "" if progress.loss is None else f"  loss {progress.loss:.3g}"
        rows.append(f"{target} = {progress.best}{loss}")
    if progress.message:
        rows.append(progress.message)
    return "\n".join(rows)
