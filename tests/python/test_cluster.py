"""Rows and searches on the workers of a Dask cluster."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import closedform as cf
from closedform.searches.everywhere import equations_of
from closedform.tables.cluster import Partitions

pytest.importorskip("distributed", reason="needs closedform[dask]")
pytestmark = [
    pytest.mark.xdist_group("cluster"),
    # What Dask itself warns of, where a port is taken or a worker dies.
    pytest.mark.filterwarnings("default"),
]

ROWS, PARTS = 4000, 6


def table() -> pandas.DataFrame:
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 3, (ROWS, 3))
    y = 2.31 * X[:, 0] * X[:, 1] / X[:, 2] + 0.3 * rng.normal(size=ROWS)
    return pandas.DataFrame({"a": X[:, 0], "b c": X[:, 1], "d": X[:, 2], "y": y})


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[Any, Any]]:
    """Of one worker, and of two."""
    from distributed import Client, LocalCluster

    how: dict[str, Any] = {"threads_per_worker": 1, "dashboard_address": ":0"}
    how |= {"processes": True, "silence_logs": "CRITICAL"}
    one, two = LocalCluster(n_workers=1, **how), LocalCluster(n_workers=2, **how)
    with one, two, Client(one, set_as_default=False) as a, Client(two) as b:
        yield a, b


def parts_of(frame: pandas.DataFrame, client: Any, **roles: Any) -> Partitions:
    from dask import dataframe

    rows = dataframe.from_pandas(frame, npartitions=PARTS, sort=False)
    return Partitions.of(rows, "y", None, None, client=client, **roles)


def test_sums_have_the_same_bits_for_any_number_of_workers(clients: tuple[Any, Any]) -> None:
    texts, names = ["1.7*a*b_c**2/d + 0.1", "sin(a)"], ["a", "b_c", "d"]
    found = []
    for client in clients:
        parts = parts_of(table(), client, held_out=0.2, seed=3)
        assert sum(parts.rows) == ROWS
        assert parts.held_out == sum(round(0.2 * rows) for rows in parts.rows)
        total = None
        for sums in parts.ask(equations_of, texts, names):
            if total is None:
                total = sums
            else:
                for one, more in zip(total, sums, strict=True):
                    one += more
        assert total is not None
        found.append([(one.weight, one.squares, one.gram.tolist()) for one in total])
        # One process, the same partitions.
        here = [client.gather(part) for part in parts.parts]
        sums = equations_of(here[0], texts, names)
        for part in here[1:]:
            for one, more in zip(sums, equations_of(part, texts, names), strict=True):
                one += more
        found.append([(one.weight, one.squares, one.gram.tolist()) for one in sums])
        rows = np.concatenate([part.data.inputs.values[~part.held] for part in here])
        y = np.concatenate([part.data.y[~part.held] for part in here])
        law = cf.Formula(texts[0], names)
        assert found[0][0][1] == pytest.approx(float(np.sum((law(rows) - y) ** 2)), rel=1e-12)
        drawn, held = parts.sample(500, 7)
        assert (len(held), drawn.inputs.labels) == (500, ("a", "b c", "d"))
        found.append(drawn.inputs.values.tolist())
    assert found[0] == found[1] == found[3] == found[4]
    assert found[2] == found[5]


def test_discover_leaves_partitions_where_they_are(clients: tuple[Any, Any]) -> None:
    from dask import dataframe

    frame = table()
    found = [
        cf.discover(
            dataframe.from_pandas(frame, npartitions=PARTS, sort=False),
            "y",
            time=math.inf,
            evaluations=3000,
            operators=["+", "*", "/"],
            max_size=9,
            strategy="direct",
            noise="absolute",
            options={"colonies": 2},
            client=client,
        )
        for client in clients
    ]
    one, two = found
    assert one.formula.text == two.formula.text
    assert [f.loss for f in one.front] == [f.loss for f in two.front]
    assert one.errors == two.errors
    X = frame[["a", "b c", "d"]]
    assert one.formula.complexity == 7
    product = (X["a"] * X["b c"] / X["d"]).to_numpy()
    np.testing.assert_allclose(one.formula(X), 2.31 * product, rtol=0.01)
    # Of the rows that were not set aside, 0.85 of all.
    error = 0.3 / np.sqrt(0.85 * np.sum(product**2))
    assert one.formula.constants[0].standard_error == pytest.approx(error, rel=0.05)
    assert one.formula.labels == ("a", "b c", "d")
    assert one.formula.ranges == tuple((X[c].min(), X[c].max()) for c in X)
    told = one.provenance
    assert told.rows + told.held_out == ROWS
    errors = one.errors["direct"]
    assert errors is not None
    assert errors.rmse == pytest.approx(0.3, rel=0.1)


def test_a_worker_that_dies_changes_nothing(clients: tuple[Any, Any]) -> None:
    frame, client = table(), clients[1]
    X, y = frame[["a", "b c", "d"]], frame["y"]

    def search() -> list[str]:
        front = cf.search(
            X,
            values=y,
            time=math.inf,
            evaluations=20_000,
            operators=["+", "*", "/"],
            max_size=9,
            options={"colonies": 2},
            client=client,
        )
        return [f"{formula.text} {formula.loss!r}" for formula in front]

    whole = search()
    worker = next(iter(client.run(os.getpid).values()))
    kill = threading.Timer(0.5, os.kill, (worker, signal.SIGKILL))
    kill.start()
    assert search() == whole
    kill.join()
    client.wait_for_workers(2, timeout=60)
    again = client.run(os.getpid)
    assert worker not in again.values()


def test_what_is_wrong_is_said_with_its_partition(clients: tuple[Any, Any]) -> None:
    from dask import array, dataframe

    frame, client = table(), clients[1]
    broken = frame.copy()
    broken.loc[ROWS - 1, "d"] = math.nan
    with pytest.raises(cf.InputError, match=r"^partition 5: X: row 665, column 'd'"):
        parts_of(broken, client)
    rows = dataframe.from_pandas(frame, npartitions=PARTS, sort=False)
    some = rows[rows["a"] > 2.999]  # partitions without rows
    with pytest.raises(cf.InputError, match="rows on a cluster are few"):
        cf.discover(some, "y")
    with pytest.raises(cf.InputError, match="no column 'z' in X"):
        cf.search(rows, values="z")
    with pytest.raises(cf.InputError, match=r"^weights: must be of Dask"):
        cf.search(rows, values="y", weights=np.ones(ROWS))
    with pytest.raises(cf.InputError, match=r"^y: has 2 partitions, X has 6"):
        cf.discover(rows, array.ones(ROWS, chunks=ROWS // 2))
    with pytest.raises(cf.InputError, match=r"^client: must be a dask.distributed.Client, not int"):
        cf.search(frame, values="y", client=3)
    with pytest.raises(cf.InputError, match="colonies are searched by a client's workers"):
        cf.search(frame, values="y", options={"colonies": 3})
    with pytest.raises(cf.InputError, match=r"^sigma_X: is not for rows on a cluster"):
        cf.discover(rows, "y", sigma_X=0.1)
    dropped = parts_of(broken, client, missing="drop")
    assert (sum(dropped.rows), dropped.dropped) == (ROWS - 1, 1)
    surrogate = cf.Surrogate(3, 5, time=1).fit(
        array.from_array(frame[["a", "d"]].to_numpy(), chunks=(ROWS // 2, 1)),
        array.from_array(frame["y"].to_numpy(), chunks=ROWS // 2),
    )
    assert surrogate.names == ("x1", "x2")


def test_a_cluster_that_goes_away_leaves_what_was_found() -> None:
    from distributed import Client, LocalCluster

    frame = table()
    cluster = LocalCluster(
        n_workers=1, processes=False, dashboard_address=":0", silence_logs="CRITICAL"
    )
    with Client(cluster) as client:
        pass
    with pytest.raises(cf.InputError, match=r"^client: is closed; make one"):
        cf.search(frame[["a", "d"]], values=frame["y"], client=client)
    cluster.close()


def test_nothing_of_dask_is_imported_without_it() -> None:
    code = (
        "import sys, numpy as np, closedform as cf\n"
        "X = np.random.default_rng(0).uniform(1, 2, (50, 2))\n"
        "cf.search(X, values=X[:, 0] / X[:, 1], evaluations=1000)\n"
        "assert not {'dask', 'distributed'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_command_line_reads_parquet_on_the_workers(
    clients: tuple[Any, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from closedform.cli.main import main

    folder = tmp_path / "rows"
    folder.mkdir()
    for part in range(2):
        table().iloc[part::2].to_parquet(folder / f"{part}.parquet")
    address = clients[1].scheduler.address
    words = ["--scheduler", address, "--evaluations", "1000", "--quiet"]
    assert main(["discover", str(folder), "--target", "y", "--strategy", "direct", *words]) == 0
    assert "b_c" in capsys.readouterr().out
    words[1] = "tcp://127.0.0.1:9"
    assert main(["discover", str(folder), "--target", "y", *words]) == 2
    assert "does not answer" in capsys.readouterr().err


def test_what_a_user_knows_goes_to_the_workers(clients: tuple[Any, Any]) -> None:
    frame = table()
    front = cf.search(
        frame[["a", "b c", "d"]],
        values=frame["y"],
        operators=["+", "*", "/", {"sinc": "sin(x)/x"}],
        units={"a": "m", "b_c": "s", "d": "s", "y": "m"},
        limits={"constants": 1},
        start=["2*a*b_c/d", "sinc(b_c/d)*a"],
        evaluations=1000,
        time=math.inf,
        client=clients[1],
    )
    assert front.best.complexity == 7
    assert front.best(frame) == pytest.approx(front.best(frame[["d", "b c", "a"]]))
    assert all(len(formula.constants) <= 1 for formula in front)
