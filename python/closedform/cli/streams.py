"""Standard input and output where a command takes files: both are called "-"."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from closedform.errors import InputError

STREAM = "-"
INPUT = "standard input"


def is_stream(path: object) -> bool:
    """Whether a path stands for standard input or output."""
    return str(path) == STREAM


@contextmanager
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


def write(path: Path, write_file: Callable[[Path], object]) -> None:
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
        sys.stdout.write(file.read_text(encoding="utf-8"))
        sys.stdout.flush()
