"""Units of inputs, target and constants: read with pint, checked in the core, written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from closedform import _core
from closedform.errors import InputError
from closedform.tables import scalars

MOST_BASES = 8  # cpp/include/closedform/expression/dimensions.hpp
PURE = "dimensionless"
FREE = "free"
COHERENT = 1e-12  # relative, of factors between units

Exponents = tuple[float, ...]


@dataclass(frozen=True)
class Units:
    """What the quantities of a table are measured in.

    Attributes:
        texts: as they were given, by name; of inputs without a unit, which are pure numbers, none.
        inputs: exponents of the base units by input. target: likewise, None for any.
        constants: what constants may be of; empty for anything.
        bases: the base units as they are written: "kg", "m", "s". dimensions: what pint calls them.
        scales: what the base units are in those that pint calls so.
        coherent: whether every unit is the product of base units, with no factor: then numbers in a
            formula have units that can be written.
    """

    texts: Mapping[str, str]
    inputs: Mapping[str, Exponents]
    target: Exponents | None
    constants: tuple[Exponents, ...]
    bases: tuple[str, ...]
    dimensions: tuple[str, ...]
    scales: tuple[float, ...]
    coherent: bool

    @staticmethod
    def read(
        units: Mapping[str, object],
        names: Sequence[str],
        target: Sequence[str],
        constants: str | Sequence[str] = PURE,
    ) -> Units:
        """Reads units, by name; an input without one is a pure number.

        Args:
            names: of the inputs. target: what the target may be called.
            constants: "dimensionless", "free", or units that they may be of, beside pure numbers.

        Raises:
            InputError: pint is not installed, a name that is none, or a unit that cannot be read.
        """
        given = scalars.mapping(units, "units", "units by name")
        for name in given:
            if name not in names and name not in target:
                known = ", ".join([*names, *target[:1]])
                raise InputError(f"units: {name!r} is neither an input nor the target: {known}")
        chosen = [constants] if isinstance(constants, str) else list(constants)
        others = [] if isinstance(constants, str) else chosen
        if isinstance(constants, str) and constants not in (PURE, FREE):
            raise InputError(
                f'constant_units: {constants!r} is none of "{PURE}" and "{FREE}"; give one of them '
                "or a sequence of units"
            )
        read = {name: read_unit(value, f"units: {name}") for name, value in given.items()}
        more = [read_unit(value, "constant_units") for value in others]
        found = [*read.values(), *more]
        bases = sorted({base for one in found for base in one.exponents})
        if len(bases) > MOST_BASES:
            raise InputError(f"units: of {len(bases)} base units; at most {MOST_BASES} are told")

        def vector(one: Unit | None) -> Exponents:
            return tuple(0.0 if one is None else one.exponents.get(base, 0.0) for base in bases)

        symbols, scales, coherent = _system(found, bases)
        own = [read[name] for name in target if name in read]
        pure = (0.0,) * len(bases)
        return Units(
            {name: str(value) for name, value in given.items()},
            {name: vector(read.get(name)) for name in names},
            vector(own[0]) if own else None,
            () if constants == FREE else (pure, *(vector(one) for one in more)),
            symbols,
            tuple(bases),
            scales,
            coherent,
        )

    def rules(self, rules: _core.FormulaRules, names: Sequence[str]) -> None:
        """Puts them into the rules of a search of columns of these names."""
        pure = (0.0,) * len(self.bases)
        inputs = [self.inputs.get(name, pure) for name in names]
        rules.set_units(inputs, self.target, self.constants)

    def written(self, exponents: Sequence[float]) -> str:
        """Such as "m^3/(kg s^2)"; nothing for a pure number."""
        over = [_power(b, e) for b, e in zip(self.bases, exponents, strict=False) if e > 1e-6]
        under = [_power(b, -e) for b, e in zip(self.bases, exponents, strict=False) if e < -1e-6]
        below = f"({' '.join(under)})" if len(under) > 1 else "".join(under)
        return (" ".join(over) or ("1" if under else "")) + (f"/{below}" if under else "")


@dataclass(frozen=True)
class Unit:
    """Exponents by pint's names of base units, and the factor from the product of these."""

    exponents: Mapping[str, float]
    factor: float
    text: str


def read_unit(unit: object, name: str) -> Unit:
    """A unit as pint reads it; `name` is whose, for what is told.

    Raises:
        InputError: pint is not installed, or a unit that it cannot read, or one with an offset.
    """
    try:
        import pint
    except ImportError as error:
        raise InputError(
            "units: pint is not installed; install it: pip install 'closedform[units]'"
        ) from error
    registry = _registry()
    text = str(unit).strip()
    try:
        parsed: Any = registry.Unit("" if text == "1" else text)
        if not registry.Quantity(1, parsed)._is_multiplicative:
            raise InputError(f"{name}: {text!r} has an offset; give an absolute unit, such as K")
        base = registry.Quantity(1.0, parsed).to_base_units()
    except (pint.PintError, ValueError, TypeError, AttributeError, AssertionError) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name}: {text!r} is no unit that pint can read ({told})") from error
    exponents = {
        str(key): float(value)
        for key, value in base.unit_items()
        if not registry.Unit(key).dimensionless
    }
    return Unit(exponents, float(base.magnitude), text)


def _registry() -> Any:
    """The one that the user's own quantities are of."""
    import pint

    return pint.application_registry


def _system(
    found: Sequence[Unit], bases: Sequence[str]
) -> tuple[tuple[str, ...], tuple[float, ...], bool]:
    """The user's base units, a gram where masses are in grams, their factors from pint's, and
    whether all others follow."""
    registry = _registry()
    symbols, scales = [], []
    for base in bases:
        own = [one for one in found if one.exponents == {base: 1.0}]
        symbols.append(own[0].text if own else f"{registry.Unit(base):~}")
        scales.append(own[0].factor if own else 1.0)
    logs = np.log(scales)
    coherent = all(
        abs(
            np.log(one.factor)
            - sum(one.exponents.get(base, 0.0) * log for base, log in zip(bases, logs, strict=True))
        )
        <= COHERENT
        for one in found
    )
    return tuple(symbols), tuple(scales), coherent


def _power(base: str, exponent: float) -> str:
    whole = round(exponent)
    if abs(exponent - whole) < 1e-6:
        return base if whole == 1 else f"{base}^{whole}"
    return f"{base}^{exponent:.4g}"
