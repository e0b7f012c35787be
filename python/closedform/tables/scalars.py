"""Checks of single numbers and names: what pybind would answer with a page becomes one line."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

from closedform.errors import InputError

MOST_THREADS = 2**31 - 1


def whole(value: Any, name: str, least: int, most: int) -> int:
    """A whole number, as an int; 1e6 is one.

    Raises:
        InputError: something else, or out of range.
    """
    number = real(value, name)
    if not least <= number <= most or number != int(value):
        raise InputError(f"{name}: {value} is out of range; give a whole number {least} to {most}")
    return int(value)


def real(value: Any, name: str) -> float:
    """A number, as a float.

    Raises:
        InputError: something else.
    """
    if not isinstance(value, numbers.Real):
        raise InputError(f"{name}: must be a number, not {type(value).__name__}")
    try:
        return float(value)
    except OverflowError as error:
        raise InputError(f"{name}: is beyond the range of float64; give a smaller one") from error


def thread_count(threads: Any) -> int:
    """How many threads the core is told: 0, as None, for all cores.

    Raises:
        InputError: no such number.
    """
    return 0 if threads is None else whole(threads, "threads", 0, MOST_THREADS)


def text(value: Any, name: str) -> str:
    """A text that can be written to a file.

    Raises:
        InputError: something else.
    """
    if not isinstance(value, str):
        raise InputError(f"{name}: must be a text, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{name}: {value!r} has no UTF-8 form; give another") from error
    return value


def texts(values: Any, name: str) -> tuple[str, ...]:
    """Texts, one after another.

    Raises:
        InputError: something else; a single text, too.
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InputError(f"{name}: must be a sequence of texts, not {type(values).__name__}")
    return tuple(text(value, name) for value in values)
