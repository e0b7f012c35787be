"""The budget of several searches, one after another."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any

from closedform.searches.progress import Progress
from closedform.searches.settings import Arguments, checked_settings

STOPPED_SECONDS = 0.2  # of each search that is left when somebody has said stop


class Turns:
    """The budget of a fit of several searches, one after another: equal shares of the time and of
    the evaluations, what one leaves going to the others; whoever stops one stops all."""

    def __init__(self, given: Mapping[str, Any], count: int) -> None:
        self._given, self._left = given, count
        self._begun, self._stopped = monotonic(), False
        own = Arguments(**{key: given[key] for key in ("time", "evaluations")})
        settings = checked_settings(own)
        self._time = settings.time
        self._evaluations = settings.evaluations and max(1, settings.evaluations // count)

    def next(self) -> dict[str, Any]:
        """What the next search is told."""
        left = self._time - (monotonic() - self._begun)
        time = max(left / self._left, STOPPED_SECONDS)
        if self._stopped:
            time = STOPPED_SECONDS
        self._left -= 1
        callback = self._given["callback"]
        heard = self._told if callable(callback) else callback
        own = {"time": time, "evaluations": self._evaluations, "callback": heard}
        return {**self._given, **own}

    def ended(self, stopped: str) -> None:
        """Hears why a search ended."""
        self._stopped = self._stopped or stopped == "interrupted"

    def _told(self, progress: Progress) -> bool:
        self._stopped = self._stopped or bool(self._given["callback"](progress))
        return self._stopped
