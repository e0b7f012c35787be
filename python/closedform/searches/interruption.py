"""Signals that would end a run are held until it has concluded: nothing that was found is lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from closedform import _core

# A signal and what it does where nobody has said otherwise; a user's own handler is left alone.
_ENDING = {
    getattr(signal, name): usual
    for name, usual in (
        ("SIGINT", signal.default_int_handler),
        ("SIGTERM", signal.SIG_DFL),
        ("SIGHUP", signal.SIG_DFL),
    )
    if hasattr(signal, name)
}


def requested() -> bool:
    """Whether the run is to conclude with what it has."""
    return _core.interrupt_requested()


@contextmanager
def held() -> Iterator[None]:
    """Within, the first Ctrl-C, SIGTERM or SIGHUP asks what runs to conclude; a second one raises
    KeyboardInterrupt wherever it is.

    Outside the main thread, which alone hears signals, and within another run nothing changes.
    """
    usual = [
        number
        for number, handler in _ENDING.items()
        if threading.current_thread() is threading.main_thread()
        and signal.getsignal(number) == handler
    ]

    def ask(number: int, frame: FrameType | None) -> None:
        if requested():
            signal.default_int_handler(number, frame)
        _core.request_interrupt()

    for number in usual:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number in usual:
            signal.signal(number, _ENDING[number])
        if usual:
            _core.forget_interrupt()
