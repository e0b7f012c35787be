"""Measured constants that physics has a name for: CODATA's, as scipy.constants has them.

Said, never put in place of the number. A simple multiple of a power of one counts where it is of
the constant's own unit and within its error, and where chance would hardly have it so: magnitudes
are taken to be spread around 1 as broadly as people's units make them, so that agreement within an
error is the less of a chance the smaller the error and the rarer the magnitude. Pure numbers are
never recognised; there is one near any of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from closedform.formulas.constants import Constant
from closedform.formulas.units import Units, read_unit

# Those that laws are written with; the many masses, moments and conversions would agree by chance.
NAMES = (
    "speed of light in vacuum",
    "Planck constant",
    "reduced Planck constant",
    "Newtonian constant of gravitation",
    "elementary charge",
    "vacuum electric permittivity",
    "vacuum mag. permeability",
    "characteristic impedance of vacuum",
    "Boltzmann constant",
    "Avogadro constant",
    "molar gas constant",
    "Faraday constant",
    "Stefan-Boltzmann constant",
    "Wien wavelength displacement law constant",
    "Wien frequency displacement law constant",
    "first radiation constant",
    "second radiation constant",
    "Rydberg constant",
    "Bohr radius",
    "Bohr magneton",
    "Compton wavelength",
    "classical electron radius",
    "Thomson cross section",
    "Hartree energy",
    "electron mass",
    "proton mass",
    "neutron mass",
    "atomic mass constant",
    "electron charge to mass quotient",
    "electron gyromag. ratio",
    "proton gyromag. ratio",
    "Josephson constant",
    "von Klitzing constant",
    "conductance quantum",
    "mag. flux quantum",
    "standard acceleration of gravity",
    "standard atmosphere",
)
SPELLED = {"mag.": "magnetic", "gyromag.": "gyromagnetic"}
POWERS = (1, -1, 2, -2)
# Factors as laws have them: numerator, denominator and value, the plainest first.
PLAINNESS = (
    (("", "", 1.0),),
    (
        ("2", "", 2.0),
        ("", "2", 0.5),
        ("4*pi", "", 4 * math.pi),
        ("", "4*pi", 0.25 / math.pi),
    ),
    (
        ("3", "2", 1.5),
        ("3", "", 3.0),
        ("4", "", 4.0),
        ("", "4", 0.25),
        ("2*pi", "", 2 * math.pi),
        ("", "2*pi", 0.5 / math.pi),
        ("8*pi", "", 8 * math.pi),
    ),
)
CLEAR = 2.5  # standard errors that may lie between
CHANCE = 1e-3  # of a constant of nothing to agree with any of them
SPREAD = math.log(100.0)  # half of all magnitudes lie within this factor of 1
MOST_DIGITS = 7  # of a number that was rounded when somebody wrote it down
SAME = 1e-9  # relative: one number in two spellings, or a fit without noise
ZERO = 1e-6  # of exponents


@dataclass(frozen=True)
class _Candidate:
    """A multiple of a power of a constant.

    Attributes:
        value: its size, in the user's units. error: of CODATA, relative.
    """

    value: float
    error: float
    text: str


class PhysicalConstants:
    """Those that numbers of a table's units may be.

    Attributes:
        units: coherent ones.
    """

    def __init__(self, units: Units) -> None:
        from scipy.constants import physical_constants

        self.units = units
        # Exponents, size in the user's units, relative error, and what it is.
        self._powers: list[tuple[tuple[float, ...], float, float, str]] = []
        for name in NAMES:
            value, unit, error = physical_constants[name]
            read = read_unit(unit, f"CODATA: {name}")
            own = [read.exponents.get(base, 0.0) for base in units.dimensions]
            if not read.exponents.keys() <= set(units.dimensions):
                continue
            scale = math.prod(s**e for s, e in zip(units.scales, own, strict=True))
            size = abs(value) * read.factor / scale
            for power in POWERS:
                exponents = tuple(power * e for e in own)
                relative = abs(power * error / value)
                self._powers.append((exponents, size**power, relative, _powered(name, power)))

    def named(self, constant: Constant, exponents: Sequence[float]) -> str:
        """What a constant is, such as "the Boltzmann constant, within 1.2 standard errors".

        Args:
            exponents: of its unit, by the base units.

        Returns:
            "" where it is none, where its digits are too few to tell, or where it may be several.
        """
        size = abs(constant.value)
        if not any(abs(e) > ZERO for e in exponents) or not 0.0 < size < math.inf:
            return ""
        expected = 0.0
        for factors in PLAINNESS:
            agreeing: list[tuple[_Candidate, str]] = []
            for candidate in self._candidates(exponents, factors):
                within, told = _agreement(size, constant.standard_error, candidate)
                # Of the density of log magnitudes, Cauchy's, between both ends.
                share = math.log(candidate.value) / SPREAD
                expected += 2.0 * within / (math.pi * SPREAD * (1.0 + share * share))
                if told:
                    agreeing.append((candidate, told))
            if expected > CHANCE:
                return ""
            if agreeing:
                (first, told), *others = agreeing
                one = all(abs(c.value / first.value - 1.0) <= SAME for c, _ in others)
                sign = "minus " if constant.value < 0 else ""
                return f"{sign}{first.text}, {told}" if one else ""
        return ""

    def _candidates(
        self, exponents: Sequence[float], factors: Sequence[tuple[str, str, float]]
    ) -> Iterator[_Candidate]:
        """Those of one unit, in the user's."""
        for own, size, error, told in self._powers:
            if any(abs(a - b) > ZERO for a, b in zip(own, exponents, strict=False)):
                continue
            for over, under, factor in factors:
                yield _Candidate(factor * size, error, _multiplied(told, over, under))


def _agreement(size: float, error: float, candidate: _Candidate) -> tuple[float, str]:
    """How far off, relative, it would have agreed; and how it does, "" where it does not."""
    off = abs(size / candidate.value - 1.0)
    if off <= SAME:
        return SAME, "to every digit"
    for digits in range(MOST_DIGITS, 1, -1):
        rounded = float(f"{candidate.value:.{digits - 1}e}")
        half = 0.5 * 10.0 ** (math.floor(math.log10(candidate.value)) - digits + 1)
        if abs(size / rounded - 1.0) <= SAME and not error > half:
            return half / candidate.value, f"to {digits} digits"
    if not error > 0.0:  # nothing is known of it
        return SAME, ""
    known = math.hypot(error / size, candidate.error)
    told = f"within {max(off / known, 0.1):.1f} standard errors" if off <= CLEAR * known else ""
    return CLEAR * known, told


def _powered(name: str, power: int) -> str:
    told = "the " + " ".join(SPELLED.get(word, word) for word in name.split())
    told += " squared" if abs(power) == 2 else ""
    return f"the inverse of {told}" if power < 0 else told


def _multiplied(told: str, over: str, under: str) -> str:
    """Such as "1/(4*pi) times the inverse of the vacuum electric permittivity"."""
    if not over and not under:
        return told
    below = f"({under})" if "*" in under else under
    return (f"{over or '1'}/{below}" if under else over) + f" times {told}"
