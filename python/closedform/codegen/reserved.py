"""Names of columns made into names that a language takes: ASCII, no keyword, each its own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from closedform.errors import InputError

LONGEST = 48  # Fortran ends at 63, and a number may have to be added


def ascii_name(name: str) -> str:
    """The name in letters, digits and underscores, a letter first: "α" alpha, "Größe" Grosse."""
    letters = []
    for character in name:
        if character.isascii():
            letters.append(character if character.isalnum() else "_")
            continue
        plain = unicodedata.normalize("NFKD", character.replace("ß", "ss"))
        plain = "".join(c for c in plain if c.isascii() and c.isalnum())
        # "GREEK SMALL LETTER ALPHA WITH TONOS" is called alpha, "CYRILLIC CAPITAL LETTER DE" De.
        letter = re.search(r"(SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(character, ""))
        if not plain and letter is not None:
            word = letter[2].lower()
            plain = word.capitalize() if letter[1] == "CAPITAL" else word
        letters.append(plain or f"u{ord(character):04x}")
    legal = "".join(letters).lstrip("_")
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
