"""What a formula is to be like in the ranges of the data: monotone, convex, bounded, symmetric, of
a value at a point or in a limit. Proven by interval arithmetic where that can, else looked at at
points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from closedform import _core
from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError
from closedform.formulas.formula import Formula
from closedform.tables import scalars
from closedform.tables.rows import row_blocks

Of: TypeAlias = Literal["value", "slope", "curvature", "difference"]
Status: TypeAlias = Literal["proven", "sampled", "violated"]
Box: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]
KINDS = {
    "increasing": "inputs by which no slope is negative",
    "decreasing": "inputs by which none is positive",
    "convex": "inputs along which no curvature is negative",
    "concave": "inputs along which none is positive",
    "positive": "True",
    "bounds": "(low, high), None for none",
    "symmetric": "pairs of inputs that can be exchanged",
    "zero_at_zero": "True: 0 where all inputs are",
    "values": "pairs ({input: number}, value or (low, high))",
    "limits": "pairs ({input: number or inf}, value)",
}
SIGNS = {"increasing": 1.0, "decreasing": -1.0, "convex": 1.0, "concave": -1.0}
FEW, MANY = 64, 2000  # points a search looks at, and a front
ROUNDING, NEAR = 1e-9, 1e-6  # of the values' spread: what is no violation, and how near a value is
LIMIT = 1e-3  # how near a limit is, and how far from zero where it has none
FAR = 1e6  # ranges from the data, where there is a limit
MOST_BOXES = 400  # that a proof looks at
MOST_CORNERS = 6  # inputs whose corners are among the points


@dataclass(frozen=True)
class Constraint:
    """One of them: what is between two numbers, in a box.

    Attributes:
        text: what it says.
        of: what is between low and high: the value, the slope or curvature by the first of
            `inputs`, or what an exchange of the two changes, over the largest value.
        box: (lows, highs) of all inputs.
        limit: whether it is one at the end of the box, of which no box says what comes behind.
    """

    text: str
    of: Of
    inputs: tuple[int, ...]
    low: float
    high: float
    box: Box
    limit: bool = False

    def points(self, count: int) -> Floats:
        """(count or twice as many, d): drawn from the box, its corners among them."""
        low, high = (np.array(side) for side in self.box)
        drawn = np.random.default_rng(0).uniform(size=(count, len(low)))
        sides = [j for j in range(len(low)) if high[j] > low[j]][:MOST_CORNERS]
        corners = list(itertools.product((0.0, 1.0), repeat=len(sides)))[: count // 2]
        drawn[np.ix_(range(len(corners)), sides)] = corners
        points: Floats = np.ascontiguousarray(low + (high - low) * drawn)
        if self.of != "difference":
            return points
        return np.vstack([points, self._exchanged(points)])

    def _exchanged(self, points: Floats) -> Floats:
        swapped = points.copy()
        swapped[:, list(self.inputs)] = points[:, list(self.inputs[::-1])]
        return swapped

    def rule(self, rules: _core.FormulaRules, count: int) -> None:
        """Puts it into the rules of a search of these inputs, looked at at so many points."""
        rules.shape(self.of, self.inputs[0], self.low, self.high, self.points(count))

    def proven(self, formula: Formula) -> bool:
        """Whether interval arithmetic tells that it holds in the whole box."""
        if self.limit:
            return False
        expression = formula._expression
        if self.of == "difference":
            own = list(formula.names)
            i, j = self.inputs
            own[i], own[j] = own[j], own[i]
            operators = sorted({*expression.operators, "+", "-", "*", "/", "pow"})
            swapped = _core.Expression(expression.text(own), formula.names)
            texts = {one.simplified(operators).text(own) for one in (expression, swapped)}
            return len(texts) == 1
        if self.of == "value":
            return self._within(expression, expression.interval)
        if self.of == "curvature":
            slope = _slope(formula, self.inputs[0])
            if slope is None:
                return False
            expression = slope
        return self._within(
            expression, lambda low, high: expression.interval_gradient(low, high)[self.inputs[0]]
        )

    def _within(
        self,
        expression: _core.Expression,
        enclosed: Callable[[Sequence[float], Sequence[float]], tuple[float, float, bool]],
    ) -> bool:
        """Whether all of the box is between low and high, cut in halves until that is told."""
        read = {column for name, column, _ in expression.nodes if name == "variable"}
        widths = [
            high - low if j in read and math.isfinite(high - low) else 0.0
            for j, (low, high) in enumerate(zip(*self.box, strict=True))
        ]
        waiting = [self.box]
        for _ in range(MOST_BOXES):
            if not waiting:
                return True
            low, high = waiting.pop()
            least, most, defined = enclosed(low, high)
            if defined and least >= self.low and most <= self.high:
                continue
            if defined and (most < self.low or least > self.high):
                return False
            parts = [
                (b - a) / width if width > 0 else 0.0
                for a, b, width in zip(low, high, widths, strict=True)
            ]
            j = int(np.argmax(parts))
            if parts[j] < 1e-6:
                return False
            middle = 0.5 * (low[j] + high[j])
            waiting.append((low, (*high[:j], middle, *high[j + 1 :])))
            waiting.append(((*low[:j], middle, *low[j + 1 :]), high))
        return not waiting


def _slope(formula: Formula, j: int) -> _core.Expression | None:
    """The derivative by an input; None for what sympy has none of that we could read."""
    import sympy

    from closedform.formulas.sympy_forms import text_of

    try:
        symbol = sympy.Symbol(formula.names[j], real=True)
        return _core.Expression(text_of(formula.sympy().diff(symbol)), tuple(formula.names))
    except ValueError:
        return None


@dataclass(frozen=True)
class Constraints:
    """Several of them, of one search."""

    each: tuple[Constraint, ...]

    @staticmethod
    def read(given: object, names: Sequence[str], X: FloatMatrix, y: Floats) -> Constraints | None:
        """None where there are none.

        Args:
            given: by kind (KINDS). names: of the inputs.
            X, y: (n, d) and (n,): the data, whose ranges they are to hold in.

        Raises:
            InputError: a kind, an input or a number that cannot be; the message names it.
        """
        if given is None:
            return None
        kinds = scalars.mapping(given, "constraints", "what there is by kind")
        for kind in kinds:
            if kind not in KINDS:
                known = ", ".join(f"{name} ({what})" for name, what in KINDS.items())
                raise InputError(f"constraints: {kind!r} is none; there are {known}")
        low = np.min([block.min(axis=0) for _, block in row_blocks(X)], axis=0)
        high = np.max([block.max(axis=0) for _, block in row_blocks(X)], axis=0)
        reader = _Reader(
            tuple(names), (tuple(low.tolist()), tuple(high.tolist())), float(np.std(y))
        )
        return Constraints(tuple(one for k, what in kinds.items() for one in reader.read(k, what)))

    def rules(self, rules: _core.FormulaRules, count: int = FEW) -> None:
        """Puts them into the rules of a search, each looked at at so many points."""
        for one in self.each:
            one.rule(rules, count)

    def hold(self, formula: Formula) -> bool:
        """At many points."""
        rules = _core.FormulaRules(formula.names)
        self.rules(rules, MANY)
        return rules.allow(formula.text, formula.names)

    def checked(self, formula: Formula) -> dict[str, Status]:
        """Of every one by its text, how it is known to hold, or that it does not."""
        found: dict[str, Status] = {}
        for one in self.each:
            rules = _core.FormulaRules(formula.names)
            one.rule(rules, MANY)
            holds = rules.allow(formula.text, formula.names)
            found[one.text] = (
                "violated" if not holds else "proven" if one.proven(formula) else "sampled"
            )
        return found


def _number(value: object, where: str) -> float:
    number = scalars.real(value, where)
    if math.isnan(number):  # which nothing is within
        raise InputError(f"{where}: is NaN; give a number")
    return number


@dataclass(frozen=True)
class _Reader:
    """Makes constraints of what was given.

    Attributes:
        names: of the inputs. box: the data's. spread: of the target.
    """

    names: tuple[str, ...]
    box: Box
    spread: float

    def read(self, kind: str, what: Any) -> list[Constraint]:
        if kind in SIGNS:
            return [self._signed(kind, name) for name in self._inputs(kind, what)]
        if kind == "positive":
            scalars.flag(what, "constraints: positive")
            return [self._value("positive", -ROUNDING * self.spread, math.inf)] if what else []
        if kind == "bounds":
            low, high = self._pair(what, "constraints: bounds")
            slack = ROUNDING * self.spread
            text = f"between {low:g} and {high:g}"
            return [self._value(text, low - slack, high + slack)]
        if kind == "symmetric":
            return [self._symmetric(pair) for pair in self._several(kind, what)]
        if kind == "zero_at_zero":
            scalars.flag(what, "constraints: zero_at_zero")
            zero = dict.fromkeys(self.names, 0.0)
            return [self._at("zero at zero", zero, (0.0, 0.0), NEAR)] if what else []
        return [self._of_point(kind, pair) for pair in self._several(kind, what)]

    def _signed(self, kind: str, name: str) -> Constraint:
        j = self.names.index(name)
        width = (self.box[1][j] - self.box[0][j]) or 1.0
        of: Of = "slope" if kind in ("increasing", "decreasing") else "curvature"
        slack = ROUNDING * self.spread / width ** (1 if of == "slope" else 2)
        low, high = (-slack, math.inf) if SIGNS[kind] > 0 else (-math.inf, slack)
        return Constraint(f"{kind} in {name}", of, (j,), low, high, self.box)

    def _value(self, text: str, low: float, high: float, box: Box | None = None) -> Constraint:
        return Constraint(text, "value", (0,), low, high, box or self.box)

    def _symmetric(self, pair: Any) -> Constraint:
        names = self._inputs("symmetric", pair)
        if len(names) != 2 or names[0] == names[1]:
            raise InputError(f"constraints: symmetric: {pair!r} are not two inputs")
        inputs = tuple(self.names.index(name) for name in names)
        low, high = list(self.box[0]), list(self.box[1])
        for j in inputs:  # what may be exchanged lies in both ranges
            low[j] = min(self.box[0][i] for i in inputs)
            high[j] = max(self.box[1][i] for i in inputs)
        text = f"symmetric in {' and '.join(names)}"
        box = tuple(low), tuple(high)
        return Constraint(text, "difference", inputs, -ROUNDING, ROUNDING, box)

    def _of_point(self, kind: str, pair: Any) -> Constraint:
        where = f"constraints: {kind}"
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
            raise InputError(f"{where}: {pair!r} is no pair ({{input: number}}, value)")
        given = scalars.mapping(pair[0], where, "numbers by input")
        place = {n: _number(x, f"{where}: {n}") for n, x in given.items()}
        self._inputs(kind, list(place))
        told = ", ".join(f"{name} = {x:g}" for name, x in place.items())
        if kind == "values":
            value = pair[1]
            between = self._pair(value, where) if isinstance(value, (tuple, list)) else (value,) * 2
            low, high = (_number(x, where) for x in between)
            said = f"{low:g}" if low == high else f"{low:g} to {high:g}"
            return self._at(f"{said} at {told}", place, (low, high), NEAR)
        value = _number(pair[1], where)
        near = {n: self._near(self.names.index(n), x) for n, x in place.items()}
        made = self._at(f"to {value:g} for {told}", near, (value, value), LIMIT)
        return replace(made, limit=True)

    def _near(self, j: int, x: float) -> float:
        """A number as near to where there is a limit as is looked at."""
        low, high = self.box[0][j], self.box[1][j]
        size = max(abs(low), abs(high), high - low)
        return math.copysign(FAR * size, x) if math.isinf(x) else x + (high - low) / FAR

    def _at(
        self, text: str, place: Mapping[str, float], between: tuple[float, float], near: float
    ) -> Constraint:
        low, high = list(self.box[0]), list(self.box[1])
        for name, x in place.items():
            low[self.names.index(name)] = high[self.names.index(name)] = x
        slack = near * max(self.spread, *(abs(x) for x in between if math.isfinite(x)), 0.0)
        least, most = between[0] - slack, between[1] + slack
        if math.isinf(between[0]):  # far enough to be on its way
            far = self.spread / LIMIT
            least, most = (far, math.inf) if between[0] > 0 else (-math.inf, -far)
        return self._value(text, least, most, (tuple(low), tuple(high)))

    def _inputs(self, kind: str, given: Any) -> tuple[str, ...]:
        where = f"constraints: {kind}"
        texts = (given,) if isinstance(given, str) else scalars.texts(given, where)
        for name in texts:
            if name not in self.names:
                raise InputError(
                    f"{where}: {name!r} is no input; those are {', '.join(self.names)}"
                )
        return texts

    def _several(self, kind: str, given: Any) -> list[Any]:
        if not isinstance(given, (list, tuple)):
            raise InputError(f"constraints: {kind}: give a list of {KINDS[kind]}")
        return list(given)

    def _pair(self, given: Any, where: str) -> tuple[float, float]:
        if not (isinstance(given, (tuple, list)) and len(given) == 2):
            raise InputError(f"{where}: {given!r} is no pair (low, high)")
        low, high = (
            ends if one is None else scalars.real(one, where)
            for one, ends in zip(given, (-math.inf, math.inf), strict=True)
        )
        if not low <= high:
            raise InputError(f"{where}: {low:g} is above {high:g}; give (low, high)")
        return low, high
