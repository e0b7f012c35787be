"""Numbers that laws are written with: whole ones, fractions, multiples of pi, e, square roots.

What saying one takes is the log of its numerator and twice the log of its denominator: there are as
many fractions of a denominator as it is large, and were each as likely as a whole number's share,
their weights would have no sum: some fraction would always be near enough to any constant, and
shorter than its digits. Tenths count once, for that is how numbers are written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

# What a fraction may be a multiple of, and how it is written.
UNITS = {"": 1.0, "pi": math.pi, "e": math.e, "sqrt(2)": math.sqrt(2.0), "sqrt(3)": math.sqrt(3.0)}
# Nats of saying which; pi is in laws far more often than the others. So many that three digits of
# a constant have to agree: 3.1 with an error of 0.03 is no pi.
UNIT_NATS = {"": 0.0, "pi": 4.0, "sqrt(2)": 5.0, "e": 6.0, "sqrt(3)": 6.0}
TENTHS = 10
LARGEST_DENOMINATOR = 16
LARGEST_FACTOR = 100  # a fraction's numerator
LARGEST_MULTIPLE = 12  # of pi and the like
LARGEST_WHOLE = 10**6
EQUAL = 4e-15  # relative; what is equal to so many digits is no chance


@dataclass(frozen=True)
class SimpleValue:
    """A number as it is written.

    Attributes:
        value: of the number.
        nats: what saying which one it is takes, of numerator, denominator, sign and unit.
        text: such as "3", "1/4" or "2*pi/3".
    """

    value: float
    nats: float
    text: str


@lru_cache(maxsize=4096)
def simple_value(value: float) -> SimpleValue | None:
    """The shortest way to write a number; None where it is not simple."""
    if value == 0.0 or not math.isfinite(value):
        return SimpleValue(0.0, 0.0, "0") if value == 0.0 else None
    found = [simple for name in UNITS if (simple := _multiple(value, name, EQUAL * abs(value)))]
    return min(found, key=lambda simple: simple.nats, default=None)


def near(value: float, within: float) -> list[SimpleValue]:
    """Simple numbers no farther than `within` from a value, the shortest to write first."""
    found = [SimpleValue(0.0, 0.0, "0")] if abs(value) <= within else []
    for name in UNITS:
        tried = (_multiple(value, name, within, most) for most in (1, 2, 4, LARGEST_DENOMINATOR))
        found.extend(simple for simple in tried if simple is not None)
    unique = {simple.value: simple for simple in sorted(found, key=lambda s: -s.nats)}
    return sorted(unique.values(), key=lambda simple: simple.nats)


def _multiple(
    value: float, name: str, within: float, most: int = LARGEST_DENOMINATOR
) -> SimpleValue | None:
    """The nearest fraction, of denominators up to `most`, of a unit."""
    unit = UNITS[name]
    if abs(value / unit) > LARGEST_WHOLE:
        return None
    fraction = Fraction(value / unit).limit_denominator(most)
    top, bottom = fraction.numerator, fraction.denominator
    if top == 0 or abs(top / bottom * unit - value) > within:
        return None
    if abs(top) > (LARGEST_MULTIPLE if name else LARGEST_FACTOR) and (name or bottom > 1):
        return None
    nats = math.log(1 + abs(top)) + (1 if bottom == TENTHS else 2) * math.log(bottom)
    nats += UNIT_NATS[name] + (math.log(2.0) if top < 0 else 0.0)
    return SimpleValue(top / bottom * unit, nats, _text(top, bottom, name))


def _text(top: int, bottom: int, name: str) -> str:
    if not name:
        return f"{top}" if bottom == 1 else f"{top}/{bottom}"
    factor = {1: "", -1: "-"}.get(top, f"{top}*")
    return f"{factor}{name}" if bottom == 1 else f"{factor}{name}/{bottom}"
