"""Systems of equations: one discovery a target, names kept, budgets shared."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import closedform as cf

BUDGET: dict[str, Any] = {"evaluations": 6000, "time": math.inf, "threads": 1, "progress": False}


def test_a_system_keeps_the_names_of_a_tables_columns() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    rng = np.random.default_rng(0)
    table = pandas.DataFrame(rng.uniform(1, 3, (60, 2)), columns=["hares", "lynx es"])
    table["d hares"] = table["hares"] * (1 - table["lynx es"])
    table["d lynxes"] = table["lynx es"] * (table["hares"] - 2)
    told: dict[str, Any] = {**BUDGET, "operators": "+ - *", "strategy": "direct"}
    system = cf.discover_system(table, ["d hares", "d lynxes"], **told)
    assert list(system) == ["d hares", "d lynxes"]
    assert str(system) == "d hares = hares - hares*lynx_es\nd lynxes = lynx_es*(hares - 2)"
    np.testing.assert_allclose(system(table), table[["d hares", "d lynxes"]], rtol=1e-12)
    assert system["d lynxes"].verdict.kind == "law"
    assert "lynx_es" in system._repr_html_()
    assert sum(one.front.evaluations for one in system.values()) <= BUDGET["evaluations"]
    apart = cf.discover_system(table[["hares", "lynx es"]], table[["d hares", "d lynxes"]], **told)
    assert str(apart) == str(system)


@pytest.mark.parametrize(
    ("X", "Y", "told"),
    [
        (np.ones((9, 2)), ["a", "b"], "Y: labels of columns are those of a table"),
        (np.ones((9, 2)), np.ones((8, 2)), "y: "),
        (np.ones((9, 2)), [[1.0, math.nan]] * 9, "Y: "),
    ],
)
def test_targets_that_cannot_be(X: Any, Y: Any, told: str) -> None:
    with pytest.raises(cf.InputError, match=told):
        cf.discover_system(X, Y, **BUDGET)
    with pytest.raises(cf.InputError, match="y: has 2 columns; give one"):
        cf.discover(np.ones((9, 2)), np.ones((9, 2)), **BUDGET)
