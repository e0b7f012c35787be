"""Constants of a formula and what the data say of them: standard errors, correlation."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np

from closedform._typing import Floats
from closedform.formulas.simple_values import simple_value

UPPER = 0.975  # quantile at which a 95 % interval ends
SMALL, LARGE = -5, 6  # powers of ten: what is smaller or larger is written with its power


@dataclass(frozen=True)
class Constant:
    """One constant.

    Attributes:
        value: as in the formula.
        standard_error: of the fit, where `fixed` constants are taken for exact; of a fixed one, of
            a fit of all. NaN where nothing is known: a formula made by hand, a constant that
            another can stand for.
        fixed: a simple value that the data agree with, which says the same in fewer symbols than a
            measured one: part of the form. Or one whose value was given.
        freedom: degrees of freedom of the residuals that the standard error was estimated from; inf
            where the noise is known, as that of counts is.
        name: of a form that was given; None for a number.
        unit: such as "m^3/(kg s^2)"; "" for a pure number, None where it is not known.
        physical: what it may be by its unit, size and error, such as "the Boltzmann constant,
            within 1.2 standard errors"; "" where it is not recognised.
    """

    value: float
    standard_error: float
    fixed: bool = False
    freedom: float = math.inf
    name: str | None = None
    unit: str | None = None
    physical: str = ""

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high): 95 % of such intervals, of other data of the kind, have the truth within;
        of few rows they are wider, by Student's t."""
        from scipy.special import ndtri, stdtrit

        known = math.isinf(self.freedom)
        half = self.standard_error * float(ndtri(UPPER) if known else stdtrit(self.freedom, UPPER))
        return self.value - half, self.value + half

    def __str__(self) -> str:
        """To its significant digits: 6.283(5) is 6.283 with a standard error of 0.005; its unit
        behind it."""
        return f"{self._number} {self.unit}" if self.unit else self._number

    @property
    def described(self) -> str:
        """The same, and what it may be."""
        return f"{self}: {self.physical}" if self.physical else str(self)

    @property
    def latex(self) -> str:
        """The same in LaTeX, its unit upright, with the powers of what is divided by negative."""
        number = re.sub(r"e([+-]?\d+)$", r" \\times 10^{\1}", self._number)
        number = re.sub(r"sqrt\((\d+)\)", r"\\sqrt{\1}", number).replace("*", " ")
        number = re.sub(r"\bpi\b", r"\\pi", number)
        over, _, under = (self.unit or "").partition("/")
        factors = [(one, 1) for one in over.split() if one != "1"]
        factors += [(one, -1) for one in under.strip("()").split()]
        units = []
        for factor, sign in factors:
            base, _, power = factor.partition("^")
            exponent = f"{'-' if sign < 0 else ''}{power or 1}"
            units.append(rf"\mathrm{{{base}}}" + ("" if exponent == "1" else f"^{{{exponent}}}"))
        return r"\,".join([number, *units])

    @property
    def _number(self) -> str:
        if self.name is not None and math.isnan(self.value):
            return "not known"
        if self.fixed and (simple := simple_value(self.value)) is not None:
            return simple.text
        if not self.standard_error > 0:
            return f"{self.value:.6g}"
        digits = 1 - math.floor(math.log10(self.standard_error))
        power = math.floor(math.log10(abs(self.value))) if self.value else 0
        if power < SMALL or (power >= LARGE and digits < 0):
            if (places := digits + power) < 0:  # known to no digit
                return f"{self.value:.2g}({self.standard_error:.2g})"
            mantissa, exponent = f"{self.value:.{places}e}".split("e")
            return f"{mantissa}({round(self.standard_error * 10.0**digits)})e{int(exponent)}"
        if digits > 0:
            error = round(self.standard_error * 10.0**digits)
            return f"{self.value:.{digits}f}({error})"
        return f"{self.value:.0f}({self.standard_error:.0f})"

    @property
    def size(self) -> str:
        """The absolute value as people write it: a simple number, or the digits that its standard
        error leaves a meaning to and one more; six where nothing is known."""
        value = abs(self.value)
        if self.fixed and (simple := simple_value(value)) is not None:
            return f"({simple.text})" if "/" in simple.text else simple.text
        if self.fixed:
            return f"{value:.17g}"
        digits = 6
        if self.standard_error > 0 and value > 0:
            places = math.floor(math.log10(value)) - math.floor(math.log10(self.standard_error))
            digits = min(max(places + 2, 1), 17)
        return f"{value:.{digits}g}"


class Constants(Sequence[Constant]):
    """The constants of a formula, in the order of its text. Whole and half exponents are none: they
    say what a formula is, and are not measured.

    Attributes:
        covariance: (k, k) float64; between a fixed one and another it is 0, NaN where unknown.
    """

    def __init__(
        self,
        values: Sequence[float],
        covariance: Floats | None = None,
        fixed: Sequence[bool] | None = None,
        freedom: float = math.inf,
        names: Sequence[str] | None = None,
    ) -> None:
        """values, fixed, names: one each. covariance: (k, k) as above; None where nothing is
        known. freedom: of all, as in `Constant`."""
        count = len(values)
        self.covariance: Floats = (
            np.full((count, count), np.nan) if covariance is None else covariance
        )
        errors = np.sqrt(np.diagonal(self.covariance))
        named: Sequence[str | None] = names or [None] * count
        self._constants = [
            Constant(float(value), float(error), bool(still), freedom, name)
            for value, error, still, name in zip(
                values, errors, fixed or [False] * count, named, strict=True
            )
        ]

    @property
    def correlation(self) -> Floats:
        """(k, k): 1 on the diagonal, NaN where nothing is known."""
        errors = np.sqrt(np.diagonal(self.covariance))
        with np.errstate(divide="ignore", invalid="ignore"):
            correlation: Floats = self.covariance / np.outer(errors, errors)
        return correlation

    def with_units(self, units: Sequence[str], physical: Sequence[str]) -> Constants:
        """The same with a unit each, and what they may be."""
        told = copy.copy(self)
        told._constants = [
            replace(constant, unit=unit, physical=known)
            for constant, unit, known in zip(self, units, physical, strict=True)
        ]
        return told

    def __len__(self) -> int:
        return len(self._constants)

    @overload
    def __getitem__(self, index: int) -> Constant: ...
    @overload
    def __getitem__(self, index: slice) -> list[Constant]: ...
    @overload
    def __getitem__(self, index: str) -> Constant: ...
    def __getitem__(self, index: int | slice | str) -> Constant | list[Constant]:
        """By position, or by name where constants have names."""
        if isinstance(index, str):
            named = [constant for constant in self if constant.name == index]
            if not named:
                raise KeyError(index)
            return named[0]
        return self._constants[index]

    def __iter__(self) -> Iterator[Constant]:
        return iter(self._constants)

    def __str__(self) -> str:
        return "\n".join(
            (f"{constant.name} = " if constant.name else "")
            + f"{constant!s:>16}  {constant.value!r}"
            + (
                f"  [{constant.interval[0]:.6g}, {constant.interval[1]:.6g}]"
                if constant.standard_error > 0
                else ""
            )
            + (f": {constant.physical}" if constant.physical else "")
            for constant in self
        )
