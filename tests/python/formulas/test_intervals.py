"""Enclosures of values and gradients hold at whatever point is drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedform import _core

NAMES = ("x", "y")
SIDES = st.tuples(
    st.floats(-1e3, 1e3, allow_subnormal=False), st.floats(0, 50, allow_subnormal=False)
).map(lambda side: (side[0], side[0] + side[1]))


def _call(name: str, operands: tuple[str, ...]) -> str:
    if name.isidentifier():
        return f"{name}({', '.join(operands)})"
    return f"({operands[0]}) {name} ({operands[1]})"


def _texts() -> st.SearchStrategy[str]:
    names = {
        count: [k for k, v in _core.OPERATORS.items() if v.operands == count] for count in (1, 2)
    }

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            *(
                st.builds(_call, st.sampled_from(names[count]), st.tuples(*[inner] * count))
                for count in (1, 2)
            )
        )

    leaves = st.sampled_from(["x", "y", "x", "y", "2", "3", "0.5", "1.25", "-1"])
    return st.recursive(leaves, grow, max_leaves=10)


@settings(max_examples=300, deadline=None)
@given(_texts(), SIDES, SIDES, st.integers(0, 2**32 - 1))
def test_intervals_enclose(
    text: str, x: tuple[float, float], y: tuple[float, float], seed: int
) -> None:
    expression = _core.Expression(text, NAMES)
    low, high = zip(x, y, strict=True)
    shares = np.random.default_rng(seed).uniform(size=(64, 2))
    shares[:4] = [[0, 0], [0, 1], [1, 0], [1, 1]]
    X = np.clip(np.array(low) + shares * (np.array(high) - np.array(low)), low, high)
    enclosures = [expression.interval(low, high), *expression.interval_gradient(low, high)]
    columns = [expression.evaluate(X), *expression.gradient(X).T]
    for (least, most, defined), values in zip(enclosures, columns, strict=True):
        if defined:
            assert np.isfinite(values).all()
            assert least <= values.min()
            assert values.max() <= most


def test_what_an_interval_says() -> None:
    quotient = _core.Expression("1/(x - y)", NAMES)
    assert quotient.interval([3, 1], [4, 2]) == (1 / 3, 1.0, True)
    assert quotient.interval([1, 1], [4, 2]) == (-math.inf, math.inf, False)
    by_x, by_y = quotient.interval_gradient([3, 1], [4, 2])
    assert by_x == pytest.approx((-1, -1 / 9, True))
    assert by_y == pytest.approx((1 / 9, 1, True))
    with pytest.raises(ValueError, match="high: has 1 numbers, low has 2"):
        quotient.interval([1, 2], [3])
    with pytest.raises(ValueError, match="box: the interval of input 2 has no number in it"):
        quotient.interval([1, 2], [3, 1])
