"""Value, gradient and Hessian of a formula's text the slow and obvious way.

The text, which is Python, is walked in forward mode at all rows at once, in numpy's long double.
Each number carries a bound of the error that the same arithmetic in double makes.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

Wide = Any  # an array of np.longdouble: 11 bits more than double


class Real:
    """A value, and in units of double's rounding the error (to first order) of computing it."""

    def __init__(self, value: Wide, error: Wide = 0.0) -> None:
        self.value, self.error = value, error

    def __add__(self, other: Real) -> Real:
        value = self.value + other.value
        return Real(value, self.error + other.error + abs(value))

    def __mul__(self, other: Real) -> Real:
        value = self.value * other.value
        error = abs(self.value) * other.error + abs(other.value) * self.error
        return Real(value, error + abs(value))

    def apply(self, value: Wide, slope: Wide) -> Real:
        return Real(value, abs(slope) * self.error + 2 * abs(value))


ONE = np.longdouble(1)


def constant(value: float) -> Real:
    return Real(np.longdouble(value))


def inverse(a: Real) -> Real:
    return a.apply(1 / a.value, 1 / a.value**2)


def exp(a: Real) -> Real:
    return a.apply(np.exp(a.value), np.exp(a.value))


def root(a: Real) -> Real:
    return a.apply(np.sqrt(a.value), 0.5 / np.sqrt(a.value))


@np.vectorize
def _erf(value: Wide) -> Wide:
    high = float(value)
    with mpmath.workdps(30):
        result = mpmath.erf(mpmath.mpf(high) + mpmath.mpf(float(value - high)))
        return np.longdouble(float(result)) + np.longdouble(float(result - float(result)))


def decided(difference: Real, value: Wide) -> Real:
    """A value that the sign of a difference decides: none where rounding does."""
    open_ = abs(difference.value) <= 1e-12 * difference.error
    return Real(value, np.where(open_, np.inf, 0.0))


def log(a: Real) -> Real:
    return a.apply(np.log(a.value), 1 / a.value)


def power(a: Real, b: Real) -> Real:
    value = np.power(a.value, b.value)
    error = abs(b.value * np.power(a.value, b.value - 1)) * a.error + 2 * abs(value)
    moves = np.any(b.error != 0)
    return Real(value, error + (abs(value * np.log(a.value)) * b.error if moves else 0.0))


def minus(a: Real) -> Real:
    return Real(-a.value, a.error)


def functions(name: str, a: Real) -> tuple[Real, Real, Real]:
    """Value, first and second derivative."""
    if name in ("sin", "cos"):
        sine = a.apply(np.sin(a.value), np.cos(a.value))
        cosine = a.apply(np.cos(a.value), np.sin(a.value))
        if name == "sin":
            return sine, cosine, minus(sine)
        return cosine, minus(sine), minus(cosine)
    if name == "tan":
        v = a.apply(np.tan(a.value), 1 + np.tan(a.value) ** 2)
        slope = constant(1) + v * v
        return v, slope, constant(2) * v * slope
    if name == "exp":
        v = a.apply(np.exp(a.value), np.exp(a.value))
        return v, v, v
    if name == "log":
        v = inverse(a)
        return log(a), v, minus(v * v)
    if name == "sqrt":
        v = a.apply(np.sqrt(a.value), 0.5 / np.sqrt(a.value))
        w = inverse(v)
        return v, constant(0.5) * w, constant(-0.25) * w * w * w
    if name == "tanh":
        v = a.apply(np.tanh(a.value), 1 - np.tanh(a.value) ** 2)
        slope = constant(1) + minus(v * v)
        return v, slope, constant(-2) * v * slope
    if name == "abs":
        zero = Real(0 * a.value)
        return Real(abs(a.value), a.error), Real(np.sign(a.value)), zero
    if name == "square":
        return a * a, constant(2) * a, constant(2)
    if name == "cube":
        return a * a * a, constant(3) * a * a, constant(6) * a
    if name == "inv":
        v = inverse(a)
        return v, minus(v * v), constant(2) * v * v * v
    if name == "erf":
        slope = constant(2 / np.sqrt(np.arccos(-ONE))) * exp(minus(a * a))
        return a.apply(_erf(a.value), slope.value), slope, constant(-2) * a * slope
    if name == "atan":
        slope = inverse(constant(1) + a * a)
        return a.apply(np.arctan(a.value), slope.value), slope, constant(-2) * a * slope * slope
    if name in ("asin", "acos"):
        slope = inverse(root(constant(1) + minus(a * a)))
        curve = a * slope * slope * slope
        if name == "asin":
            return a.apply(np.arcsin(a.value), slope.value), slope, curve
        return a.apply(np.arccos(a.value), slope.value), minus(slope), minus(curve)
    if name in ("sinh", "cosh"):
        sine = a.apply(np.sinh(a.value), np.cosh(a.value))
        cosine = a.apply(np.cosh(a.value), np.sinh(a.value))
        return (sine, cosine, sine) if name == "sinh" else (cosine, sine, cosine)
    if name == "log10":
        factor = constant(1 / np.log(10 * ONE))
        v = inverse(a)
        return factor * log(a), factor * v, minus(factor * v * v)
    assert name == "sign"
    zero = Real(0 * a.value)
    return decided(a, np.sign(a.value)), zero, zero


@dataclass
class Jet:
    """Value, gradient and upper triangle of the Hessian; an entry that is absent is zero."""

    value: Real
    gradient: dict[int, Real]
    hessian: dict[tuple[int, int], Real]


def total(parts: list[Real]) -> Real:
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result


def chain(operands: list[Jet], value: Real, first: list[Real], second: list[list[Real]]) -> Jet:
    """The jet of f(operands) from f's partial derivatives."""
    gradient, hessian = {}, {}
    count = range(len(operands))
    inputs = sorted({i for operand in operands for i in operand.gradient})
    for i in inputs:
        parts = [first[k] * operands[k].gradient[i] for k in count if i in operands[k].gradient]
        if parts:
            gradient[i] = total(parts)
    for i, j in itertools.combinations_with_replacement(inputs, 2):
        parts = [
            first[k] * operands[k].hessian[i, j] for k in count if (i, j) in operands[k].hessian
        ]
        parts += [
            second[k][m] * operands[k].gradient[i] * operands[m].gradient[j]
            for k in count
            for m in count
            if i in operands[k].gradient and j in operands[m].gradient
        ]
        if parts:
            hessian[i, j] = total(parts)
    return Jet(value, gradient, hessian)


def binary(op: str, a: Jet, b: Jet) -> Jet:
    one, zero = constant(1), constant(0)
    u, v = a.value, b.value
    none = [[zero, zero], [zero, zero]]
    if op == "+":
        return chain([a, b], u + v, [one, one], none)
    if op == "-":
        return chain([a, b], u + minus(v), [one, minus(one)], none)
    if op == "*":
        return chain([a, b], u * v, [v, u], [[zero, one], [one, zero]])
    if op == "/":
        w = inverse(v)
        q = u * w
        mixed = minus(w * w)
        return chain(
            [a, b], q, [w, minus(q * w)], [[zero, mixed], [mixed, constant(2) * q * w * w]]
        )
    if op in ("max", "min", ">"):
        first = u.value > v.value if op != "min" else u.value < v.value
        is_first = decided(u + minus(v), np.where(first, ONE, 0 * ONE))
        if op == ">":
            return chain([a, b], is_first, [zero, zero], none)
        value = Real(np.where(first, u.value, v.value), np.where(first, u.error, v.error))
        return chain([a, b], value, [is_first, one + minus(is_first)], none)
    assert op == "pow"
    f = power(u, v)
    lower = power(u, v + minus(one))
    by_a, by_aa = v * lower, v * (v + minus(one)) * power(u, v + constant(-2))
    if not b.gradient:
        return chain([a, b], f, [by_a, zero], [[by_aa, zero], [zero, zero]])
    size = log(Real(abs(u.value), u.error))
    by_b = f * size
    mixed = lower * (one + v * size)
    return chain([a, b], f, [by_a, by_b], [[by_aa, mixed], [mixed, by_b * size]])


def jet(text: str, names: Sequence[str], X: np.ndarray) -> Jet:
    """Walks the text, which is Python, at all rows at once."""
    operators: dict[type, str] = {
        ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "pow"
    }  # fmt: skip

    def unary(name: str, a: Jet) -> Jet:
        value, slope, curve = functions(name, a.value)
        return chain([a], value, [slope], [[curve]])

    def walk(node: ast.expr) -> Jet:
        if isinstance(node, ast.Constant):
            assert isinstance(node.value, (int, float))
            return Jet(constant(float(node.value)), {}, {})
        if isinstance(node, ast.Name):
            i = names.index(node.id)
            return Jet(Real(X[:, i].astype(np.longdouble)), {i: constant(1)}, {})
        if isinstance(node, ast.UnaryOp):
            a = walk(node.operand)
            if isinstance(node.operand, ast.Constant):
                return Jet(minus(a.value), {}, {})
            return binary("*", Jet(constant(-1), {}, {}), a)
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            operands = [walk(argument) for argument in node.args]
            make = binary if len(operands) == 2 else unary
            return make(node.func.id, *operands)
        if isinstance(node, ast.Compare):
            return binary(">", walk(node.left), walk(node.comparators[0]))
        assert isinstance(node, ast.BinOp)
        a, b = walk(node.left), walk(node.right)
        op = operators[type(node.op)]
        if op == "pow":
            named = {2.0: "square", 3.0: "cube"}.get(float(b.value.value))
            return binary("pow", a, b) if named is None else unary(named, a)
        return binary(op, a, b)

    return walk(ast.parse(text, mode="eval").body)


def columns(text: str, names: Sequence[str], X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, 1 + d + d*d) values, gradients and Hessians, and in units of rounding their errors."""
    with np.errstate(all="ignore"):
        j = jet(text, names, X)
    d = range(len(names))
    zero = constant(0)
    entries = [j.value, *(j.gradient.get(i, zero) for i in d)]
    entries += [j.hessian.get((min(i, k), max(i, k)), zero) for i in d for k in d]
    values = [np.broadcast_to(np.longdouble(entry.value), len(X)) for entry in entries]
    errors = [np.broadcast_to(np.longdouble(entry.error), len(X)) for entry in entries]
    return np.stack(values, axis=1), np.stack(errors, axis=1)
