"""Formulas as sympy has them, and what it can still shorten after the core's canonical form."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from closedform import _core
from closedform.errors import InputError

if TYPE_CHECKING:
    import sympy

    from closedform.formulas.constants import Constant
    from closedform.formulas.formula import Formula

# sympy's general algorithms take seconds on large expressions with floating-point constants.
LARGEST_SHORTENED = 40
ROUNDING = 1e-12  # of an angle, in quarter turns


def expression_of(
    expression: _core.Expression, names: Sequence[str], constants: Iterable[Constant] = ()
) -> sympy.Expr:
    """A formula as a sympy expression in real symbols.

    Args:
        constants: those of the formula that are to be as people write them, in its order; the
            others are in full.

    Raises:
        InputError: it compares numbers that are not real.
    """
    import sympy

    symbols = [sympy.Symbol(name, real=True) for name in names]
    waiting = list(constants)
    stack: list[Any] = []
    for name, column, value in expression.nodes:
        if name == "constant" and waiting and waiting[0].value == value:
            stack.append(_as_people_write(waiting.pop(0)))
        elif name == "constant":
            # As it is printed: sympy knows whole numbers from others.
            stack.append(sympy.sympify(_core.Expression(repr(value), []).text([])))
        elif name == "variable":
            stack.append(symbols[column])
        else:
            count = _core.OPERATORS[name].operands
            operands = stack[-count:]
            if name == "pow" and all(operand.is_Number for operand in operands):
                # Of whole numbers sympy computes every digit, of 9**(9**9) too.
                operands = [sympy.Float(operand) for operand in operands]
            try:
                found = _functions()[name](*operands)
                if all(operand.is_number for operand in operands):
                    found = _as_float64_has_it(found)
                stack[-count:] = [found]
            except (TypeError, ValueError) as error:  # what is larger of numbers that are not real
                raise InputError(f"formula: has no form in sympy ({error})") from error
    return stack.pop()


def readable_form(
    expression: _core.Expression, names: Sequence[str], constants: Sequence[Constant]
) -> sympy.Expr:
    """A formula for people, constants as they write them; what sympy has made of two of them has
    six digits. Raises as `expression_of`."""
    import sympy

    found = expression_of(expression, names, constants)
    own = {abs(_as_people_write(constant)) for constant in constants}
    merged = {number for number in found.atoms(sympy.Float) if abs(number) not in own}
    return found.xreplace({number: sympy.Float(number, 6) for number in merged})


def _as_people_write(constant: Constant) -> sympy.Expr:
    """A simple number (pi/8), or the digits that mean something."""
    import sympy

    size = sympy.sympify(constant.size, locals={"e": sympy.E})
    return -size if constant.value < 0 else size


def _as_float64_has_it(number: sympy.Expr) -> sympy.Expr:
    """Infinity for what is beyond the largest: of cos(exp(1e22)) sympy computes 1e22 digits."""
    import sympy

    value = sympy.N(number)
    if value is sympy.nan or isinstance(value, sympy.AccumBounds):  # the cosine of infinity
        return sympy.nan
    if abs(value) <= sys.float_info.max:
        return number
    return value * sympy.oo if value.is_extended_real else sympy.nan


def text_of(expression: object) -> str:
    """What `Formula` reads, of a sympy expression; pi and e are written as numbers.

    Raises:
        InputError: something else.
    """
    import sympy

    if not isinstance(expression, sympy.Expr):
        raise InputError(
            f"text: must be a text or a sympy expression, not {type(expression).__name__}"
        )
    numbers = {number: sympy.Float(number, 17) for number in expression.atoms(sympy.NumberSymbol)}
    text = str(expression.xreplace(numbers))
    for theirs in ("Abs(", "Max(", "Min("):
        text = text.replace(theirs, theirs.lower())
    return text


@cache
def _functions() -> dict[str, Callable[..., Any]]:
    """What sympy calls the operators."""
    import sympy

    return {
        name: eval(f"lambda a, b=None: {operator.sympy}", vars(sympy))
        for name, operator in _core.OPERATORS.items()
    }


def latex_of(expression: sympy.Expr) -> str:
    """In LaTeX."""
    import sympy

    return str(sympy.latex(expression))


def mathml_of(expression: sympy.Expr) -> str:
    """In presentation MathML, without the element `math` around it."""
    import sympy

    text = str(sympy.mathml(expression, printer="presentation"))
    return text.replace("&ExponentialE;", "e")  # double-struck, where LaTeX has the letter


def shorter(formula: Formula, operators: Iterable[str]) -> str | None:
    """Text of an equal formula with fewer nodes and the same operators, or None.

    Tries what the core does not: common factors (x*y + x*z), common denominators, one root of a
    product for several roots, factors taken into a root, and trigonometric identities. Roots may
    differ where inputs are negative: the caller scores the text anew.
    """
    if formula.complexity > LARGEST_SHORTENED or formula.complexity < 5:
        return None
    import sympy

    transforms: list[Callable[[Any], Any]] = [sympy.factor_terms, sympy.together, _one_root]
    if "sqrt" in formula.operators:
        transforms.append(_into_root)
    if formula.operators & {"sin", "cos", "tan"}:
        transforms.append(_trigonometric)
    names = list(formula.names)
    allowed = list(operators)
    best: str | None = None
    size = formula.complexity
    for transform in transforms:
        # Anything sympy cannot do, or writes with functions we do not have, is no candidate.
        with contextlib.suppress(ValueError, TypeError, NotImplementedError, ArithmeticError):
            text = text_of(transform(formula.sympy()))
            expression = _core.Expression(text, names).simplified(allowed)
            if expression.complexity < size and set(expression.operators) <= set(allowed):
                best, size = expression.text(names), expression.complexity
    return best


def _one_root(expression: Any) -> Any:
    """sqrt(x*y/z) for x**0.5*sqrt(y)/sqrt(z): equal wherever that is defined."""
    import sympy

    half = sympy.Rational(1, 2)

    def together(product: Any) -> Any:
        inside, rest = [], []
        for factor in product.args:
            base, exponent = factor.as_base_exp()
            if exponent in (half, -half):
                inside.append(base if exponent == half else 1 / base)
            else:
                rest.append(factor)
        return sympy.Mul(*rest, sympy.sqrt(sympy.Mul(*inside)))

    expression = expression.replace(
        lambda e: e.is_Pow and e.exp.is_Float and abs(e.exp) == 0.5,
        lambda e: e.base ** (half if e.exp > 0 else -half),
    )
    return expression.replace(lambda e: e.is_Mul, together)


def _into_root(expression: Any) -> Any:
    """sqrt(x**2 + y**2) for x*sqrt(1 + y**2/x**2): equal where inputs are positive."""
    import sympy

    half = sympy.Rational(1, 2)
    positive = {s: sympy.Dummy(s.name, positive=True) for s in expression.free_symbols}
    expression = expression.xreplace(positive).replace(
        lambda e: e.is_Pow and e.exp in (half, -half, 0.5, -0.5),
        lambda e: sympy.together(e.base) ** (half if e.exp > 0 else -half),
    )
    short = sympy.powsimp(sympy.expand_power_base(expression))
    return short.xreplace({dummy: symbol for symbol, dummy in positive.items()})


def _trigonometric(expression: Any) -> Any:
    """By trigonometric identities of functions whose arguments are taken as they stand.

    sympy's own way expands sines and cosines of sums and products, which can take minutes and ends
    where it began: so it is shown one symbol for every argument, and nothing at all where no
    identity can apply, that is where no argument has two functions or is doubled, and no function
    has a power.
    """
    import sympy

    kinds = (sympy.sin, sympy.cos, sympy.tan)
    expression = _without_quarter_turns(expression)
    functions = expression.atoms(*kinds)
    # sin(u) and cos(2*u) have identities, sin(u) and cos(1.93*u) have none.
    parts = {function: function.args[0].as_coeff_Mul(rational=True) for function in functions}
    symbols = {inner: sympy.Dummy(real=True) for _, inner in parts.values()}
    powers = any(isinstance(power.base, kinds) for power in expression.atoms(sympy.Pow))
    doubled = any(factor == 2 for factor, _ in parts.values())
    if len(symbols) == len(functions) and not powers and not doubled:
        return expression
    flat = {f: f.func(factor * symbols[inner]) for f, (factor, inner) in parts.items()}
    back = {symbol: inner for inner, symbol in symbols.items()}
    shown = expression.xreplace(flat)
    # A constant of 16 digits is a fraction of large integers to sympy, which it would factorise.
    constants = {abs(c): sympy.Dummy(positive=True) for c in shown.atoms(sympy.Float) if c != 1}
    signed = {c: sympy.sign(c) * constants[abs(c)] for c in shown.atoms(sympy.Float) if c != 1}
    back |= {symbol: constant for constant, symbol in constants.items()}
    return sympy.trigsimp(shown.xreplace(signed)).xreplace(back)


def _without_quarter_turns(expression: Any) -> Any:
    """cos(u) for sin(u + pi/2) and the like; the fit of a phase gives its digits."""
    import sympy

    def turned(function: Any) -> Any:
        constant, angle = function.args[0].as_coeff_Add()
        turns = float(constant) / (math.pi / 2)
        whole = round(turns)
        if whole == 0 or abs(turns - whole) > ROUNDING:
            return function
        whole += isinstance(function, sympy.cos)  # cos(u) = sin(u + pi/2)
        value = sympy.cos(angle) if whole % 2 else sympy.sin(angle)
        return -value if whole % 4 >= 2 else value

    return expression.replace(lambda e: isinstance(e, (sympy.sin, sympy.cos)), turned)
