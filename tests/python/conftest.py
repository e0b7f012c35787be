"""What all tests begin with."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _usual_handlers() -> Iterator[None]:
    """Signals do what they usually do, whatever who started the tests has said: nohup has them
    ignored, and so has a shell for what it runs in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    hang_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, before)
    signal.signal(signal.SIGHUP, hang_up)
