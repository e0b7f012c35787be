"""Columns of tables are found by the user's labels, for whatever is evaluated at them."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import closedform as cf
from closedform.errors import InputError

LABELS = ["a-b", "a b", "max"]  # the first two are one name once cleaned


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(rng.uniform(0.5, 2.0, (60, 3)), columns=LABELS)


@pytest.fixture(scope="module")
def target(table: pd.DataFrame) -> np.ndarray:
    return (table["a-b"] + 10 * table["a b"] * table["max"]).to_numpy()


@pytest.fixture(scope="module")
def formula(table: pd.DataFrame, target: np.ndarray) -> cf.Formula:
    found = cf.search(table, values=target, evaluations=20000, time=60)
    assert found.stopped == "exact"
    return found.best


@pytest.mark.parametrize("order", [[0, 1, 2], [1, 0, 2], [2, 1, 0]])
def test_a_formula_reads_its_own_columns(
    formula: cf.Formula, table: pd.DataFrame, target: np.ndarray, order: list[int], tmp_path: Path
) -> None:
    cf.Front([formula]).save(tmp_path / "front.json")
    for same in (
        formula,
        formula.simplified(formula.operators),
        pickle.loads(pickle.dumps(formula)),
        cf.Formula.load(tmp_path / "front.json"),
    ):
        shown = table[[LABELS[i] for i in order]].assign(more=7.0)
        np.testing.assert_allclose(same(shown), target, rtol=1e-9)
    np.testing.assert_allclose(formula(table.to_numpy()), target, rtol=1e-9)


def test_a_surrogate_reads_its_own_columns(
    table: pd.DataFrame, target: np.ndarray, tmp_path: Path
) -> None:
    surrogate = cf.Surrogate(modes=2, segments=4, time=20).fit(table, target)
    expected = surrogate.predict(table)
    surrogate.save(tmp_path / "surrogate.npz")
    for same in (surrogate, cf.Surrogate.load(tmp_path / "surrogate.npz")):
        np.testing.assert_array_equal(same.predict(table[LABELS[::-1]]), expected)
        np.testing.assert_array_equal(same.predict(table.to_numpy()), expected)
        with pytest.raises(InputError, match=r"X: has no column 'a-b', an input of the surrogate"):
            same.predict(table.rename(columns={"a-b": "c"}))
    split = cf.separability(surrogate, table, target)
    assert str(cf.separability(surrogate, table[LABELS[::-1]], target).tree) == str(split.tree)


def test_columns_that_are_missing_are_an_error(formula: cf.Formula, table: pd.DataFrame) -> None:
    renamed = table.rename(columns={"a b": "b"})
    with pytest.raises(InputError, match=r"X: has no column 'a b', an input of the formula; give"):
        formula(renamed)
    with pytest.raises(InputError, match=r"X: has 2 columns; the formula takes 3"):
        formula(table.to_numpy()[:, :2])
    # Labels that are no texts say nothing: such columns are taken in their order.
    numbered = table.set_axis([0, 1, 2], axis=1)
    np.testing.assert_array_equal(formula(numbered), formula(table))


def test_a_network_reads_its_own_columns(table: pd.DataFrame) -> None:
    law = cf.Formula("x + 2*y", ["x", "y"])
    network = cf.network(law)
    pair = pd.DataFrame({"y": [1.0, 2.0], "x": [5.0, 6.0]})
    np.testing.assert_array_equal(network.value(pair), [7.0, 10.0])
    with pytest.raises(InputError, match=r"X: has no column 'x', an input of the network"):
        network.value(table)


def test_the_rows_numbers_are_no_input(table: pd.DataFrame, target: np.ndarray) -> None:
    """Those of a filtered pandas table are an index of their own."""
    some = table.assign(y=target)[target > np.median(target)]
    whole = cf.search(some, values="y", evaluations=500, time=60)
    assert whole.best.names == cf.search(table, values=target, evaluations=500, time=60).best.names
    assert whole.best.labels == tuple(LABELS)
    pyarrow = pytest.importorskip("pyarrow")
    batch = pyarrow.RecordBatch.from_pandas(some, preserve_index=False)
    assert cf.search(batch, values="y", evaluations=500, time=60).best.labels == tuple(LABELS)
