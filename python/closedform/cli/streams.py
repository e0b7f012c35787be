"""What is printed, on streams that may be closed, full, or of an encoding without some letters."""

from __future__ import annotations

import contextlib
import sys


def say(text: str) -> None:
    """A line on standard error, for whoever watches: where it fails, nothing is lost for that."""
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None:
            print(text, file=sys.stderr, flush=True)


def watched() -> bool:
    """Whether standard error is a terminal."""
    with contextlib.suppress(OSError, ValueError):  # a stream that is closed
        return sys.stderr is not None and sys.stderr.isatty()
    return False


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
