"""What the searches of a run have done so far in a file, for a run that goes on where one ended."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import warnings
import zlib
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import numpy as np

from closedform import _core
from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError
from closedform.tables.output import checked_output, write_output

FORMAT = "closedform search state"
SECONDS = 5.0
MOST_BYTES = 2**26  # of the data, that tell them from others
ENDED = ("exact", "good enough", "evaluations")  # of its own accord


class Journal:
    """The searches of the user's columns, one after another: those that ended as they were told,
    and the state of the one that did not.

    With a budget of evaluations the result is that of a run that was never interrupted: a search
    goes on from its state, and the others, which depend on their arguments alone, are told again.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Reads the file where there is one. No code in it is run.

        Raises:
            InputError: the path cannot be written, or is something else's.
        """
        self._path = checked_output(path, name="resume")
        self._done: list[dict[str, Any]] = []
        self._running: dict[str, str] | None = None
        self._at, self._written, self._failed = 0, monotonic(), False
        if self._path.exists():
            self._read()

    def _read(self) -> None:
        made_here = [FORMAT, *_build()]
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            same = [document["format"], *document["build"]] == made_here
            self._done, self._running = list(document["done"]), document["running"]
        except (OSError, LookupError, TypeError, ValueError) as error:
            raise InputError(f"resume: {self._path}: not a saved state ({error!r})") from error
        if not same:
            raise InputError(f"resume: {self._path}: is of another version or machine; remove it")

    def run(
        self,
        key: str,
        evaluations: int | None,
        search: Callable[[bytes, Callable[[bytes], None]], _core.SearchReport],
    ) -> _core.SearchReport:
        """What a search says: at once where it has ended before, else gone on with.

        Args:
            key: of its data and arguments (`key_of`), but the budget.
            evaluations: its budget.
            search: given the state to go on from, empty for none, and what to call with a new one.

        Raises:
            InputError: the file is of other data or arguments.
        """
        at, self._at = self._at, self._at + 1
        if at < len(self._done):
            told = self._done[at]
            if told["key"] == key and told["evaluations"] == evaluations:
                report: _core.SearchReport = told["report"]
                return report
            self._check(at, told["key"] == key)
            self._done, self._running = self._done[:at], None
        state = b""
        if self._running is not None:
            if self._running["key"] == key:
                state = self._state(self._running["state"])
            self._check(at, self._running["key"] == key)
        try:
            report = search(state, lambda state: self._keep(key, state))
        except ValueError as error:
            if str(error).startswith("resume: "):  # the core looks at what it reads
                raise InputError(str(error)) from error
            raise
        if report["reason"] in ENDED:
            self._done.append({"key": key, "evaluations": evaluations, "report": report})
            self._running = None
        self._save()
        return report

    def _state(self, text: str) -> bytes:
        try:
            return zlib.decompress(base64.b64decode(text))
        except (ValueError, TypeError, zlib.error) as error:
            raise InputError(f"resume: {self._path}: is broken ({error}); remove it") from error

    def _check(self, at: int, same: bool) -> None:
        if at == 0 and not same:
            raise InputError(
                f"resume: {self._path}: is of other data or arguments; give another path"
            )

    def _keep(self, key: str, state: bytes) -> None:
        text = base64.b64encode(zlib.compress(state, 1)).decode("ascii")
        self._running = {"key": key, "state": text}
        if monotonic() - self._written >= SECONDS:
            self._save()

    def _save(self) -> None:
        document = {
            "format": FORMAT,
            "build": _build(),
            "done": self._done,
            "running": self._running,
        }
        self._written = monotonic()
        try:  # a full disk is no reason to lose the search
            write_output(self._path, json.dumps(document) + "\n")
        except (OSError, InputError) as error:
            if not self._failed:
                warnings.warn(f"resume: cannot be written ({error})", stacklevel=2)
            self._failed = True


def _build() -> list[str]:
    """A state is one of numbers as this machine and version have them."""
    info = _core.build_info()
    return [info["version"], info["instruction_set"]]


def key_of(arrays: Sequence[FloatMatrix | Floats], arguments: object) -> str:
    """What tells a search from others: its data, the first of them where they are many, and its
    arguments."""
    known = hashlib.sha256(repr(arguments).encode())
    for array in arrays:
        known.update(repr((array.shape, str(array.dtype))).encode())
        rows = max(1, MOST_BYTES // max(1, array.nbytes // len(array)))
        known.update(np.ascontiguousarray(array[:rows]).tobytes())
    return known.hexdigest()
