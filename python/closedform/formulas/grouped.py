"""Formulas of one form for several groups, some of whose constants are each group's own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError
from closedform.formulas.constants import Constant, Constants
from closedform.formulas.formula import Formula
from closedform.formulas.physical_constants import PhysicalConstants
from closedform.formulas.ranges import Ranges, check_ranges
from closedform.tables import checks, scalars
from closedform.tables.columns import inputs_of
from closedform.tables.groups import Groups, taken
from closedform.tables.words import Words

New = Literal["error", "mean"]
MOST_LISTED = 8  # groups in a message


class GroupedFormula(Formula):
    """One form for all groups; constants marked `p[group]` are each group's own.

    In `text` and `names` these stand behind the inputs, as inputs whose values a group gives: code
    written from it is a function of both. `constants` are those that all groups share.

    Attributes:
        groups: what tells groups apart: the name of a column. parts: as of a `Formula`; of groups
            those that have constants of their own.
        parameters: by name, then by group, the constants of its own (`Constant`, with standard
            errors).
        rmse: by group, the root mean square error at rows left out of the fits of the constants.

    Example:
        >>> import closedform as cf
        >>> form = cf.GroupedFormula("p1*x", ["x"], {"p1": {"a": 1.0, "b": 2.0}}, "cell")
        >>> print(form, form([[3.0], [3.0]], groups=["a", "b"]), form.of("b"))
        p1[cell]*x [3. 6.] 2*x
    """

    def __init__(
        self,
        text: str,
        names: Sequence[str],
        parameters: Mapping[str, Mapping[str, Constant | float]],
        groups: str,
        loss: float = float("nan"),
        ranges: Ranges | None = None,
        labels: Sequence[str] | None = None,
        rmse: Mapping[str, float] | None = None,
    ) -> None:
        """names, ranges, labels: of the inputs, without the parameters.

        Raises:
            InputError: as `Formula`; parameters that do not have the same groups.
        """
        own = scalars.mapping(parameters, "parameters", "values by parameter and group")
        self.parameters: dict[str, dict[str, Constant]] = {
            name: {
                group: value
                if isinstance(value, Constant)
                else Constant(scalars.real(value, f"parameters: {name}: {group}"), math.nan)
                for group, value in values.items()
            }
            for name, values in own.items()
        }
        known = {frozenset(values) for values in self.parameters.values()}
        if len(known) != 1:
            raise InputError(
                "parameters: have not the same groups each; give a value for every one"
            )
        self.groups = scalars.text(groups, "groups")
        self.rmse = dict(rmse or {})
        super().__init__(text, [*names, *self.parameters], loss)
        if ranges is not None:
            check_ranges(ranges, len(self.own_names))
            self._tell_data(ranges, labels)

    def _tell_data(self, ranges: Ranges, labels: Sequence[str] | None) -> None:
        ends = [[c.value for c in values.values()] for values in self.parameters.values()]
        own = None if labels is None else [*labels, *self.parameters]
        super()._tell_data((*ranges, *((min(end), max(end)) for end in ends)), own)

    @property
    def group_labels(self) -> tuple[str, ...]:
        """The groups it has constants of."""
        return tuple(next(iter(self.parameters.values())))

    @property
    def own_names(self) -> tuple[str, ...]:
        """Names of the inputs, without the parameters."""
        return self.names[: len(self.names) - len(self.parameters)]

    @property
    def readable(self) -> str:
        return self._marked(super().readable)

    def _marked(self, text: str) -> str:
        """With the parameters as `p[group]`."""
        marked = [*self.own_names, *(f"{name}[{self.groups}]" for name in self.parameters)]
        return type(self._expression)(text, list(self.names)).text(marked)

    def __str__(self) -> str:
        return self._marked(self.text)

    def of(self, group: str) -> Formula:
        """The formula of one group, its own constants in it.

        Raises:
            InputError: a group that it was not fitted to.
        """
        self._check([group])
        return self._with({name: values[group] for name, values in self.parameters.items()})

    def mean(self) -> Formula:
        """The formula with the means of the groups' constants."""
        return self._with(
            {
                name: Constant(float(np.mean([c.value for c in values.values()])), math.nan)
                for name, values in self.parameters.items()
            }
        )

    def in_words(self, words: Words | None) -> str:
        """As of a `Formula`: of the one with the means of the groups' constants."""
        return self.mean().in_words(words)

    @property
    def texts(self) -> tuple[str, ...]:
        """That of every group, in the inputs alone."""
        return tuple(map(self._text_of, self.group_labels))

    def _text_of(self, group: str) -> str:
        return self._text_with({name: values[group] for name, values in self.parameters.items()})

    def _text_with(self, own: Mapping[str, Constant]) -> str:
        texts = [*self.own_names, *(f"({constant.value!r})" for constant in own.values())]
        return self._expression.text(texts)

    def _tell_units(
        self, exponents: Sequence[Sequence[Sequence[float]]], known: PhysicalConstants
    ) -> None:
        # The numbers of a group's text are the numbers (None) and the parameters of this one, in
        # order, but where one is written otherwise for its value.
        count = len(self.own_names)
        leaves = [
            None if kind == "constant" else self.names[column]
            for kind, column, _ in self._expression.nodes
            if kind == "constant" or (kind == "variable" and column >= count)
        ]
        if any(len(own) != len(leaves) for own in exponents):
            return
        numbers = [e for e, name in zip(exponents[0], leaves, strict=True) if name is None]
        super()._tell_units([numbers], known)
        for label, own in zip(self.group_labels, exponents, strict=True):
            for name, values in self.parameters.items():
                places = [e for e, leaf in zip(own, leaves, strict=True) if leaf == name]
                units = {known.units.written(e) for e in places}
                if len(units) == 1:
                    values[label] = replace(values[label], unit=units.pop())

    def _with(self, own: Mapping[str, Constant]) -> Formula:
        count = len(self.own_names)
        formula = Formula(
            self._text_with(own),
            self.own_names,
            self.loss,
            None if self.ranges is None else self.ranges[:count],
            None if self.labels is None else self.labels[:count],
        )
        formula.parts = {
            name: part._with({p: own[p] for p in part.parameters})
            if isinstance(part, GroupedFormula)
            else part
            for name, part in self.parts.items()
        }
        return formula

    def __call__(
        self,
        X: object,
        *,
        groups: object = None,
        new: New = "error",
        threads: int | None = None,
    ) -> npt.NDArray[np.float64]:
        """Values of the formula.

        Args:
            X: as for a `Formula`; a table may have the column of the groups. Or an array of the
                inputs and, behind them, the parameters.
            groups: (n,) the group of every row, where X has no such column.
            new: what a row of a group is that it was not fitted to: an "error", or of the "mean"
                of the groups' constants.
            threads: how many to use; None for all cores.

        Raises:
            InputError: as for a `Formula`; groups that are not given, or new.
        """
        return super().__call__(self._rows(X, groups, new), threads=threads)

    def gradient(self, X: object, *, threads: int | None = None) -> npt.NDArray[np.float64]:
        """Derivatives by every input; X is a table with the column of the groups."""
        slopes = super().gradient(self._rows(X, None, "error"), threads=threads)
        return slopes[:, : len(self.own_names)]

    def hessian(self, X: object, *, threads: int | None = None) -> npt.NDArray[np.float64]:
        """Second derivatives by every two inputs; X is a table with the column of the groups."""
        count = len(self.own_names)
        curves = super().hessian(self._rows(X, None, "error"), threads=threads)
        return curves[:, :count, :count]

    def _columns(self, X: object) -> FloatMatrix:
        return X.values if isinstance(X, _Rows) else self._rows(X, None, "error").values

    def _rows(self, X: object, groups: object, new: New) -> _Rows:
        scalars.choice(new, "new", ("error", "mean"))
        if groups is None:
            if isinstance(X, np.ndarray) and X.ndim == 2 and X.shape[1] == len(self.names):
                return _Rows(checks.matrix(X, min_rows=1).values)
            X, groups = taken(X, self.groups)
        _, read = Groups.read(None, groups)
        own = self.own_names
        labels = None if self.labels is None else self.labels[: len(own)]
        inputs = inputs_of(checks.matrix(X, min_rows=1), own, labels, "the formula")
        return _Rows(self.with_parameters(inputs, read.check(len(inputs)), new))

    def with_parameters(self, inputs: FloatMatrix, groups: Groups, new: New) -> Floats:
        """(n, d) inputs and behind them the parameters of the rows' groups."""
        present = [groups.labels[k] for k in np.unique(groups.index)]
        if new == "error":
            self._check(present)
        columns = []
        for values in self.parameters.values():
            mean = float(np.mean([constant.value for constant in values.values()]))
            own = [values[label].value if label in values else mean for label in groups.labels]
            columns.append(np.array(own)[groups.index])
        return np.ascontiguousarray(np.column_stack([inputs, *columns]), dtype=np.float64)

    def _check(self, labels: Sequence[str]) -> None:
        known = self.group_labels
        if missing := [label for label in labels if label not in known]:
            more = ", ..." if len(known) > MOST_LISTED else ""
            raise InputError(
                f"groups: {missing[0]!r} is new to the formula, which has constants of "
                f'{", ".join(known[:MOST_LISTED])}{more}; fit it to such rows, or give new="mean"'
            )

    def fit(self, *_: Any, **__: Any) -> Formula:
        """Raises:
        InputError: always; a search with groups fits, and `of` gives one group's formula.
        """
        raise InputError("groups: the constants of groups are fitted by a search; fit form.of(...)")

    def refit(self, *_: Any, **__: Any) -> Formula:
        """As `fit`."""
        return self.fit()

    def rows(self) -> list[list[str]]:
        """The groups' constants as texts, a row each below one of names."""
        names = list(self.parameters)
        rows = [[self.groups, *names, *(["left out"] if self.rmse else [])]]
        for label in self.group_labels:
            errors = [f"{self.rmse[label]:.3g}"] if label in self.rmse else []
            rows.append([label, *(str(self.parameters[name][label]) for name in names), *errors])
        return rows

    def table(self) -> str:
        """The groups' constants, a line each, and the errors of rows left out of their fits."""
        rows = self.rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        )

    def _saved(self) -> dict[str, object]:
        return super()._saved() | {
            "groups": self.groups,
            "parameters": {
                name: {
                    label: [c.value, c.standard_error if c.standard_error >= 0 else None]
                    for label, c in values.items()
                }
                for name, values in self.parameters.items()
            },
            "rmse": {k: v if math.isfinite(v) else None for k, v in self.rmse.items()},
        }

    @staticmethod
    def read(
        saved: Mapping[str, Any],
        names: Sequence[str],
        loss: float,
        ranges: Ranges | None,
        labels: Sequence[str] | None,
    ) -> GroupedFormula:
        """What a saved front says of it; names, ranges and labels are the inputs'."""
        parameters = {
            str(name): {
                str(label): Constant(float(value), math.nan if error is None else float(error))
                for label, (value, error) in values.items()
            }
            for name, values in saved["parameters"].items()
        }
        groups = str(saved["groups"])
        rmse = {str(k): math.nan if v is None else float(v) for k, v in saved["rmse"].items()}
        text = str(saved["text"])
        formula = GroupedFormula(text, names, parameters, groups, loss, ranges, labels, rmse)

        def part(text: str, names: Sequence[str]) -> Formula:
            own = {name: parameters[name] for name in names if name in parameters}
            inputs = [name for name in names if name not in own]
            return GroupedFormula(text, inputs, own, groups) if own else Formula(text, inputs)

        saved_parts = saved.get("parts", {}).items()
        formula.parts = {str(name): part(text, own) for name, (text, own) in saved_parts}
        return formula

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GroupedFormula) and self._saved() == other._saved()

    def __hash__(self) -> int:
        return hash((self.text, self.names))

    def __reduce__(self) -> tuple[object, ...]:
        count = len(self.own_names)
        ranges = None if self.ranges is None else self.ranges[:count]
        labels = None if self.labels is None else self.labels[:count]
        told = (self._saved(), self.own_names, self.loss, ranges, labels)
        return _unpickled, (*told, self.parameters, self.constants)


class _Rows:
    """Inputs and the groups' constants side by side, checked."""

    def __init__(self, values: FloatMatrix) -> None:
        self.values = values


def _unpickled(
    saved: Mapping[str, Any],
    names: Sequence[str],
    loss: float,
    ranges: Ranges | None,
    labels: Sequence[str] | None,
    parameters: dict[str, dict[str, Constant]],
    constants: Constants,
) -> GroupedFormula:
    formula = GroupedFormula.read(saved, names, loss, ranges, labels)
    formula.parameters, formula.constants = parameters, constants
    return formula
