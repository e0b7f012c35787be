"""Products of powers of inputs and of sines of angles, and sums of them written short.

Sums come out of linear algebra multiplied out; here common factors are taken out of them, and
squares completed: (x1 - x2)**2 for x1**2 - 2*x1*x2 + x2**2.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

SQUARE = 1e-6  # from a discriminant to 0, over its terms, at most
SIMPLE = 1e-8  # from a number to a fraction, over it, at most
MOST_DENOMINATOR = 4
CANCELLED = 1e-9  # of a difference, over what is taken away


@dataclass(frozen=True)
class Wave:
    """A sine or cosine of an input, or of the difference or product of two.

    Attributes:
        function: "sin" or "cos".
        argument: of fields {0} and {1}.
        inputs: columns that these stand for.
    """

    function: str
    argument: str
    inputs: tuple[int, ...]

    def text(self, names: Sequence[str]) -> str:
        return f"{self.function}({self.argument.format(*(names[j] for j in self.inputs))})"


@dataclass(frozen=True)
class Product:
    """Powers of the inputs times waves.

    Attributes:
        exponents: of every input; multiples of one half.
        waves: the factors besides, one of them twice for its square.
    """

    exponents: tuple[float, ...]
    waves: tuple[Wave, ...] = ()

    def text(self, names: Sequence[str]) -> str:
        factors = [
            f"({names[j]})**({power!r})" if power != 1 else names[j]
            for j, power in enumerate(self.exponents)
            if power
        ]
        return "*".join([*factors, *(wave.text(names) for wave in self.waves)]) or "1"

    def times(self, other: Product) -> Product:
        both = zip(self.exponents, other.exponents, strict=True)
        waves = sorted([*self.waves, *other.waves], key=_order)
        return Product(tuple(a + b for a, b in both), tuple(waves))

    def over(self, other: Product) -> Product:
        """The quotient; this has the other's waves among its own."""
        waves = list(self.waves)
        for wave in other.waves:
            waves.remove(wave)
        both = zip(self.exponents, other.exponents, strict=True)
        return Product(tuple(a - b for a, b in both), tuple(waves))

    def root(self, positive: Sequence[bool]) -> Product | None:
        """Whose square it is; None where there is none for every sign that its factors have.

        positive: whether each input is, at all rows.
        """
        for exponent, above in zip(self.exponents, positive, strict=True):
            if not above and exponent % 2:
                return None
        waves = self.waves[::2]
        if waves != self.waves[1::2]:
            return None
        return Product(tuple(exponent / 2 for exponent in self.exponents), waves)


def _order(wave: Wave) -> tuple[tuple[int, ...], str, str]:
    return wave.inputs, wave.argument, wave.function


Terms = Sequence[tuple[float, Product]]


@dataclass(frozen=True)
class Factored:
    """coefficient * common * sum of parts.

    Attributes:
        parts: coefficient and text of each; the first coefficient is 1.
        base: text of what the sum is the square of; None where it is none.
    """

    coefficient: float
    common: Product
    parts: tuple[tuple[float, str], ...]
    base: str | None

    @property
    def text(self) -> str:
        """Of the sum."""
        return " + ".join(f"({ratio!r})*{text}" for ratio, text in self.parts)

    @property
    def alone(self) -> bool:
        """Whether the sum is 1."""
        return self.parts == ((1.0, "1"),)


def factored(terms: Terms, names: Sequence[str], positive: Sequence[bool]) -> Factored:
    """A sum of products with what is common to all taken out, and squares completed.

    terms: coefficients, none 0, of different products.
    """
    common = _common([product for _, product in terms])
    rest = {product.over(common): coefficient for coefficient, product in terms}
    squares = list(_squares(rest, positive))
    parts = [(c, f"({_two(a, r, b, names)})**2") for c, a, r, b in squares]
    parts += [(c, product.text(names)) for product, c in rest.items()]
    first = parts[0][0]
    ratios = tuple((rounded(c / first), text) for c, text in parts)
    base = None
    if len(parts) == 1 and squares:
        _, a, r, b = squares[0]
        base = _two(a, r, b, names)
    return Factored(first, common, ratios, base)


def _common(products: Sequence[Product]) -> Product:
    least = np.min([product.exponents for product in products], axis=0)
    shared = list(products[0].waves)
    for product in products[1:]:
        left = list(product.waves)
        both = []
        for wave in shared:
            if wave in left:
                left.remove(wave)
                both.append(wave)
        shared = both
    return Product(tuple(least.tolist()), tuple(shared))


def _squares(
    rest: dict[Product, float], positive: Sequence[bool]
) -> Iterator[tuple[float, Product, float, Product]]:
    """c, A, r, B of c*(A + r*B)**2, which are taken out of the terms."""
    roots = {product: product.root(positive) for product in rest}
    for P, Q in itertools.combinations(list(rest), 2):
        A, B = roots[P], roots[Q]
        if A is None or B is None or P not in rest or Q not in rest:
            continue
        cross = A.times(B)
        c, middle = rest[P], rest.get(cross)
        if middle is None or cross in (P, Q):
            continue
        # Of ratios: the square of a coefficient may be beyond what a float holds.
        if abs(1.0 - 4.0 * (c / middle) * (rest[Q] / middle)) <= SQUARE:
            for product in (P, Q, cross):
                del rest[product]
            yield c, A, middle / (2 * c), B


def _two(a: Product, ratio: float, b: Product, names: Sequence[str]) -> str:
    return f"{a.text(names)} + ({rounded(ratio)!r})*{b.text(names)}"


def rounded(number: float) -> float:
    """A fraction of a small denominator where it is one up to the errors of linear algebra."""
    if not math.isfinite(number):
        return number
    near = float(Fraction(number).limit_denominator(MOST_DENOMINATOR))
    return near if abs(near - number) <= SIMPLE * abs(number) else number


def divided(
    over: Mapping[Product, float], under: Mapping[Product, float]
) -> tuple[dict[Product, float], dict[Product, float]] | None:
    """Quotient and rest of two sums of products without waves, as of polynomials.

    Whichever term of `under` leads: the first that leaves fewer terms in all; None where none does.
    """
    for lead, leading in under.items():
        quotient: dict[Product, float] = {}
        rest = dict(over)
        for _ in range(len(over)):
            # What it divides, the highest powers first.
            able = [p for p in rest if not p.waves and min(p.over(lead).exponents) >= 0]
            if not able:
                break
            term = max(able, key=lambda p: (sum(p.exponents), p.exponents))
            factor, step = rest[term] / leading, term.over(lead)
            quotient[step] = factor
            for product, c in under.items():
                whole = product.times(step)
                left = rest.pop(whole, 0.0) - factor * c
                if abs(left) > CANCELLED * abs(factor * c):
                    rest[whole] = left
        if quotient and len(quotient) + len(rest) < len(over):
            return quotient, rest
    return None
