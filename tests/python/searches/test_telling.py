"""Who hears of a run: terminals, the log, and nobody where nobody listens."""

from __future__ import annotations

import logging
import os
import pty
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform.searches.settings import Arguments, checked_settings
from closedform.searches.telling import telling
from closedform.tables.checks import Matrix

X = np.random.default_rng(0).uniform(1.0, 2.0, (60, 2))
TABLE = Matrix(X, ("x1", "x2"))

PROGRAM = """
import time, numpy as np, closedform as cf
X = np.random.default_rng(0).uniform(1.0, 2.0, (60, 2))
y = np.random.default_rng(1).normal(size=60)
print(cf.search(X, values=y, time=1.5, progress={progress}).stopped)
"""


def said_on_a_terminal(**program: Any) -> tuple[str, str]:
    """What a program prints, and what it writes to a terminal that is its standard error."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    environment.pop("PYTEST_CURRENT_TEST")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(**program)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment,
        text=True,
        check=True,
    )
    os.write(theirs, b".")  # nothing to read would block
    os.close(theirs)
    written = os.read(ours, 100_000).decode()
    os.close(ours)
    return done.stdout, written


def test_a_terminal_shows_how_far_it_is() -> None:
    printed, written = said_on_a_terminal(progress=True)
    assert printed == "time\n"
    assert "searching for at most 1.5 s; Ctrl-C ends it and keeps the best" in written
    assert "expressions)" in written
    assert "y = " in written


def test_and_does_not_where_it_is_told_so() -> None:
    assert said_on_a_terminal(progress=False) == ("time\n", ".")


def test_nobody_is_told_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with telling("search", checked_settings(Arguments()), TABLE, True) as heard:
        assert heard is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)  # pytest is none
    with telling("search", checked_settings(Arguments()), TABLE, True) as heard:
        assert heard is None


def test_the_log_has_beginning_phases_and_end(caplog: pytest.LogCaptureFixture) -> None:
    told = []
    with caplog.at_level(logging.INFO, logger="closedform"):
        found = cf.discover(
            X, np.exp(X[:, 0]), evaluations=2000, operators="exp +", callback=told.append
        )
    parts = [record.closedform for record in caplog.records]  # type: ignore[attr-defined]
    assert {part["run"] for part in parts} == {"discover"}
    assert (parts[0]["rows"], parts[0]["inputs"], parts[0]["seed"]) == (60, 2, 0)
    assert [part["phase"] for part in parts[1:-1]] == list(dict.fromkeys(p.phase for p in told))
    assert parts[-1] == {"run": "discover", "formula": "exp(x1)", "stopped": found.stopped}
    assert caplog.messages[-1] == "discover: exp(x1) (exact)"
