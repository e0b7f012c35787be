"""Formulas of the target from relations that it satisfies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from closedform.searches.products import Factored, Product, Terms, divided, factored, rounded


@dataclass(frozen=True)
class Relation:
    """y**power * (sum below) = (sum above); or y = outside * exp(sum above).

    Attributes:
        power: 0 for the exponential.
        above, below: coefficients and products; none below for 1.
        outside: the exponential's factor.
    """

    power: float
    above: Terms
    below: Terms
    outside: tuple[float, Product] | None = None

    def texts(self, names: Sequence[str], positive: Sequence[bool]) -> Iterator[str]:
        """Formulas that may be it: of a root either sign, and where the root of a square is taken,
        what is squared too.

        positive: whether each input is above 0.
        """
        yield from self._divided(names, positive)
        above = factored(self.above, names, positive) if self.above else None
        if self.outside is not None:
            size, product = self.outside
            outer = f"({rounded(size)!r})*{product.text(names)}"
            if above is None:
                yield outer
            else:
                inner = (
                    f"({rounded(above.coefficient)!r})*{above.common.text(names)}*({above.text})"
                )
                yield f"{outer}*exp({inner})"
            return
        assert above is not None
        below = factored(self.below, names, positive) if self.below else None
        if self.power < 0:
            above, below = below or _one(above), above
        yield from _solved(abs(self.power), above, below or _one(above), names, positive)

    def _divided(self, names: Sequence[str], positive: Sequence[bool]) -> Iterator[str]:
        """A sum beside a quotient, where that has fewer terms."""
        if self.power != 1.0 or len(self.below) < 2 or any(p.waves for _, p in self.below):
            return
        over, under = ({p: c for c, p in terms} for terms in (self.above, self.below))
        parts = divided(over, under)
        if parts is None:
            return
        whole, rest = (
            factored([(c, p) for p, c in part.items()], names, positive) if part else None
            for part in parts
        )
        assert whole is not None
        text = f"({rounded(whole.coefficient)!r})*{whole.common.text(names)}*({whole.text})"
        if rest is not None:
            below = factored(self.below, names, positive)
            text += " + " + next(_solved(1.0, rest, below, names, positive), "0")
        yield text


def _one(other: Factored) -> Factored:
    none = Product((0.0,) * len(other.common.exponents))
    return Factored(1.0, none, ((1.0, "1"),), None)


def _solved(
    power: float,
    above: Factored,
    below: Factored,
    names: Sequence[str],
    positive: Sequence[bool],
) -> Iterator[str]:
    coefficient = rounded(above.coefficient / below.coefficient)
    if not (math.isfinite(coefficient) and coefficient):
        return
    whole = (
        f"({coefficient!r})*{_quotient(above.common, below.common, names)}"
        f"*({above.text})/({below.text})"
    )
    if power == 1.0:
        yield whole
    elif power == 0.5:
        yield f"({whole})**2"
    else:
        roots = [f"sqrt({whole})"]
        waves = above.common.waves or below.common.waves
        outer = None if waves else above.common.over(below.common).root(positive)
        if outer is not None:
            size = math.sqrt(abs(coefficient))
            signs = [(1.0, 1.0), (-1.0, -1.0)] if coefficient > 0 else [(-1.0, 1.0), (1.0, -1.0)]
            apart = [
                f"({size!r})*{outer.text(names)}*{up}/{down}"
                for over, under in signs
                for up in _roots(above, over)
                for down in _roots(below, under)
            ]
            roots = [*apart, *roots]
        for root in roots:
            yield root
            yield f"-({root})"


def _quotient(over: Product, under: Product, names: Sequence[str]) -> str:
    powers = over.over(Product(under.exponents))
    return f"{powers.text(names)}/({Product((), under.waves).text(names)})"


def _roots(parts: Factored, sign: float) -> list[str]:
    """Of the sum times the sign; shortest first."""
    if parts.alone:
        return ["1"] if sign > 0 else []
    if sign < 0:
        return [f"sqrt(-({parts.text}))"]
    root = f"sqrt({parts.text})"
    return [root] if parts.base is None else [f"({parts.base})", root]
