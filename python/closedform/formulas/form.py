"""A form that is given: a formula whose constants have names, and values or none yet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from closedform import _core
from closedform.errors import InputError
from closedform.tables import scalars
from closedform.tables.names import RESERVED_NAMES
from closedform.tables.words import with_words_of

# Whole numbers that no formula has, in place of its constants.
MARK = 7_306_125_001_000.0


@dataclass(frozen=True)
class Form:
    """Text in inputs and named constants.

    Attributes:
        text: infix, with the constants' names.
        names: of the inputs.
        values: of the constants by name, in the order they were named; None where not known.
        held: constants whose values were given: a fit leaves them.
    """

    text: str
    names: tuple[str, ...]
    values: Mapping[str, float | None]
    held: frozenset[str]

    @staticmethod
    def read(text: str, names: tuple[str, ...], constants: object) -> Form:
        """constants: names of those to be fitted, or a mapping from name to value or None.

        Raises:
            InputError: a name that cannot be one, or that the text does not have; a value that is
                no finite number; text that is no expression in all of the names.
        """
        if isinstance(constants, Mapping):
            given: dict[str, Any] = scalars.mapping(constants, "constants", "values by name")
        else:
            given = dict.fromkeys(scalars.texts(constants, "constants"))
        values: dict[str, float | None] = {}
        for name, value in given.items():
            if not name.isidentifier() or name in RESERVED_NAMES or name in names:
                why = "is an input, too" if name in names else "cannot be a constant's name"
                raise InputError(f"constants: {name!r} {why}; give another")
            values[name] = None if value is None else scalars.real(value, f"constants: {name}")
            if value is not None and not math.isfinite(float(value)):
                raise InputError(f"constants: {name} is {value}; give a finite number")
        form = Form(text, names, values, frozenset(n for n, v in values.items() if v is not None))
        try:
            read = {column for kind, column, _ in form.expression().nodes if kind == "variable"}
        except ValueError as error:
            raise InputError(str(error)) from error
        for k, name in enumerate(values):
            if len(names) + k not in read:
                raise InputError(f"constants: {name!r} is not in the formula; leave it out")
        return form

    @staticmethod
    def of_numbers(expression: _core.Expression, names: tuple[str, ...]) -> Form:
        """Of a formula without names: every number that is measured gets one."""
        values = {f"_c{k + 1}": value for k, value in enumerate(expression.constants)}
        marks = [MARK + k for k in range(len(values))]
        text = expression.with_constants(marks).text(list(names))
        for mark, name in zip(marks, values, strict=True):
            text = text.replace(f"{mark:.0f}", name)
        return Form(text, names, values, frozenset())

    def first(self, start: Mapping[str, float]) -> Form:
        """Where a fit begins: at `start`, at the values there are, else at 1.

        Raises:
            InputError: a start for a constant that there is not, or that is held.
        """
        begun = {name: 1.0 if value is None else value for name, value in self.values.items()}
        for name, value in scalars.mapping(start, "start", "values by name").items():
            if name not in self.values or name in self.held:
                free = [one for one in self.values if one not in self.held]
                raise InputError(
                    f"start: {name!r} is no constant to be fitted; those are {', '.join(free)}"
                )
            begun[name] = scalars.real(value, f"start: {name}")
        return Form(self.text, self.names, begun, self.held)

    def expression(self) -> _core.Expression:
        """Of the inputs and behind them the constants, each a column."""
        columns = [*self.names, *self.values]
        return _core.Expression(self.text, with_words_of(self.names, columns))

    def missing(self) -> list[str]:
        """Constants without a value."""
        return [name for name, value in self.values.items() if value is None]

    def written(self, constants: Sequence[str] | None = None) -> str:
        """The text with others in place of the constants' names; None for the names themselves."""
        return self.expression().text([*self.names, *(constants or self.values)])

    def filled(self) -> _core.Expression:
        """Of the inputs alone; 1 stands for a constant without a value."""
        numbers = [repr(1.0 if value is None else value) for value in self.values.values()]
        text = self.written([f"({number})" for number in numbers])
        return _core.Expression(text, self.names)

    def with_values(self, free: Sequence[float]) -> Form:
        """With other values for the constants that are not held."""
        left = iter(free)
        values = {n: v if n in self.held else next(left) for n, v in self.values.items()}
        return Form(self.text, self.names, values, self.held)
