"""Operations and bytes that a kernel cannot do without; divided by the machine's best, its floor.

A multiplication and an addition are two operations, fused or not. Counted is the arithmetic of the
formulas in cpp/include/closedform/kernels, for the modes and nodes there are: neither padding nor
finding the grid cell. Bytes are those of the arrays read and written once.
"""

from __future__ import annotations

from bench.machine import Floors

NUMBER = 8  # bytes

# Of one row; those not named take one. Counted in kernels/elementary.hpp.
OPERATIONS = {"exp": 38, "log": 45, "sin": 44, "cos": 44, "sqrt": 1}


def surrogate_value(inputs: int, modes: int) -> tuple[float, float]:
    """Operations and bytes of a row: a quartic by Horner and a product for each factor."""
    return modes * inputs * (8 + 1), NUMBER * (inputs + 1)


def surrogate_gradient(inputs: int, modes: int) -> tuple[float, float]:
    """f and f' by Horner (7 steps), suffix, tail, prefix, and the sum over modes."""
    return modes * inputs * (14 + 5), NUMBER * 2 * inputs


def surrogate_hessian(inputs: int, modes: int) -> tuple[float, float]:
    """f, f', f'' (9 steps), suffix, tail, chain, prefix, gradient, diagonal; 3 for every pair."""
    pairs = inputs * (inputs - 1) / 2
    return modes * (inputs * (18 + 9) + 3 * pairs), NUMBER * (inputs + inputs**2)


def expression_seconds(
    floors: Floors, operators: list[str], size: int, inputs: int, rows: int
) -> float:
    """Least time of an expression: passes through the cache, or its arithmetic, or memory."""
    dear = [OPERATIONS[name] for name in operators if name in OPERATIONS]
    each = 1 / floors.passes
    cheap = size - len(dear)
    nodes = cheap * each + sum(max(each, n / floors.arithmetic) for n in dear)
    return rows * max(nodes, NUMBER * (inputs + 1) / floors.bandwidth)


def network_gradient(rows: int, inputs: int, width: int) -> float:
    """Operations of two hidden layers forwards and backwards, row by row."""
    return 2.0 * 2 * rows * (inputs * width + width * width + width)
