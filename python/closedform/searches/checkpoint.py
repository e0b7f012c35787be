"""The best front so far in a file, while a search or a pipeline of several goes on."""

from __future__ import annotations

import os
import warnings
from time import monotonic

from closedform.errors import InputError
from closedform.formulas.front import Front
from closedform.tables.output import checked_output

SECONDS = 5.0


class Checkpoint:
    """Writes fronts to one path; of all the searches of a run none replaces a better one's."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises:
        InputError: the path cannot be written.
        """
        self._path = checked_output(path, name="checkpoint")
        self._written = -SECONDS
        self._loss = float("inf")
        self._failed = False

    def offer(self, front: Front) -> None:
        """Keeps a front on the way, at most every 5 seconds, where none so far is better."""
        loss = min(formula.loss for formula in front)
        now = monotonic()
        if now - self._written >= SECONDS and loss <= self._loss:
            self._written, self._loss = now, loss
            self._save(front)

    def conclude(self, front: Front) -> None:
        """Keeps the front that the run gives back."""
        self._save(front)

    def _save(self, front: Front) -> None:
        # A full disk is no reason to lose the search.
        try:
            front.save(self._path)
            self._failed = False
        except (OSError, InputError) as error:
            if not self._failed:
                warnings.warn(f"checkpoint: cannot be written ({error})", stacklevel=2)
            self._failed = True
