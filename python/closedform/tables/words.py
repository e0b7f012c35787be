"""What formulas are written in besides the operators there are: operators of the user's own, each
an expression of its operands, and what every operator, input and number counts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from closedform import _core
from closedform.errors import InputError
from closedform.tables import scalars
from closedform.tables.names import RESERVED_NAMES

LARGEST = 255  # nodes, cpp/include/closedform/expression/expression.hpp
NUMBER = "constant"  # what a number is called among what counts
_NAME = re.compile(r"[^\W\d]\w*")


class Names(tuple[str, ...]):
    """Names of inputs that bring the words of formulas of them: whatever reads such a formula's
    text is told the names, and knows the words by that.

    Attributes:
        words: what they are. vocabulary: the same as the core has it.
    """

    words: Words
    vocabulary: _core.Vocabulary

    def __new__(cls, names: Iterable[str], words: Words) -> Names:
        made = super().__new__(cls, names)
        made.words, made.vocabulary = words, words.vocabulary(made)
        return made

    def __reduce__(self) -> tuple[type[Names], tuple[tuple[str, ...], Words]]:
        return Names, (tuple(self), self.words)


@dataclass(frozen=True)
class Words:
    """Operators of the user's own, and what words count.

    Attributes:
        own: by name, text of the definition and the names of its operands in it.
        counts: of operators by name, inputs by name and numbers (`constant`); others count 1.
    """

    own: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    @staticmethod
    def read(own: Mapping[str, str], complexities: object) -> Words | None:
        """None where there are none.

        Raises:
            InputError: a name that cannot be an operator's, a definition that is none, a count that
                is no whole number from 1 to 255.
        """
        given = scalars.mapping(complexities, "complexities", "numbers by name")
        counts = {
            str(name): scalars.whole(count, f"complexities: {name}", 1, LARGEST)
            for name, count in given.items()
        }
        definitions = {name: (text, _operands(name, text)) for name, text in own.items()}
        words = Words(definitions, counts)
        return words if definitions or counts else None

    def of(self, names: Iterable[str]) -> Names:
        """Names of inputs with these words.

        Raises:
            InputError: an input that is called as an operator; a count of what there is not.
        """
        named = Names(names, self)
        for name in self.own:
            if name in named:
                raise InputError(f"operators: {name!r} is an input, too; give another name")
        for name in self.counts:
            if name not in {*named, *self.own, *_core.OPERATORS, NUMBER}:
                raise InputError(
                    f"complexities: {name!r} is no operator and no input; those are "
                    f"{', '.join(named)}; numbers are {NUMBER!r}"
                )
        return named

    def of_other_inputs(self) -> Words:
        """Without what inputs count."""
        kept = {*self.own, *_core.OPERATORS, NUMBER}
        return Words(self.own, {n: count for n, count in self.counts.items() if n in kept})

    def vocabulary(self, names: tuple[str, ...]) -> _core.Vocabulary:
        made = _core.Vocabulary()
        try:
            for name, (text, operands) in self.own.items():
                made.define(name, text, operands)
        except ValueError as error:  # there are too many
            raise InputError(str(error)) from error
        for name, count in self.counts.items():
            if name in names:
                made.count_input(names.index(name), count)
            elif name in {*self.own, *_core.OPERATORS, NUMBER}:
                made.count(name, count)
        return made


def with_words_of(names: Sequence[str], others: Sequence[str]) -> Sequence[str]:
    """Other names with the words of these, where these have any."""
    return Names(others, names.words) if isinstance(names, Names) else others


def _operands(name: str, text: object) -> tuple[str, ...]:
    """The names in a definition, by the alphabet."""
    where = f"operators: {name}"
    if not name.isidentifier() or name in RESERVED_NAMES or name == NUMBER:
        raise InputError(f"operators: {name!r} cannot be an operator's name; give another")
    definition = scalars.text(text, where)
    operands = tuple(sorted({*_NAME.findall(definition)} - {*_core.OPERATORS}))
    if len(operands) not in (1, 2):
        raise InputError(
            f"{where}: {definition!r} has {len(operands)} operands; write it in one or two names"
        )
    try:
        _core.Expression(definition, operands)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error
    return operands
