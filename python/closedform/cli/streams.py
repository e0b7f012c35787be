"""Standard streams: where a command takes files they are called "-"; they may be closed, full, or
of an encoding without some letters."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from closedform.errors import InputError

STREAM = "-"
INPUT = "standard input"


def is_stream(path: object) -> bool:
    """Whether a path stands for standard input or output."""
    return str(path) == STREAM


@contextlib.contextmanager
def readable(path: str) -> Iterator[str]:
    """The path of what is to be read; what comes from standard input is in a file meanwhile.

    Raises:
        InputError: nobody has redirected standard input; whatever is raised within, with the name
            that the user knows.
    """
    if not is_stream(path):
        yield path
        return
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError(f"-: {INPUT} is a terminal; give a file, or redirect one to it")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "input")
        with file.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        try:
            yield str(file)
        except InputError as error:
            raise InputError(str(error).replace(str(file), INPUT)) from error


def say(text: str) -> None:
    """A line on standard error, for whoever watches: where it fails, nothing is lost for that."""
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None:
            print(text, file=sys.stderr, flush=True)


def write(text: str) -> None:
    """A result on standard output; letters that its encoding lacks are escaped.

    Raises:
        OSError: it is full, closed, or nobody reads it any more.
    """
    if sys.stdout is None:  # closed before the program began: nobody wants to hear
        return
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except ValueError as error:
        raise OSError(f"standard output: {error}") from error


def write_to(path: Path, write_file: Callable[[Path], object]) -> None:
    """Has a file written, or what it would hold printed.

    Args:
        write_file: writes to the path it is given.
    """
    if not is_stream(path):
        write_file(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "output")
        write_file(file)
        write(file.read_text(encoding="utf-8"))
