"""Columns' labels as names of variables."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedform.tables.names import RESERVED_NAMES, variable_names


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["a", "B_2", "_c", "E", "I"], ("a", "B_2", "_c", "E", "I")),
        (["Sl. No.", "5 mm", "", 0], ("Sl_No", "x_5_mm", "x_", "x_0")),
        (["sin", "pow", "inv", "lambda", "pi"], ("sin_", "pow_", "inv_", "lambda_", "pi_")),
        (["θ", "Δp", "höhe", "T (°C)"], ("theta", "Deltap", "hohe", "T_C")),
        (["Größe", "ά", "д", "温", "x²", "µ"], ("Grosse", "alpha", "de", "u6e29", "x2", "mu")),
        (["a", "a", "a"], ("a", "a_2", "a_3")),
        (["a b", "a_b", "a-b", "a_b_2"], ("a_b_3", "a_b", "a_b_4", "a_b_2")),
    ],
)
def test_variable_names(labels: list[object], names: tuple[str, ...]) -> None:
    assert variable_names(labels) == names


@given(st.lists(st.text(max_size=6), max_size=6))
def test_variable_names_are_always_distinct_and_legal(labels: list[str]) -> None:
    names = variable_names(labels)
    assert len(set(names)) == len(labels)
    assert all(re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) for name in names)
    assert not set(names) & RESERVED_NAMES
    assert variable_names(names) == names
