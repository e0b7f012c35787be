"""What an engine hands back."""

from __future__ import annotations

from typing import NamedTuple


class Found(NamedTuple):
    """Formulas as texts and how the search went.

    Attributes:
        entries: text and loss of every formula of the front, smallest first.
        rivals: of others that noise may have kept from it.
        reason: why the search ended: "exact", "good enough", "time", "evaluations", "interrupted".
        evaluations: done.
        seconds: spent.
        parts: with a template, for every formula, rivals last, those of its unknown functions.
    """

    entries: list[tuple[str, float]]
    reason: str
    evaluations: int
    seconds: float
    rivals: tuple[tuple[str, float], ...] = ()
    parts: tuple[list[str], ...] = ()
