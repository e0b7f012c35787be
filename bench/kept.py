"""Runs kept in a file as they end: a benchmark of hours can be cut short and gone on with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.record import Value


class Kept:
    """Runs by what was asked of them, a line of JSON each.

    The file knows neither commit nor machine: one file for each of them.
    """

    def __init__(self, file: str) -> None:
        """`file` is made where there is none; "" keeps nothing."""
        self._file = Path(file) if file else None
        self._runs: dict[str, dict[str, Any]] = {}
        if self._file is not None and self._file.exists():
            for line in self._file.read_text(encoding="utf-8").split("\n"):
                try:
                    entry = json.loads(line)
                except ValueError:  # empty, or where a run was cut short
                    continue
                self._runs[_key(entry["asked"])] = entry["got"]

    def of(self, benchmark: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """What was asked of a benchmark's runs, and what they gave."""
        for key, got in self._runs.items():
            asked = json.loads(key)
            if asked["benchmark"] == benchmark:
                yield asked, got

    def run(self, asked: Mapping[str, Value], work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What is in the file of a run, or `work`'s result, which then is."""
        key = _key(asked)
        if key not in self._runs:
            self._runs[key] = work()
            if self._file is not None:
                line = json.dumps({"asked": dict(asked), "got": self._runs[key]})
                with self._file.open("a", encoding="utf-8") as file:
                    file.write(f"\n{line}")  # a line cut short before it stays alone
        return self._runs[key]


def _key(asked: Mapping[str, Value]) -> str:
    return json.dumps(dict(asked), sort_keys=True)
