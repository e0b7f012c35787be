"""Rows that need not fit into memory: all kinds give the same, memory is bounded."""

from __future__ import annotations

import itertools
import math
import re
import resource
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import closedform as cf
from closedform.errors import InputError
from closedform.formulas.formula import scored
from closedform.searches import description_length, judged
from closedform.searches.objectives import Values
from closedform.searches.settings import Arguments, checked_settings
from closedform.tables import chunks, spool
from closedform.tables.files import read_table
from closedform.tables.rows import sample_rows

ROWS = 3000
NAMES = ["a", "b", "y", "w"]
DATA = np.random.default_rng(5).uniform(0.5, 2.0, (ROWS, 4))
DATA[:, 2] = DATA[:, 0] * np.sin(DATA[:, 1])
X, Y, W = np.ascontiguousarray(DATA[:, :2]), DATA[:, 2].copy(), DATA[:, 3].copy()
CUTS = [0, 700, 700, 2999, ROWS]  # one chunk is empty, one of a single row

Given = tuple[Any, Any, Any]


def parts(array: np.ndarray) -> Iterator[np.ndarray]:
    return (array[i:j] for i, j in itertools.pairwise(CUTS))


def mapped(array: np.ndarray, path: Path, mode: Any = "r") -> np.ndarray:
    np.save(path, array)
    array = np.load(path, mmap_mode=mode)
    return array


def maps(folder: Path) -> Given:
    return (
        mapped(X, folder / "X.npy"),
        mapped(Y, folder / "y.npy", "r+"),
        mapped(W, folder / "w.npy"),
    )


def columns_of_a_map(folder: Path) -> Given:
    data = mapped(DATA, folder / "data.npy")
    return data[:, :2], data[:, 2], data[:, 3]


def a_map_by_columns(folder: Path) -> Given:
    return mapped(np.asfortranarray(X), folder / "X.npy"), Y, W


def iterator(folder: Path) -> Given:
    return zip(parts(X), parts(Y), parts(W), strict=True), None, None


def iterator_of_tables(folder: Path) -> Given:
    pandas = pytest.importorskip("pandas")
    return (pandas.DataFrame(part, columns=NAMES) for part in parts(DATA)), "y", "w"


def arrow_table() -> Any:
    pyarrow = pytest.importorskip("pyarrow")
    return pyarrow.table(dict(zip(NAMES, DATA.T, strict=True)))


def arrow_reader(folder: Path) -> Given:
    return iter(arrow_table().to_batches(max_chunksize=1100)), "y", "w"


def parquet(folder: Path) -> Given:
    module = pytest.importorskip("pyarrow.parquet")
    module.write_table(arrow_table(), folder / "data.parquet", row_group_size=900)
    return folder / "data.parquet", "y", "w"


def folder_of_parquet(folder: Path) -> Given:
    module = pytest.importorskip("pyarrow.parquet")
    for k, (i, j) in enumerate(itertools.pairwise(CUTS)):
        module.write_table(arrow_table().slice(i, j - i), folder / f"part-{k}.parquet")
    return str(folder), "y", "w"


def dataset(folder: Path) -> Given:
    pytest.importorskip("pyarrow")
    return chunks.dataset(folder_of_parquet(folder)[0]), "y", "w"


KINDS = [
    maps,
    columns_of_a_map,
    a_map_by_columns,
    iterator,
    iterator_of_tables,
    arrow_reader,
    parquet,
    folder_of_parquet,
    dataset,
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_brings_the_same_rows(kind: Callable[[Path], Given], tmp_path: Path) -> None:
    rows = chunks.gather(*kind(tmp_path))
    np.testing.assert_array_equal(rows.inputs.values, X)
    np.testing.assert_array_equal(rows.target, Y)
    assert rows.weights is not None
    np.testing.assert_array_equal(rows.weights, W)
    named = kind not in (maps, columns_of_a_map, a_map_by_columns, iterator)
    assert rows.inputs.names == (("a", "b") if named else ("x1", "x2"))


@pytest.mark.parametrize("kind", [maps, columns_of_a_map, iterator, parquet])
def test_every_kind_gives_the_same_results(
    kind: Callable[[Path], Given], tmp_path: Path, in_memory: SimpleNamespace
) -> None:
    found = results(lambda: kind(tmp_path))
    assert found.predicted.tobytes() == in_memory.predicted.tobytes()
    assert found.tree == in_memory.tree
    assert [found.plain(f) for f in found.front] == [in_memory.plain(f) for f in in_memory.front]
    assert found.plain(found.discovery.formula) == in_memory.plain(in_memory.discovery.formula)
    assert found.discovery.errors == in_memory.discovery.errors


@pytest.fixture(scope="module")
def in_memory() -> SimpleNamespace:
    return results(lambda: (X, Y, W))


def results(data: Callable[[], Given]) -> SimpleNamespace:
    """What every public function makes of the data, given anew to each."""
    x, y, w = data()
    fit = cf.Surrogate(2, 4, smoothing=1e-6, time=math.inf).fit(x, y, weights=w)
    x, y, w = data()
    tree = cf.separability(fit, x, y, weights=w, time=math.inf)
    x, y, w = data()
    budget: dict[str, Any] = {"time": math.inf, "operators": "+ * sin"}
    front = cf.search(x, values=y, weights=w, evaluations=2000, **budget)
    x, y, w = data()
    return SimpleNamespace(
        predicted=fit.predict(X),
        tree=tree.tree,
        front=front,
        discovery=cf.discover(x, y, weights=w, evaluations=2000, strategy="direct", **budget),
        plain=lambda f: (re.sub(r"\bb\b", "x2", re.sub(r"\ba\b", "x1", f.text)), f.loss),
    )


def test_labels_in_chunks() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": X[:, 0], "b": X[:, 1], "t": X[:, 0] > X[:, 1]})
    front = cf.search(
        iter([table[:1000], table[1000:]]), labels="t", evaluations=5000, time=math.inf
    )
    assert np.mean((front.best(X) > 0) == (X[:, 0] > X[:, 1])) > 0.99


@pytest.mark.parametrize("weights", [None, W])
def test_a_neuron_at_chunks(weights: Any) -> None:
    def value(X: np.ndarray) -> np.ndarray:
        return np.tanh(X[:, 0] * X[:, 1])

    def gradient(X: np.ndarray) -> np.ndarray:
        return X[:, ::-1] * (1 - value(X)[:, None] ** 2)

    budget: dict[str, Any] = {"evaluations": 500, "time": math.inf, "symmetries": False}
    plain = cf.interpret((value, gradient), X, weights=weights, **budget)
    found = cf.interpret((value, gradient), parts(X), weights=weights, **budget)
    assert found.formula == plain.formula
    assert found.fidelity == plain.fidelity


def test_float32_stays_and_other_numbers_become_float64(tmp_path: Path) -> None:
    single = X.astype(np.float32)
    assert chunks.gather(parts(single)).inputs.values.dtype == np.float32
    values = chunks.gather(mapped(single, tmp_path / "X.npy")).inputs.values
    assert values.dtype == np.float32
    assert isinstance(values.base, np.memmap)  # where it lay
    whole = mapped(np.arange(200_000).reshape(-1, 2), tmp_path / "n.npy")
    values = chunks.gather(whole).inputs.values
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, np.asarray(whole))


@given(st.integers(1, 40), st.data())
def test_rows_set_aside(n: int, data: st.DataObject) -> None:
    aside = data.draw(st.sets(st.integers(0, n - 1), max_size=n))
    order = np.array(sorted(aside), dtype=np.intp)
    values = np.arange(2.0 * n).reshape(n, 2)
    rest, held = spool.set_aside(values, order)
    assert set(held[:, 0]) == {2.0 * row for row in aside}
    assert sorted([*rest[:, 0], *held[:, 0]]) == list(values[:, 0])
    np.testing.assert_array_equal(np.diff(np.vstack([rest, held])), 1.0)
    assert rest.flags.c_contiguous
    assert values[0, 0] == 0.0
    numbers = spool.Moved.of(n, order).numbers(np.arange(len(rest)))
    np.testing.assert_array_equal(values[numbers], rest)


@pytest.mark.parametrize("kind", ["read", "read and write", "a view", "private", "file gone"])
def test_rows_set_aside_of_a_map(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "X.npy"
    mode = {"read and write": "r+", "private": "c"}.get(kind, "r")
    values = mapped(np.arange(3e5).reshape(-1, 3), path, mode)
    if kind == "a view":
        values = values[777:]
    elif kind == "private":
        values[5] = -1.0
    elif kind == "file gone":
        path.unlink()
    before = values.copy()
    aside = np.array([5, 60_000, len(values) - 2])
    rest, held = spool.set_aside(values, aside)
    slow = spool.set_aside(before, aside)
    np.testing.assert_array_equal(rest, slow[0])
    np.testing.assert_array_equal(held, slow[1])
    np.testing.assert_array_equal(values, before)
    assert spool.map_of(rest) is not None


def bad(*pieces: Any) -> Iterator[Any]:
    return iter(pieces)


@pytest.mark.parametrize(
    ("given", "y", "message"),
    [
        (lambda: bad(), None, "X: has no rows; at least 2 are needed"),
        (lambda: bad(X[:1]), None, "X: has too few rows (n_samples = 1)"),
        (lambda: bad(X, DATA), None, "X: chunk 2 has other columns (x1, x2, x3, x4) than those"),
        (lambda: bad((X, Y), X), None, "X: chunk 2 has other columns (x1, x2) than those before"),
        (lambda: bad((X, Y), (X, np.full(ROWS, np.nan))), None, "y: row 3000 is NaN"),
        (lambda: bad(X, np.vstack([X, [[1, np.inf]]])), None, "X: row 6000, column 'x2' is inf"),
        (lambda: bad(X.astype(np.float32), X), None, "X: row 3000 and those after it are float64"),
        (lambda: bad((X, Y, W, W)), None, "X: a chunk is a tuple of 4; give (X, y)"),
        (lambda: bad((X, Y)), Y, "y: comes with the chunks of X, too; give it once"),
        (lambda: bad(X), Y[:-1], "y: has 2999 values for 3000 rows"),
        (lambda: bad(X), "y", "y: 'y' is a column's name, but X has none"),
        (lambda: bad(X), None, "y: not given; give one number per row"),
        (lambda: X, "y", "y: 'y' is a column's name, but X has none"),
        (lambda: "gone.parquet", "y", "X: gone.parquet: No such file or directory"),
        (lambda: "data.csv", "y", "X: data.csv: No such file or directory; check the path"),
    ],
)
def test_errors(given: Callable[[], Any], y: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        chunks.gather(given(), y).target  # noqa: B018 - raises where there is none
    assert "\n" not in str(caught.value)


def test_errors_of_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    path = parquet(tmp_path)[0]
    with pytest.raises(InputError, match="y: no column 'z' in X; it has 'a', 'b', 'y', 'w'"):
        chunks.gather(path, "z")
    with pytest.raises(InputError, match="row 1, column 'b' is NaN"):
        chunks.gather(iter(pyarrow.table({"b": [1.0, None]}).to_batches()))
    room = SimpleNamespace(free=95_999)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: room)
    with pytest.raises(InputError, match=r"need 0\.0 GB in .*, which has 0\.0 GB; set TMPDIR"):
        chunks.gather(path, "y", "w")
    room.free = 96_000
    assert len(chunks.gather(path, "y", "w").target) == ROWS
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no \.parquet files"):
        chunks.gather(tmp_path / "empty", "y")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        chunks.gather(path, "y")


def test_a_full_disk_is_named() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(
            InputError, match=r"X: no room in .* for its rows after row 6000 .*TMPDIR"
        ):
            chunks.gather(iter([X] * 5))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_weights_without_a_target() -> None:
    pandas = pytest.importorskip("pandas")
    rows = chunks.gather(iter([pandas.DataFrame(DATA, columns=NAMES)]), None, "w")
    assert rows.y is None
    assert rows.weights is not None
    np.testing.assert_array_equal(rows.weights, W)


def test_tables_of_a_folder(tmp_path: Path) -> None:
    table = read_table(folder_of_parquet(tmp_path)[0], target="y", weights="w", drop=["b"])
    np.testing.assert_array_equal(table.inputs.values, X[:, :1])
    assert table.target is not None
    np.testing.assert_array_equal(table.target, Y)


def test_all_rows_choose_the_formula() -> None:
    """Ten rows in 50,000 tell two formulas apart; the rows that errors are taken on miss them."""
    x = np.random.default_rng(0).uniform(-1, 1, (50_000, 1))
    y = x[:, 0] + np.random.default_rng(1).normal(0, 0.1, 50_000)
    seen = sample_rows(len(y), judged.MOST_ROWS, np.random.default_rng(0))
    rare = np.setdiff1d(np.arange(len(y)), seen)[:10]
    x[rare], y[rare] = 5.0, 35.0
    goal = Values(y, None).goal
    both = scored(["x1", "x1 + 30*exp(10*(x1 - 5))"], ["x1"], x, goal)
    assert both[0].loss > 10 * both[1].loss
    settings = checked_settings(Arguments())
    choice = description_length.shortest_description(both, x, Values(y, None), settings)
    assert choice.best == 1


MEMORY = """
    import math, sys, threading, time
    import numpy as np
    import closedform as cf

    rows, columns = 2_000_000, 18
    data = np.memmap(sys.argv[1], np.float64, "w+", shape=(rows, columns))
    y = np.memmap(sys.argv[2], np.float64, "w+", shape=rows)
    rng = np.random.default_rng(0)
    for i in range(0, rows, 20_000):
        data[i : i + 20_000] = rng.random((20_000, columns))
        y[i : i + 20_000] = data[i : i + 20_000, 0] * data[i : i + 20_000, 1]

    def anonymous():
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1e3

    cf.search(data[:1000], values=y[:1000], evaluations=100, time=math.inf)  # loads everything
    before = peak = anonymous()
    done = False

    def watch():
        global peak
        while not done:
            peak = max(peak, anonymous())
            time.sleep(0.005)

    watching = threading.Thread(target=watch)
    watching.start()
    surrogate = cf.Surrogate(1, 4, smoothing=1e-6, time=0.5).fit(data, y)
    cf.separability(surrogate, data, y, time=0.1)
    front = cf.search(data, values=y, evaluations=1000, time=math.inf, operators="+ *")
    found = cf.discover(data, y, evaluations=1000, time=math.inf, strategy="direct")
    done = True
    watching.join()
    assert front.best.loss < 1e-20 and found.errors["direct"].nrmse < 1e-8
    print(data.nbytes / 1e6, peak - before)
"""


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    script = textwrap.dedent(MEMORY)
    command = [sys.executable, "-c", script, str(tmp_path / "X"), str(tmp_path / "y")]
    printed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert printed.returncode == 0, printed.stderr
    data, peak = map(float, printed.stdout.split())
    assert data > 280
    # Most of it the pages of the rows held out, at most 20,000 of 4 kB for X and as many for y.
    assert peak < 190
