"""What a search fits to every group: a formula, or a template with its functions' expressions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from closedform import _core
from closedform._typing import Floats
from closedform.formulas.constants import Constant
from closedform.formulas.form import Form
from closedform.formulas.formula import Formula
from closedform.formulas.grouped import GroupedFormula
from closedform.formulas.places import constants_at_places
from closedform.searches.backends import dispatch, native
from closedform.searches.backends.found import Found
from closedform.searches.objectives import Values
from closedform.searches.settings import Settings
from closedform.searches.template_parts import Whole, begun
from closedform.tables.checks import Matrix


@dataclass(frozen=True)
class Shape:
    """A formula whose constants every group has its own values of.

    Attributes:
        formula: with the constants that the islands found; those of a template have their parts.
        form: the same, with names in place of the constants.
        nodes: of what was searched.
        whole: of which formula it is; None where there is no template.
    """

    formula: Formula
    form: Form
    nodes: int
    whole: Whole | None = None

    @staticmethod
    def of_text(text: str, names: tuple[str, ...]) -> Shape:
        formula = Formula(text, names)
        form = Form.of_numbers(formula._expression, formula.names)
        return Shape(formula, form, formula.complexity)

    @staticmethod
    def of_parts(
        template: _core.Template, names: tuple[str, ...], texts: Sequence[str]
    ) -> Shape | None:
        """None where the whole is too long."""
        whole = Whole.of(template, names, texts)
        if whole is None:
            return None
        formula = Formula(template.text(texts, list(names)), names)
        formula.parts = whole.formulas(template.constants(texts))
        return Shape(formula, whole.form, whole.nodes, whole)

    @property
    def constants(self) -> list[float]:
        """The form's, as the islands found them."""
        return [value for value in self.form.values.values() if value is not None]

    def refit(
        self, constants: Sequence[float], X: Floats, y: Floats, weights: Floats
    ) -> tuple[list[float], float]:
        """Those of the rows, from others on, and the loss."""
        if self.whole is not None:
            return self.whole.template.refit(self.whole.texts, constants, X, y, weights)
        expression = self.formula._expression
        own, loss = expression.with_constants(constants).refit(X, y, weights)
        return constants_at_places(expression, own), loss

    def parts(
        self,
        constants: Sequence[str],
        parameters: dict[str, dict[str, Constant]],
        groups: str,
    ) -> dict[str, Formula]:
        """The template's functions: of the groups where they have some of the parameters."""
        found: dict[str, Formula] = {}
        functions = [] if self.whole is None else self.whole.functions(constants)
        for name, text, names, texts in functions:
            own = {one: parameters[one] for one in texts if one in parameters}
            found[name] = GroupedFormula(text, names, own, groups) if own else Formula(text, names)
        return found


class Shapes:
    """What the islands find, in the order they find it: formulas, or with a template the
    expressions of its functions."""

    def __init__(self, names: tuple[str, ...], form: _core.Template | None) -> None:
        self.names, self.form = names, form
        self.texts: list[str] = []
        self.parts: list[tuple[str, ...]] = []

    def add_start(self, table: Matrix, settings: Settings) -> None:
        """The user's formulas to begin with."""
        if self.form is None:
            self.texts = native.begun(table, settings)
        else:
            self.parts = begun(self.form, self.names, settings.start)

    def search(self, table: Matrix, objective: Values, settings: Settings) -> Found:
        if self.form is None:
            found = dispatch.search(table, objective, settings)
            self.texts += [text for text, _ in [*found.entries, *found.rivals]]
            return found
        own = replace(settings, template=self.form, start=())
        found = native.evolved(table, objective, own, self.parts)
        self.parts += [tuple(parts) for parts in found.parts]
        return found

    def found(self) -> Iterator[Shape]:
        """Each once."""
        for text in dict.fromkeys(self.texts):
            yield Shape.of_text(text, self.names)
        for parts in dict.fromkeys(self.parts):
            if self.form is not None and (one := Shape.of_parts(self.form, self.names, parts)):
                yield one
