"""What sympy can still shorten after the core's own canonical form."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from closedform import _core
from closedform.formula import Formula

# sympy's general algorithms take seconds on large expressions with floating-point constants.
LARGEST_SIZE = 40


def shorter(formula: Formula, operators: Iterable[str]) -> str | None:
    """Text of an equal formula with fewer nodes and the same operators, or None.

    Tries what the core does not: common factors (x*y + x*z), common denominators and trigonometric
    identities. The caller scores the text anew.
    """
    if formula.complexity > LARGEST_SIZE or formula.complexity < 5:
        return None
    import sympy

    transforms: list[Callable[[Any], Any]] = [sympy.factor_terms, sympy.together]
    if formula.operators & {"sin", "cos", "tan"}:
        transforms.append(_trigonometric)
    names = list(formula.names)
    allowed = list(operators)
    best: str | None = None
    size = formula.complexity
    for transform in transforms:
        # Anything sympy cannot do, or writes with functions we do not have, is no candidate.
        with contextlib.suppress(ValueError, TypeError, NotImplementedError, ArithmeticError):
            text = str(transform(formula.sympy())).replace("Abs(", "abs(")
            expression = _core.Expression(text, names).simplified(allowed)
            if expression.complexity < size and set(expression.operators) <= set(allowed):
                best, size = expression.text(names), expression.complexity
    return best


def _trigonometric(expression: Any) -> Any:
    """By trigonometric identities of functions whose arguments are taken as they stand.

    sympy's own way expands sines and cosines of sums and products, which can take minutes and ends
    where it began: so it is shown one symbol for every argument, and nothing at all where no
    identity can apply, that is where no argument has two functions and no function a power.
    """
    import sympy

    kinds = (sympy.sin, sympy.cos, sympy.tan)
    functions = expression.atoms(*kinds)
    # sin(u) and cos(2*u) have identities, sin(u) and cos(1.93*u) have none.
    parts = {function: function.args[0].as_coeff_Mul(rational=True) for function in functions}
    symbols = {inner: sympy.Dummy(real=True) for _, inner in parts.values()}
    powers = any(isinstance(power.base, kinds) for power in expression.atoms(sympy.Pow))
    if len(symbols) == len(functions) and not powers:
        return expression
    flat = {f: f.func(factor * symbols[inner]) for f, (factor, inner) in parts.items()}
    back = {symbol: inner for inner, symbol in symbols.items()}
    return sympy.trigsimp(expression.xreplace(flat)).xreplace(back)
