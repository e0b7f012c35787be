"""Labels of columns made into names: ASCII identifiers, and variables in formulas."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable

from closedform import _core

# What a formula's text already means something else by: operators, constants, Python's keywords.
RESERVED_NAMES = (
    frozenset("ln pi inf nan".split())
    | frozenset(filter(str.isidentifier, _core.OPERATORS))
    | frozenset(keyword.kwlist)
)


# A letter's own name: "GREEK SMALL LETTER ALPHA", "CYRILLIC CAPITAL LETTER DE".
_LETTER = re.compile(r"(SMALL|CAPITAL) LETTER (\w+)")


def identifier(label: str) -> str:
    """The label in ASCII letters, digits and underscores, no digit first.

    One that is so already stays as it is. In the others accents are dropped, letters beyond ASCII
    spelled out ("α" alpha, "Δ" Delta, "ß" ss, "温" u6e29), every run of other characters becomes
    one underscore (none is left at the ends), and `x_` is put before a leading digit or in place
    of nothing.
    """
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", label):
        return label
    plain = unicodedata.normalize("NFKD", label.replace("ß", "ss"))
    spelled = "".join(_spelled(c) for c in plain if not unicodedata.combining(c))
    legal = re.sub(r"[^A-Za-z0-9]+", "_", spelled).strip("_")
    return legal if legal[:1].isalpha() else f"x_{legal}"


def _spelled(character: str) -> str:
    if character.isascii() or not character.isalpha():
        return character
    letter = _LETTER.search(unicodedata.name(character, ""))
    if letter is None:
        return f"u{ord(character):04x}"
    return letter[2].lower() if letter[1] == "SMALL" else letter[2].capitalize()


def variable_names(labels: Iterable[object]) -> tuple[str, ...]:
    """Makes column labels usable as variables in formulas.

    They become `identifier`s. One that is an operator, a function or a Python keyword gets an
    underscore at its end, and one already taken _2, _3 and so on.
    """
    texts = [str(label) for label in labels]
    taken = {text for text in texts if _variable(text) == text}
    unused = set(taken)  # a label that may stay as it is has the first right to its name
    names: list[str] = []
    for text in texts:
        base = _variable(text)
        name, count = base, 1
        while name in taken and not (name == text and name in unused):
            count += 1
            name = f"{base}_{count}"
        unused.discard(name)
        taken.add(name)
        names.append(name)
    return tuple(names)


def _variable(label: str) -> str:
    name = identifier(label)
    return f"{name}_" if name in RESERVED_NAMES else name
