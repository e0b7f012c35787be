"""What a terminal shows while a command runs, and what Ctrl-C there does."""

from __future__ import annotations

import argparse
import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from closedform.cli.streams import say
from closedform.searches.telling import panel, watched

if TYPE_CHECKING:
    from types import FrameType

    from closedform.searches.progress import Progress


@contextlib.contextmanager
def interruptible() -> Iterator[list[bool]]:
    """Ctrl-C asks the search to stop and keep its best; a second one ends the program.

    The list it gives is empty until the first Ctrl-C.
    """
    asked: list[bool] = []

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.append(True)
        say("stopping; Ctrl-C again to quit at once")
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def display(options: argparse.Namespace, name: str) -> Iterator[Callable[[Progress], None]]:
    """What shows progress: a live panel on a terminal, else a line per phase, else nothing."""
    if options.quiet or (options.json and not watched()):
        yield lambda progress: None
        return
    if not watched():
        phases: list[str] = []

        def line(progress: Progress) -> None:
            if progress.phase not in phases[-1:]:
                phases.append(progress.phase)
                say(f"{progress.elapsed:6.1f} s  {progress.phase}")

        yield line
        return
    with panel(name) as listener:
        yield listener
