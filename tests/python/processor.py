"""Time that other programs on a busy machine do not add to."""

from __future__ import annotations

import os


def processor_seconds() -> float:
    """Of this process, its threads and those of its processes that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
