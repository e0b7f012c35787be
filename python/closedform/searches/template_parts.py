"""Unknown functions of a template as users write them, and as the core does: in a1, a2, ..."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from closedform import _core
from closedform.errors import InputError
from closedform.formulas.form import Form
from closedform.formulas.formula import Formula
from closedform.formulas.grouped import GroupedFormula
from closedform.tables import scalars


def nothing_found(with_rules: bool) -> InputError:
    """For who asked for a form that no formula of the rows has."""
    if with_rules:
        return InputError(
            "template: no formula of this form was found that keeps the units and limits; give it "
            "more time, or others of them"
        )
    return InputError("template: no formula of this form has a value at every row of X")


def plain_names(count: int) -> list[str]:
    """Of a function's arguments, wherever it stands."""
    return [f"a{k}" for k in range(1, count + 1)]


def argument_names(form: _core.Template, names: Sequence[str]) -> list[list[str]]:
    """Of every unknown function's arguments: the inputs that it is first given, a1, a2, ... where
    those are no different inputs."""
    called = form.arguments(list(names))
    return [
        own if set(own) <= set(names) and len(set(own)) == count else plain_names(count)
        for (_, count), own in zip(form.unknowns, called, strict=True)
    ]


def nodes_of(template: _core.Template, texts: Sequence[str]) -> int:
    """Of the unknown functions' expressions together."""
    return sum(
        _core.Expression(text, plain_names(count)).complexity
        for text, (_, count) in zip(texts, template.unknowns, strict=True)
    )


@dataclass(frozen=True)
class Whole:
    """A template with expressions for its unknown functions.

    Attributes:
        names: of the inputs. texts: of the expressions, in a1, a2, ...
        form: in the inputs and the expressions' constants, each once however often its function
            stands in the template; with the values that these have.
    """

    template: _core.Template
    names: tuple[str, ...]
    texts: tuple[str, ...]
    form: Form

    @staticmethod
    def of(template: _core.Template, names: tuple[str, ...], texts: Sequence[str]) -> Whole | None:
        """None where it is too long, or has a constant that stands nowhere."""
        values = template.constants(texts)
        free = (f"c{k}" for k in range(1, len(values) + len(names) + 1))
        own = [name for name in free if name not in names][: len(values)]
        try:
            written = template.text(texts, [*names, *own])
            form = Form.read(written, names, dict.fromkeys(own))
        except (InputError, ValueError):
            return None
        return Whole(template, names, tuple(texts), form.with_values(values))

    @property
    def nodes(self) -> int:
        return nodes_of(self.template, self.texts)

    def functions(self, constants: Sequence[str]) -> list[tuple[str, str, list[str], list[str]]]:
        """Of every unknown function name, text, names of its arguments and, of `constants`, the
        texts in place of all, its own."""
        found, left = [], list(constants)
        called = argument_names(self.template, self.names)
        for (name, count), text, names in zip(
            self.template.unknowns, self.texts, called, strict=True
        ):
            expression = _core.Expression(text, plain_names(count))
            form = Form.of_numbers(expression, tuple(plain_names(count)))
            own, left = left[: len(form.values)], left[len(form.values) :]
            found.append((name, form.expression().text([*names, *own]), names, own))
        return found

    def formulas(self, values: Sequence[float]) -> dict[str, Formula]:
        """The unknown functions, with these constants."""
        texts = [f"({value!r})" for value in values]
        return {name: Formula(text, names) for name, text, names, _ in self.functions(texts)}


def texts_of_parts(form: _core.Template, formula: Formula) -> list[list[str]]:
    """Of a formula found in the template, in a1, a2, ...; of groups those of each."""
    found = []
    for name, count in form.unknowns:
        part = formula.parts[name]
        found.append(
            [_core.Expression(t, part.own_names).text(plain_names(count)) for t in part.texts]
        )
    most = max(map(len, found))
    return [[own[min(g, len(own) - 1)] for own in found] for g in range(most)]


def begun(
    form: _core.Template, names: Sequence[str], start: Iterable[object]
) -> list[tuple[str, ...]]:
    """Of formulas to begin with the unknown functions' expressions, in a1, a2, ...

    start: formulas found in a template, or mappings from functions to expressions, in a1, a2, ...
        or in the inputs that the function is first given; numbers begin at 1 where they are not
        given.

    Raises:
        InputError: names what is missing, or what is no such expression.
    """
    return [_expressions(form, names, one) for one in start]


def _expressions(form: _core.Template, names: Sequence[str], given: object) -> tuple[str, ...]:
    known = [name for name, _ in form.unknowns]
    if isinstance(given, Formula) and given.parts:
        given = given.parts
    if not isinstance(given, Mapping):
        functions = ", ".join(f"{name!r}: ..." for name, count in form.unknowns if count)
        raise InputError(
            f"start: {str(given)!r} does not say what the template's functions are; give "
            f"{{{functions}}}, or a formula that was found in a template"
        )
    own = scalars.mapping(given, "start", "expressions by function")
    for name in own:
        if name not in known:
            raise InputError(
                f"start: {name!r} is no function of the template; those are {', '.join(known)}"
            )
    texts = []
    for (name, count), called in zip(form.unknowns, argument_names(form, names), strict=True):
        if count and name not in own:
            raise InputError(f"start: has no expression for {name!r}; give one, such as 'a1'")
        texts.append(_expression(name, own.get(name, 1.0), count, called))
    return tuple(texts)


def _expression(name: str, given: object, count: int, called: Sequence[str]) -> str:
    """In a1, a2, ..."""
    plain = plain_names(count)
    if isinstance(given, Formula):
        one = given.mean() if isinstance(given, GroupedFormula) else given
        if len(one.names) != count:
            raise InputError(
                f"start: {name}: is of {len(one.names)} inputs, the function has {count} arguments"
            )
        return one._expression.text(plain)
    if not isinstance(given, str):
        given = repr(scalars.real(given, f"start: {name}"))
    try:
        return _core.Expression(given, called).text(plain)
    except ValueError as error:
        try:
            return _core.Expression(given, plain).text(plain)
        except ValueError:
            raise InputError(f"start: {name}: {error}") from error
