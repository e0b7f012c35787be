"""The exponential of a formula: logarithms among its terms become factors."""

from __future__ import annotations

from collections.abc import Sequence

from closedform.formulas.formula import Formula

# The exponential of a sum of logarithms is a product of powers; measured exponents that are as
# near to a multiple of one half as this are tried as it.
NEAR = 0.1
ROUNDED = 1e-9


def exponentials(logarithm: Formula, operators: Sequence[str]) -> list[str]:
    """Texts of exp(formula) in the operators given, logarithms among its terms as factors; with
    the exponents as they are, and as multiples of one half."""
    texts = []
    for tolerance in (ROUNDED, NEAR):
        outer = logarithm._expression.exponential(list(operators), tolerance)
        if outer is not None:
            texts.append(outer.text(list(logarithm.names)))
    return list(dict.fromkeys(texts))
