"""Names of columns as variables in formulas."""

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


def variable_names(labels: Iterable[object]) -> tuple[str, ...]:
    """Makes column labels usable as variables in formulas.

    A label that is an ASCII identifier and means nothing else in a formula stays as it is. In the
    others accents are dropped, Greek letters spelled out, every run of other characters becomes
    one underscore (none is left at the ends), and `x_` is put before a leading digit or in place
    of nothing. A name that is an operator, a function or a Python keyword gets an underscore at
    its end, and a name already taken gets _2, _3 and so on.
    """
    texts = [str(label) for label in labels]
    taken = {text for text in texts if _identifier(text) == text}
    unused = set(taken)  # a label that may stay as it is has the first right to its name
    names: list[str] = []
    for text in texts:
        base = _identifier(text)
        name, count = base, 1
        while name in taken and not (name == text and name in unused):
            count += 1
            name = f"{base}_{count}"
        unused.discard(name)
        taken.add(name)
        names.append(name)
    return tuple(names)


def _identifier(label: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", label):
        label = re.sub(r"[^A-Za-z0-9]+", "_", _ascii(label)).strip("_")
        if not label or label[0].isdigit():
            label = f"x_{label}"
    return f"{label}_" if label in RESERVED_NAMES else label


def _ascii(label: str) -> str:
    letters = []
    for character in unicodedata.normalize("NFKD", label):
        greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(character, ""))
        if greek:
            letters.append(greek[2].lower() if greek[1] == "SMALL" else greek[2].capitalize())
        elif not unicodedata.combining(character):
            letters.append(character)
    return "".join(letters)
