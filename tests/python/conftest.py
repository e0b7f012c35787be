"""What all tests begin with."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

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


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[Any, Any]]:
    """Of a Dask cluster of one worker, and of one of two."""
    distributed = pytest.importorskip("distributed", reason="needs closedform[dask]")
    how: dict[str, Any] = {"threads_per_worker": 1, "dashboard_address": ":0"}
    how |= {"processes": True, "silence_logs": "CRITICAL"}
    one, two = (distributed.LocalCluster(n_workers=count, **how) for count in (1, 2))
    client = distributed.Client
    with one, two, client(one, set_as_default=False) as a, client(two) as b:
        yield a, b
