"""What is asked of formulas besides operators and size: units that agree, limits to the form."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from closedform import _core
from closedform.errors import InputError
from closedform.formulas.constraints import Constraints
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.formulas.physical_constants import PhysicalConstants
from closedform.formulas.units import Units
from closedform.searches.template_parts import texts_of_parts
from closedform.tables import scalars
from closedform.tables.words import Names

LARGEST = 255  # nodes, cpp/include/closedform/expression/expression.hpp
PARTS = {
    "depth": "most nodes from the root to a leaf",
    "constants": "most measured numbers",
    "operands": "most nodes of an operator's operands",
    "nesting": "most of an operator inside another",
    "forbidden": "inputs that no operand of an operator may have",
}


@dataclass(frozen=True)
class Limits:
    """Limits to the form of formulas, operators by name.

    Attributes:
        depth: nodes from the root to a leaf. constants: measured numbers.
        operands: nodes of the first and of the last operand.
        nesting: by outer and inner operator, how many of the inner on a way down.
        forbidden: by operator, inputs that may not be in its operands.
    """

    depth: int = LARGEST
    constants: int = LARGEST
    operands: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    nesting: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    forbidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @staticmethod
    def read(limits: object, names: Sequence[str]) -> Limits:
        """Raises:
        InputError: a limit, an operator or an input that there is not, or a number out of range.
        """
        given = scalars.mapping(limits, "limits", "limits by name")
        for part in given:
            if part not in PARTS:
                known = ", ".join(f"{name} ({what})" for name, what in PARTS.items())
                raise InputError(f"limits: {part!r} is none; there are {known}")
        read: dict[str, Any] = {}
        if "depth" in given:
            read["depth"] = scalars.whole(given["depth"], "limits: depth", 1, LARGEST)
        if "constants" in given:
            read["constants"] = scalars.whole(given["constants"], "limits: constants", 0, LARGEST)
        for part, of in (("operands", _sizes), ("nesting", _nested)):
            if part in given:
                own = scalars.mapping(given[part], f"limits: {part}", "limits by operator")
                read[part] = {
                    _operator(n, part, names): of(n, value, names) for n, value in own.items()
                }
        if "forbidden" in given:
            own = scalars.mapping(given["forbidden"], "limits: forbidden", "inputs by operator")
            read["forbidden"] = {
                _operator(n, "forbidden", names): _inputs(value, n, names)
                for n, value in own.items()
            }
        return Limits(**read)

    def rules(self, rules: _core.FormulaRules, names: Sequence[str]) -> None:
        """Puts them into the rules of a search of columns of these names."""
        rules.most_depth, rules.most_constants = self.depth, self.constants
        for name, (left, right) in self.operands.items():
            rules.limit_operands(name, left, right)
        for outer, inner in self.nesting.items():
            for name, most in inner.items():
                rules.limit_nesting(outer, name, most)
        for operator, inputs in self.forbidden.items():
            for name in set(inputs) & set(names):
                rules.forbid(operator, list(names).index(name))


@dataclass(frozen=True)
class Rules:
    """Units, limits and constraints, where there are any; of formulas found in a template, where
    there is one."""

    units: Units | None
    limits: Limits | None
    constraints: Constraints | None = None
    template: _core.Template | None = None

    @staticmethod
    def read(
        units: object,
        constant_units: object,
        limits: object,
        names: Sequence[str],
        target: Sequence[str],
        attributes: object = None,
        labels: Sequence[str] | None = None,
    ) -> Rules:
        """What is asked for.

        Args:
            units: by name, "attrs" for those of a pandas table, or None.
            names: of the inputs. target: what the target may be called.
            attributes: of the table. labels: its columns', by which units may be told, too.

        Raises:
            InputError: names the argument and what in it cannot be used.
        """
        if isinstance(units, str):
            scalars.choice(units, "units", ("attrs",))
            units = attributes.get("units") if isinstance(attributes, Mapping) else None
            if units is None:
                raise InputError('units: "attrs" and X has no X.attrs["units"]; give a mapping')
        read = None
        if isinstance(units, Mapping):
            called = dict(zip(labels or (), names, strict=False))
            units = {called.get(name, name): unit for name, unit in units.items()}
        if units is not None:
            read = Units.read(units, names, target, constant_units)  # type: ignore[arg-type]
        return Rules(read, None if limits is None else Limits.read(limits, names))

    def core(self, names: Sequence[str]) -> _core.FormulaRules:
        """For columns of these names."""
        rules = _core.FormulaRules(names)
        for part in (self.units, self.limits):
            if part is not None:
                part.rules(rules, names)
        if self.constraints is not None:
            self.constraints.rules(rules)
        return rules

    def allow(self, formula: Formula) -> bool:
        """Whether a formula keeps them, of groups that of each. A number alone is compared with
        whatever its unit is; constraints are of numbers, too."""
        names = formula.own_names
        if self.constraints is None and not set(formula.inputs) & set(names):
            return True
        core, form = self.core(names), self.template
        if form is not None:
            return all(core.allow_parts(form, own) for own in texts_of_parts(form, formula))
        if not all(core.allow(text, names) for text in formula.texts):
            return False
        return self.constraints is None or self.constraints.hold(formula)

    def completed(
        self, constraints: Constraints | None, template: _core.Template | None = None
    ) -> Rules | None:
        """The same with constraints, of formulas of that form; None where nothing is asked for."""
        made = replace(self, constraints=constraints)
        return None if made == Rules(None, None) else replace(made, template=template)

    def kept(self, front: Front) -> Front:
        """A front without the formulas that break a rule, its best the closest of the others where
        it was one; the smallest alone, and a warning, where none is left."""
        places = [i for i, one in enumerate(front) if self.allow(one)]
        if not places:
            told = (
                "no formula that was found keeps the constraints and limits; nor does the constant"
            )
            warnings.warn(f"{told} that is returned", stacklevel=2)
            places = [0]
        best = next((k for k, i in enumerate(places) if front[i] is front.best), len(places) - 1)
        if len(places) == len(front):
            return front
        kept = Front(
            [front[i] for i in places],
            best=best,
            stopped=front.stopped,
            evaluations=front.evaluations,
            seconds=front.seconds,
            symmetries=front.symmetries,
            rivals=[k for k, i in enumerate(places) if any(front[i] is r for r in front.rivals)],
        )
        return kept

    def told(self, front: Front) -> Front:
        """The front, its formulas told the units of their inputs and constants, what constants
        physics has a name for, and how their constraints are known to hold."""
        if self.constraints is not None:
            for formula in front:
                formula.checked = self.constraints.checked(formula)
        if self.units is not None:
            known = PhysicalConstants(self.units) if self.units.coherent else None
            for formula in front:
                formula.units = self.units
                names = formula.own_names
                core = self.core(names)
                own = [core.units_of_constants(text, names) for text in formula.texts]
                if known is not None and None not in own:
                    formula._tell_units([one for one in own if one is not None], known)
        return front


def _operator(name: str, part: str, names: Sequence[str]) -> str:
    if name not in _core.OPERATORS and name not in _own(names):
        raise InputError(f"limits: {part}: {name!r} is no operator")
    return name


def _own(names: Sequence[str]) -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """Operators of the user's own, of what the names bring."""
    return names.words.own if isinstance(names, Names) else {}


def _sizes(name: str, value: object, names: Sequence[str]) -> tuple[int, int]:
    """Of one number for all operands, or of one each, None for no limit."""
    given = value if isinstance(value, (tuple, list)) else (value,)
    own = _own(names)
    count = len(own[name][1]) if name in own else _core.OPERATORS[name].operands
    if len(given) not in (1, count):
        raise InputError(f"limits: operands: {name!r} has {count}; give one number or one each")
    most = [
        LARGEST if one is None else scalars.whole(one, f"limits: operands: {name}", 1, LARGEST)
        for one in given
    ]
    return most[0], most[-1]


def _nested(name: str, value: object, names: Sequence[str]) -> Mapping[str, int]:
    where = f"limits: nesting: {name}"
    own = scalars.mapping(value, where, "numbers by operator")
    return {
        _operator(inner, "nesting", names): scalars.whole(most, f"{where}: {inner}", 0, LARGEST)
        for inner, most in own.items()
    }


def _inputs(value: object, operator: str, names: Sequence[str]) -> tuple[str, ...]:
    given = (value,) if isinstance(value, str) else scalars.texts(value, "limits: forbidden")
    for name in given:
        if name not in names:
            raise InputError(
                f"limits: forbidden: {operator}: {name!r} is no input; those are {', '.join(names)}"
            )
    return given
