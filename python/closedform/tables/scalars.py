"""Checks of single numbers and names: what pybind would answer with a page becomes one line."""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from closedform.errors import InputError

MOST_THREADS = 2**31 - 1
LARGEST_SEED = 2**64 - 1


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
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise InputError(f"{name}: must be a number, not {type(value).__name__}")
    try:
        return float(value)
    except OverflowError as error:
        raise InputError(f"{name}: is beyond the range of float64; give a smaller one") from error


def seconds(value: Any, name: str) -> float:
    """A time, which math.inf does not limit.

    Raises:
        InputError: something else, or none.
    """
    number = real(value, name)
    if not number > 0:
        raise InputError(f"{name}: {value} is not positive; give seconds, or math.inf")
    return number


def seed(value: Any) -> int:
    """Where random numbers begin.

    Raises:
        InputError: no such number.
    """
    return whole(value, "seed", 0, LARGEST_SEED)


def flag(value: Any, name: str) -> bool:
    """True or False.

    Raises:
        InputError: something else: "no" would count as True.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"{name}: must be True or False, not {_kind(value)}")
    return bool(value)


def choice(value: Any, name: str, known: Sequence[str]) -> str:
    """One of a few names.

    Raises:
        InputError: another, or no text.
    """
    if not isinstance(value, str) or value not in known:
        shown = ", ".join(map(repr, known))
        raise InputError(f"{name}: {_kind(value)} is unknown; use one of {shown}")
    return value


def mapping(value: Any, name: str, of: str) -> dict[str, Any]:
    """What a dict says by name; None says nothing.

    Args:
        of: what it is of, in words.

    Raises:
        InputError: something else, or keys that are no texts.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"{name}: must be a dict of {of}, not {type(value).__name__}")
    for key in value:
        text(key, f"{name}: a key")
    return dict(value)


def path(value: Any, name: str) -> Path:
    """Where a file lies.

    Raises:
        InputError: something else.
    """
    if not isinstance(value, (str, os.PathLike)) or not isinstance(os.fspath(value), str):
        raise InputError(f"{name}: must be a path, not {type(value).__name__}")
    try:
        os.fsencode(value)
    except UnicodeEncodeError as error:
        raise InputError(f"{name}: {str(value)!r} is no path that can be; give another") from error
    return Path(value)


def _kind(value: Any) -> str:
    """A text as it is, of anything else what it is."""
    return repr(value[:60]) if isinstance(value, str) else type(value).__name__


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
    # The values of a dict would be dropped.
    if isinstance(values, (str, Mapping)) or not isinstance(values, Iterable):
        raise InputError(f"{name}: must be a sequence of texts, not {type(values).__name__}")
    return tuple(text(value, name) for value in values)
