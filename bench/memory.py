"""How much memory a piece of work takes."""

from __future__ import annotations

import threading
from pathlib import Path


class ResidentMemory:
    """By how many MiB this process's own memory grows at most; looked at every few milliseconds.

    Pages of mapped files do not count: they are the system's, which takes them back when it needs
    them.
    """

    grown: float = 0.0

    def __enter__(self) -> ResidentMemory:
        self._before = anonymous_memory()
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._done.wait(0.005):
            self.grown = max(self.grown, anonymous_memory() - self._before)


def anonymous_memory() -> float:
    """MiB that this process holds and no file backs."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no RssAnon: memory is measured on Linux")
