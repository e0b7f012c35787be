"""The seven decision rules of Wetzel (arXiv 2401.04978), and when a formula is a rule's concept.

The operators are + - * / sin exp. A network that has learned a rule computes phi(g) with some
monotone phi; g is the rule's concept, and is known only up to phi: scale, offset and any outer
monotone function are free. The sizes below are those of the smallest such g.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import sympy

import closedform as cf

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]

OPERATORS = ("+", "-", "*", "/", "sin", "exp")
PARALLEL = 1e-6  # largest |u - v| of two unit gradients that count as parallel
FRESH_ROWS, FRESH_SEED = 2000, 10**6  # no training set has this seed


@dataclass(frozen=True)
class Family:
    """A form with its constants left open, by which a formula with fitted ones is judged.

    Attributes:
        text: expression in x1, x2, ... and the constants c1, c2, ...
        truth: the constants' true values.
    """

    text: str
    truth: tuple[float, ...]


@dataclass(frozen=True)
class Rule:
    """A decision rule over a box of inputs.

    Attributes:
        name: its number in the paper, "1" to "7".
        decisions: texts and thresholds; the label is whether a text's value is above its threshold.
            Where there are several, only rows on which all agree belong to the data.
        box: (low, high) of each input; rows are drawn uniformly.
        concept: the smallest form, with the operators above, of what a network must have learned
            to decide so, up to a monotone function.
        families: the forms that count as the concept of a trained network.
        paper: what the paper counts besides.
    """

    name: str
    decisions: tuple[tuple[str, float], ...]
    box: tuple[tuple[float, float], ...]
    concept: str
    families: tuple[Family, ...]
    paper: tuple[Family, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"x{j + 1}" for j in range(len(self.box)))

    @property
    def size(self) -> int:
        """Nodes of the concept; operators, constants and inputs count 1 each."""
        return cf.Formula(self.concept, self.names).complexity

    def draw(self, rows: int, seed: int, noise: float = 0.0) -> tuple[Floats, Labels]:
        """Rows of the box and their labels.

        Args:
            rows: how many.
            seed: of the rows and of the noise.
            noise: standard deviation of a factor 1 + noise * normal on every decision value.

        Returns:
            (rows, d) float64 and (rows,) bool.
        """
        rng = np.random.default_rng([int(self.name), seed])
        low, high = np.array(self.box).T
        X = np.empty((0, len(self.box)))
        labels = np.empty(0, dtype=bool)
        while len(X) < rows:
            more = rng.uniform(low, high, (rows, len(self.box)))
            above = np.stack(
                [
                    value(more) * (1 + noise * rng.normal(size=rows)) > threshold
                    for value, (_, threshold) in zip(self._values, self.decisions, strict=True)
                ]
            )
            agreed = np.all(above == above[0], axis=0)
            X = np.concatenate([X, more[agreed]])
            labels = np.concatenate([labels, above[0, agreed]])
        return np.ascontiguousarray(X[:rows]), labels[:rows]

    def unit_gradients(self, X: Floats) -> Floats:
        """Exact unit gradients of the concept, (n, d); zero where its gradient is."""
        return unit(self._gradient(X))

    @cached_property
    def _values(self) -> list[Numeric]:
        return [Numeric(text, self.names) for text, _ in self.decisions]

    @cached_property
    def _gradient(self) -> Numeric:
        return Numeric(self.concept, self.names, by=self.names)


class Numeric:
    """An expression, or its derivatives, on rows: by sympy and numpy and nothing of ours."""

    def __init__(self, text: str, names: tuple[str, ...], by: tuple[str, ...] = ()) -> None:
        symbols = [sympy.Symbol(name, real=True) for name in names]
        known = dict(zip(names, symbols, strict=True))
        value = sympy.sympify(text, locals=known)
        self._columns = [sympy.diff(value, known[name]) for name in by] or [value]
        self._function = sympy.lambdify(symbols, self._columns, "numpy")
        self._flat = not by

    def __call__(self, X: Floats) -> Floats:
        columns = self._function(*X.T)
        table = np.stack([np.broadcast_to(column, len(X)) for column in columns], axis=1)
        return np.ascontiguousarray(table[:, 0] if self._flat else table, dtype=np.float64)


def unit(gradient: Floats) -> Floats:
    """Rows over their norms; a zero row stays zero."""
    norm = np.linalg.norm(gradient, axis=1, keepdims=True)
    return np.divide(gradient, norm, out=np.zeros_like(gradient), where=norm > 0)


def mismatch(U: Floats, V: Floats) -> float:
    """Largest |u - v| over the rows of two sets of unit gradients, after one global sign."""
    sign = 1.0 if np.sum(U * V) >= 0 else -1.0
    difference = np.linalg.norm(U - sign * V, axis=1)
    return float(np.max(difference)) if np.all(np.isfinite(difference)) else math.inf


def same_concept(formula: cf.Formula, rule: Rule) -> str:
    """Why a formula is not the rule's concept in minimal form; "" if it is.

    It is when its gradients are parallel to the concept's on fresh rows, with one sign for all, and
    it has no more nodes than the concept. A small loss alone proves nothing.
    """
    X, _ = rule.draw(FRESH_ROWS, FRESH_SEED)
    off = mismatch(rule.unit_gradients(X), unit(formula.gradient(X)))
    if not off <= PARALLEL:
        return f"gradients off by up to {off:.1e}"
    if formula.complexity > rule.size:
        return f"{formula.complexity} nodes instead of {rule.size}"
    return ""


def same_form(
    formula: cf.Formula,
    rule: Rule,
    families: tuple[Family, ...] | None = None,
    within: float = 0.05,
) -> str:
    """Why a formula is not one of the rule's families with about the right constants; "" if it is.

    The family's constants are fitted to the formula's own gradients on fresh rows. The formula has
    the form if they can be made parallel, and the constants are those fitted.

    Args:
        families: others than the rule's own.
        within: largest relative error of a constant.
    """
    X, _ = rule.draw(FRESH_ROWS, FRESH_SEED)
    target = unit(formula.gradient(X))
    reasons = []
    for family in rule.families if families is None else families:
        fitted, off = _fit(family, rule.names, X, target)
        if not off <= PARALLEL:
            reasons.append(f"no {family.text}: gradients off by up to {off:.1e}")
            continue
        far = [
            f"{value:.4g} for {true:.4g}"
            for value, true in zip(fitted, family.truth, strict=True)
            if not abs(value - true) <= within * abs(true)
        ]
        if not far:
            return ""
        reasons.append(f"{family.text} with {', '.join(far)}")
    return "; ".join(reasons)


def _fit(family: Family, names: tuple[str, ...], X: Floats, target: Floats) -> tuple[Floats, float]:
    """Constants that bring a family's unit gradients nearest to the target, and the mismatch.

    Levenberg-Marquardt with numerical derivatives, from the true constants: a formula of this form
    with about these constants is what is looked for.
    """
    count = len(family.truth)
    free = tuple(f"c{k + 1}" for k in range(count))
    gradient = Numeric(family.text, names + free, by=names)

    def units(constants: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return unit(gradient(np.column_stack([X, np.tile(constants, (len(X), 1))])))

    constants = np.array(family.truth)
    sign = 1.0 if np.sum(units(constants) * target) >= 0 else -1.0

    def residual(at: Floats) -> Floats:
        return np.ravel(units(at) - sign * target)

    damping, current = 1e-3, residual(constants)
    for _ in range(100):
        steps = 1e-6 * np.maximum(np.abs(constants), 1e-3)
        ups = [residual(constants + np.eye(count)[k] * steps[k]) for k in range(count)]
        downs = [residual(constants - np.eye(count)[k] * steps[k]) for k in range(count)]
        jacobian = (np.array(ups) - np.array(downs)).T / (2 * steps)
        normal = jacobian.T @ jacobian
        scale = damping * np.diag(np.diag(normal) + 1e-12)
        moved = constants - np.linalg.solve(normal + scale, jacobian.T @ current)
        new = residual(moved)
        if np.all(np.isfinite(new)) and new @ new < current @ current:
            constants, current, damping = moved, new, damping / 10
        else:
            damping *= 10
        if damping > 1e12:
            break
    return constants, mismatch(units(constants), target)


def _square(low: float, high: float, inputs: int) -> tuple[tuple[float, float], ...]:
    return ((low, high),) * inputs


RULES = (
    Rule(
        "1",
        (("x1*x1 + 2*x2*x2", 1.0),),
        _square(-1, 1, 2),
        concept="x1*x1 + 2*x2*x2",
        families=(Family("x1*x1 + c1*x2*x2", (2.0,)),),
    ),
    Rule(
        "2",
        (("x1*x1 + 3*x1*x2 + 2*x2*x2", 5.0),),
        _square(-2, 0, 2),
        concept="(x1 + x2)*(x1 + 2*x2)",
        families=(Family("x1*x1 + c1*x1*x2 + c2*x2*x2", (3.0, 2.0)),),
        paper=(Family("c1*x1 + x2", (0.712,)),),
    ),
    Rule(
        "3",
        (("x1*x1 + sin(x2 + x3)", 1.0),),
        _square(-2, 0, 3),
        concept="x1*x1 + sin(x2 + x3)",
        families=(Family("c1*x1*x1 + sin(c2*x2 + c3*x3)", (1.0, 1.0, 1.0)),),
    ),
    Rule(
        "4",
        (("exp(x1 - x2) - pi*x3", 1.0),),
        _square(-1, 1, 3),
        concept=f"exp(x1 - x2) - {math.pi!r}*x3",
        families=(Family("exp(c1*x1 - c2*x2) - c3*x3", (1.0, 1.0, math.pi)),),
    ),
    Rule(
        "5",
        (("x1*exp(-(x2*x2 + x3*x3)/2)", 0.2),),
        ((0, 2), (-2, 2), (-2, 2)),
        # The half cannot go: x1*x1/exp(x2*x2 + x3*x3) has as many nodes.
        concept="x1/exp((x2*x2 + x3*x3)/2)",
        families=(Family("x1*exp(-(c1*x2*x2 + c2*x3*x3))", (0.5, 0.5)),),
    ),
    Rule(
        "6",
        (("x1*x2/((x3 - x4)**2 + (x5 - x6)**2)", 1.0),),
        _square(0, 2, 6),
        concept="x1*x2/((x3 - x4)*(x3 - x4) + (x5 - x6)*(x5 - x6))",
        families=(
            Family("x1*x2/(c1*(x3 - x4)**2 + (x5 - x6)**2)", (1.0,)),
            # With the threshold 0 the difference decides as the quotient with the threshold 1.
            Family("x1*x2 - c1*(x3 - x4)**2 - c2*(x5 - x6)**2", (1.0, 1.0)),
        ),
    ),
    Rule(
        "7",
        (("x1*x2", 1.0), ("x3*x4", 1.0)),
        _square(0, 2, 4),
        concept="x1*x2 + x3*x4",
        families=(Family("x1*x2 + c1*x3*x4", (1.0,)),),
    ),
)
