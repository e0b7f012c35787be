"""Names that a language takes: a letter first, no keyword, each its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from closedform.errors import InputError
from closedform.tables.names import identifier

LONGEST = 48  # Fortran ends at 63, and a number may have to be added


def argument_name(column: str) -> str:
    """The column's name as compilers take it: an `identifier`, a letter first, not too long."""
    legal = identifier(column).lstrip("_")
    return (legal if legal[:1].isalpha() else f"x{legal}")[:LONGEST]


class Names:
    """Hands out names that are neither reserved nor given before.

    Args:
        reserved: what must not be used.
        case_sensitive: whether `T` and `t` are two names.
    """

    def __init__(self, reserved: Iterable[str], *, case_sensitive: bool) -> None:
        self._fold: Callable[[str], str] = str if case_sensitive else str.lower
        self._taken = {self._fold(name) for name in reserved}

    def is_free(self, name: str) -> bool:
        return self._fold(name) not in self._taken

    def take(self, name: str) -> str:
        """`name`, or `name_2`, `name_3`, ... if it is taken."""
        number, free = 1, name
        while not self.is_free(free):
            number += 1
            free = f"{name}_{number}"
        self._taken.add(self._fold(free))
        return free


def check_name(name: str, names: Names, language: str) -> None:
    """Refuses a function's name that the language would not take."""
    if (
        not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)
        or len(name) > LONGEST
        or not names.is_free(name)
    ):
        raise InputError(
            f"name: {name!r} is no name for a function in {language}; "
            f"give at most {LONGEST} letters, digits and underscores, a letter first"
        )
