"""What an attack comes to."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import closedform as cf

LONGEST = 2100  # characters of a message


class Wrong(Exception):
    """An answer that is not right."""


@dataclass
class Attack:
    """One attack under way.

    Attributes:
        rng: of every choice.
        folder: an empty one, for files.
        said: what is done, for whoever reads of a fault.
    """

    rng: np.random.Generator
    folder: Path
    said: list[str] = field(default_factory=list)

    def one(self, choices: Iterable[Any]) -> Any:
        listed = list(choices)
        return listed[int(self.rng.integers(len(listed)))]

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def note(self, **what: object) -> None:
        self.said.append(", ".join(f"{key}={str(value)[:160]!r}" for key, value in what.items()))


def ensure(right: object, what: str) -> None:
    if not right:
        raise Wrong(what)


def judged(attack: Attack, work: Callable[[Attack], None]) -> tuple[str, str]:
    """The outcome ("ok", "refused" or "FAULT") and what was said."""
    try:
        work(attack)
    except Wrong as wrong:
        return "FAULT", f"wrong: {wrong}"
    except ValueError as error:  # InputError is one
        said = str(error)
        if isinstance(error, UnicodeError) or len(said.splitlines()) != 1 or len(said) > LONGEST:
            return "FAULT", f"{type(error).__name__}: {said[:500]}"
        if _IMPLEMENTATION.search(said):
            return "FAULT", f"not for users: {said}"
        return "refused", said
    except BaseException as error:
        return "FAULT", f"{type(error).__name__}: {str(error)[:500]}"
    return "ok", ""


# Messages of numpy, pybind11 and Python that say nothing of the argument.
_IMPLEMENTATION = re.compile(
    r"broadcast|Invoked with|argument types|empty sequence|zero-size|could not convert|"
    r"object is not|truth value|'NoneType'|codec|vector::|basic_string|std::"
)


def check_formulas(
    formulas: Iterable[cf.Formula], max_size: int = 255, operators: Iterable[str] | None = None
) -> None:
    """Sizes, operators, and texts that read back as they are."""
    for formula in formulas:
        text = formula.text
        ensure(not re.search(r"\b(inf|nan)\b", text), f"not finite: {text}")
        ensure(formula.complexity <= max_size, f"{formula.complexity} nodes of {max_size}: {text}")
        if operators is not None:
            ensure(formula.operators <= set(operators), f"{sorted(formula.operators)}: {text}")
        again = cf.Formula(text, formula.names)
        ensure(again.text == text, f"{text} reads back as {again.text}")


def check_losses(
    formulas: Iterable[cf.Formula], loss_of: Callable[[cf.Formula], float], scale: float
) -> None:
    """Losses that are those of the texts, to rounding."""
    for formula in formulas:
        own = loss_of(formula)
        same = math.isclose(own, formula.loss, rel_tol=1e-6, abs_tol=1e-22 * scale)
        ensure(same, f"loss {formula.loss!r}, recomputed {own!r}: {formula.text}")
