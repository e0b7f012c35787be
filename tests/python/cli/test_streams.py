"""Streams that are closed, full, or of an encoding without some letters: the run is not lost."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import closedform as cf
from closedform.cli import display, streams
from closedform.cli.main import main
from closedform.searches.progress import Progress

RUN = "import sys; from closedform.cli.main import main; sys.exit(main())"


class Failing(io.StringIO):
    """A stream that fails at every write, or at one of its letters."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


BROKEN = [
    OSError(28, "No space left on device"),
    OSError(5, "Input/output error"),
    BrokenPipeError(32, "Broken pipe"),
    ValueError("I/O operation on closed file"),
]


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    data = tmp_path / "data.csv"
    rows = "\n".join(f"{i},{2 * i + 1}" for i in range(30))
    data.write_text(f"α,ß\n{rows}\n", encoding="utf-8")
    save = str(tmp_path / "front.json")
    return ["discover", str(data), "--target", "ß", "--evaluations", "1000", "--save", save]


@pytest.mark.parametrize("error", BROKEN, ids=str)
def test_progress_that_cannot_be_shown_ends_nothing(
    error: Exception,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stderr", Failing(error))
    assert main(arguments) == 0
    assert "ß = " in capsys.readouterr().out
    assert cf.Front.load(arguments[-1]).best.loss < 1e-20


@pytest.mark.parametrize("error", BROKEN, ids=str)
def test_a_result_that_cannot_be_printed_is_saved(
    error: Exception,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdout", Failing(error))
    assert main([*arguments, "--quiet"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("closedform: error: ")
    assert said.count("\n") == 1
    assert cf.Front.load(arguments[-1]).best.loss < 1e-20


@pytest.mark.parametrize("closed", ["stdout", "stderr", "both"])
def test_streams_closed_before_the_start(closed: str, arguments: list[str]) -> None:
    gone = {"stdout": ">&-", "stderr": "2>&-", "both": ">&- 2>&-"}[closed]
    done = subprocess.run(  # by a shell, for a process with threads does not fork well
        ["sh", "-c", f'exec "$@" {gone}', "sh", sys.executable, "-c", RUN, *arguments],
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert cf.Front.load(arguments[-1]).best.loss < 1e-20


def test_letters_that_an_encoding_lacks_are_escaped(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "\\xdf = " in done.stdout


def test_a_terminal_that_goes_away_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Failing(OSError(5, "Input/output error")))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    options = type("Options", (), {"quiet": False, "json": False})()
    told = 0
    with display.display(options, "y") as show:
        for _ in range(3):
            show(Progress("search", 1.0))
            told += 1
    assert told == 3
    with display.interruptible() as asked:
        os.kill(os.getpid(), signal.SIGINT)
        assert asked == [True]


def test_results_go_to_a_stream_of_any_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="latin-1"))
    streams.write("α ß \ud800\n")
    assert raw.getvalue() == b"\\u03b1 \xdf \\ud800\n"
    sys.stdout.close()
    with pytest.raises(OSError, match="closed file"):
        streams.write("more")
